//! The certificate of a site, and its side of the handshake.
//!
//! Each start makes an authority and a certificate that it signed: a client that trusts the authority
//! checks the site as it would any other, names and all.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};
use crate::runtime;

/// The names and addresses that the certificate is good for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// An authority's certificate, in PEM, and what accepts connections under it.
pub(super) fn prepare(http2: bool) -> Result<(String, TlsAcceptor)> {
    let failed =
        |error: &dyn std::fmt::Display| Error::runtime(format!("no certificate for the site: {error}"));

    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "aioxide's local site: authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = KeyPair::generate()
        .and_then(|key| CertifiedIssuer::self_signed(authority, key))
        .map_err(|error| failed(&error))?;

    let mut site = CertificateParams::new(NAMES.map(str::to_owned)).map_err(|error| failed(&error))?;
    site.distinguished_name
        .push(DnType::CommonName, "aioxide's local site");
    site.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    site.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Python refuses a certificate without it since 3.13.
    site.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    let certificate = site.signed_by(&key, &authority).map_err(|error| failed(&error))?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
        })
        .map_err(|error| failed(&error))?;
    if http2 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok((authority.pem(), TlsAcceptor::from(Arc::new(config))))
}

/// A certificate in a file, for programs that take a path. Removed when dropped.
#[derive(Debug)]
pub(super) struct CertificateFile {
    pub(super) path: PathBuf,
    /// A forked child has a copy of this, and must leave the parent's file alone.
    epoch: u32,
}

impl CertificateFile {
    /// The port makes the name unique among the sites of this machine that run.
    pub(super) fn write(pem: &str, port: u16) -> std::io::Result<Self> {
        let name = format!("aioxide-site-{}-{port}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::File::create_new(&path)?.write_all(pem.as_bytes())?;
        Ok(Self {
            path,
            epoch: runtime::epoch(),
        })
    }
}

impl Drop for CertificateFile {
    fn drop(&mut self) {
        if self.epoch == runtime::epoch() {
            // Somebody may have tidied up before us.
            let _ = fs::remove_file(&self.path);
        }
    }
}
