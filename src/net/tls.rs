//! Whom to trust, and what to speak: the TLS configuration of a client.
//!
//! The system's certificates are read once for the process, because that takes tens of milliseconds
//! and a program may make a client per proxy. A configuration itself is made anew for each client and
//! each process: it has a cache of sessions with a lock inside, which a fork could leave locked.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, Kind, Result};

/// Which certificates a server may show.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those the system trusts.
    System,
    /// Those that one of these has signed, and no others.
    Only(Arc<WebPkiServerVerifier>),
    /// Any. The connection is encrypted, and nobody knows with whom.
    Anyone,
}

impl Trust {
    /// Trusts the certificates in `pem` alone; ValueError if there are none.
    pub fn only(pem: &[u8]) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| Error::value(format!("not a PEM certificate: {error}")))?;
            roots
                .add(certificate)
                .map_err(|error| Error::value(format!("not a usable certificate: {error}")))?;
        }
        if roots.is_empty() {
            return Err(Error::value("no certificate in PEM form was found"));
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map(Self::Only)
            .map_err(|error| Error::value(format!("not usable certificates: {error}")))
    }

    fn verifier(&self) -> Arc<dyn ServerCertVerifier> {
        static SYSTEM: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
        match self {
            Self::System => Arc::clone(SYSTEM.get_or_init(|| match Verifier::new(provider()) {
                Ok(verifier) => Arc::new(verifier),
                // Plain HTTP must go on working on a system without certificates.
                Err(error) => Arc::new(Fixed { refusal: Some(error) }),
            })),
            Self::Only(verifier) => Arc::clone(verifier) as Arc<dyn ServerCertVerifier>,
            Self::Anyone => Arc::new(Fixed { refusal: None }),
        }
    }
}

/// A new client configuration, offering `protocols` by ALPN in order of preference.
pub fn configuration(trust: &Trust, protocols: &[&[u8]]) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Tls, format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(trust.verifier())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The process's own cryptography if it has installed one, else aws-lc.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone)
}

/// One answer for every certificate.
#[derive(Debug)]
struct Fixed {
    refusal: Option<rustls::Error>,
}

impl ServerCertVerifier for Fixed {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.refusal {
            Some(reason) => Err(reason.clone()),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    // Proof that the server has the key of a certificate which could be anybody's proves nothing.

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
