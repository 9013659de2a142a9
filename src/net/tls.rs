//! Whom to trust, and what to speak: the TLS configuration of a client.
//!
//! The system's certificates are read once for the process, because that takes tens of milliseconds
//! and a program may make a client per proxy. A configuration itself is made anew for each client and
//! each process: it has a cache of sessions with a lock inside, which a fork could leave locked.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, ProtocolVersion, RootCertStore,
    ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsAcceptor;

use super::pinned::{Fingerprint, Pinned};
use crate::error::{Error, Kind, Result};

/// Which certificates a server may show.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those the system trusts; where it has none, Mozilla's.
    System,
    /// Mozilla's, which are compiled in.
    Bundled,
    /// These, and those that one of them has signed, and no others.
    Only(Arc<Known>),
    /// Any. The connection is encrypted, and nobody knows with whom.
    Anyone,
    /// The one with this fingerprint, whatever else is in it.
    Pinned(Fingerprint),
    /// The same as within, whatever name is in the certificate.
    AnyName(Arc<Trust>),
}

impl Trust {
    /// Trusts the certificates in `pem` alone; ValueError if there are none.
    pub fn only(pem: &[u8]) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| Error::value(format!("not a PEM certificate: {error}")))?;
            certificates.push(certificate.clone());
            roots
                .add(certificate)
                .map_err(|error| Error::value(format!("not a usable certificate: {error}")))?;
        }
        if roots.is_empty() {
            return Err(Error::value("no certificate in PEM form was found"));
        }
        Self::of(roots, certificates)
    }

    /// Trusts these certificates alone, in DER, but for those that rustls cannot use; ValueError if it can
    /// use none.
    pub fn any_of(certificates: &[Vec<u8>]) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let each = certificates.iter().map(|der| CertificateDer::from_slice(der));
        roots.add_parsable_certificates(each);
        Self::of(
            roots,
            certificates.iter().cloned().map(CertificateDer::from).collect(),
        )
    }

    fn of(roots: RootCertStore, certificates: Vec<CertificateDer<'static>>) -> Result<Self> {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map(|signed| Self::Only(Arc::new(Known { signed, certificates })))
            .map_err(|error| Error::value(format!("not usable certificates: {error}")))
    }

    fn verifier(&self) -> Arc<dyn ServerCertVerifier> {
        static SYSTEM: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
        match self {
            Self::System => Arc::clone(SYSTEM.get_or_init(|| match Verifier::new(provider()) {
                Ok(verifier) => Arc::new(verifier),
                Err(_) => bundled(),
            })),
            Self::Bundled => bundled(),
            Self::Only(known) => Arc::clone(known) as Arc<dyn ServerCertVerifier>,
            Self::Anyone => Arc::new(Fixed { refusal: None }),
            Self::Pinned(fingerprint) => Arc::new(Pinned {
                fingerprint: *fingerprint,
                provider: provider(),
            }),
            Self::AnyName(trust) => Arc::new(AnyName(trust.verifier())),
        }
    }
}

/// Certificates that the program trusts, and those that they have signed.
///
/// What `openssl req -x509` makes for a server is an authority that has signed itself. For webpki an authority is
/// no server; but who trusts that very certificate trusts the server, as with OpenSSL.
#[derive(Debug)]
pub struct Known {
    signed: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged =
            self.signed
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judged {
            // webpki has looked at the dates before it says so, and not at the name.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why))))
                if matches!(why.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
                    && self.certificates.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

/// Mozilla's roots.
fn bundled() -> Arc<dyn ServerCertVerifier> {
    static BUNDLED: OnceLock<Arc<dyn ServerCertVerifier>> = OnceLock::new();
    Arc::clone(BUNDLED.get_or_init(|| {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        match WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build() {
            Ok(verifier) => verifier,
            // Plain HTTP must go on working.
            Err(error) => Arc::new(Fixed {
                refusal: Some(rustls::Error::General(error.to_string())),
            }),
        }
    }))
}

/// Who we are, to servers that ask: a certificate with those that lead to its root, and its key.
#[derive(Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both from PEM; they may be in one file. ValueError if something is missing or of no use.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Error::value(format!("not a PEM certificate: {error}")))?;
        if chain.is_empty() {
            return Err(Error::value("no client certificate in PEM form was found"));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls_pki_types::pem::Error::NoItemsFound => Error::value(
                "no private key in PEM form was found; one with a password must be decrypted first",
            ),
            other => Error::value(format!("not a PEM private key: {other}")),
        })?;
        let identity = Self { chain, key };
        // The key may be one that cannot be used, or not that of the certificate.
        identity.resolve()?;
        Ok(identity)
    }

    /// What accepts connections as a server with this certificate.
    pub fn acceptor(&self) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(Kind::Tls, format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(self.resolve()?);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config).into())
    }

    fn resolve(&self) -> Result<Arc<rustls::sign::SingleCertAndKey>> {
        rustls::sign::CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider())
            .map(|certified| Arc::new(certified.into()))
            .map_err(|error| Error::value(format!("the client certificate cannot be used: {error}")))
    }
}

/// What a client wants of TLS.
#[derive(Debug, Clone)]
pub struct Wishes {
    pub trust: Trust,
    pub identity: Option<Arc<Identity>>,
    /// TLS 1.2 is refused.
    pub only_1_3: bool,
    /// Whether the name of the server is said in the clear.
    pub sni: bool,
}

/// TLS as a client speaks it. Made once for all its connections.
#[derive(Debug)]
pub struct Tls {
    /// Offers the client's protocols by ALPN.
    pub for_servers: Arc<ClientConfig>,
    /// Offers HTTP/1.1 only.
    pub for_proxies: Arc<ClientConfig>,
}

impl Tls {
    /// Offers `protocols` by ALPN in order of preference.
    pub fn new(wishes: &Wishes, protocols: &[&[u8]]) -> Result<Self> {
        Ok(Self {
            for_servers: Arc::new(configuration(wishes, protocols)?),
            for_proxies: Arc::new(configuration(wishes, &[b"http/1.1"])?),
        })
    }
}

fn configuration(wishes: &Wishes, protocols: &[&[u8]]) -> Result<ClientConfig> {
    let versions: Vec<&'static SupportedProtocolVersion> = rustls::ALL_VERSIONS
        .iter()
        .filter(|version| !wishes.only_1_3 || version.version == ProtocolVersion::TLSv1_3)
        .copied()
        .collect();
    let unusable = |error: rustls::Error| Error::new(Kind::Tls, format!("TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(wishes.trust.verifier());
    let mut config = match &wishes.identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolve()?),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.enable_sni = wishes.sni;
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

/// The judgement of another, but for the name.
#[derive(Debug)]
struct AnyName(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judged {
            // The name is looked at last, when the rest is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
