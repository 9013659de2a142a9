//! Trust in one certificate alone, known by its fingerprint.
//!
//! Nothing else of the certificate is looked at: neither who signed it, nor its name, nor its dates. But that the
//! server has the key to it is proved as ever, by its signature over the handshake: without that, whoever has seen the
//! certificate could show it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// The length of a fingerprint, in bytes: a SHA-256 digest.
pub const LENGTH: usize = 32;

pub type Fingerprint = [u8; LENGTH];

/// A server shows another certificate.
#[derive(Debug)]
pub struct OtherFingerprint {
    shown: Box<[u8]>,
    expected: Fingerprint,
}

impl OtherFingerprint {
    /// The fingerprint of what it shows, and the one that was given.
    pub fn in_hex(&self) -> String {
        format!("{} {}", hex(&self.shown), hex(&self.expected))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for OtherFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the certificate has the fingerprint {}, and not {}",
            hex(&self.shown),
            hex(&self.expected)
        )
    }
}

impl std::error::Error for OtherFingerprint {}

/// See the head of this file.
#[derive(Debug)]
pub struct Pinned {
    pub fingerprint: Fingerprint,
    pub provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = digest(&SHA256, end_entity);
        if shown.as_ref() == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherFingerprint {
            shown: shown.as_ref().into(),
            expected: self.fingerprint,
        };
        Err(CertificateError::Other(OtherError(Arc::new(other))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn one_certificate_and_no_other() {
        let certificate = CertificateDer::from(b"not even a certificate".to_vec());
        let mut fingerprint: Fingerprint = digest(&SHA256, &certificate).as_ref().try_into().unwrap();
        let verify = |fingerprint| {
            let pinned = Pinned {
                fingerprint,
                provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            };
            let name = ServerName::try_from("anything.test").unwrap();
            pinned.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now())
        };
        assert!(verify(fingerprint).is_ok());
        let first = fingerprint.first_mut().unwrap();
        *first ^= 1;
        assert!(matches!(
            verify(fingerprint).unwrap_err(),
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))
                if why.downcast_ref::<OtherFingerprint>().is_some_and(|other| other.expected == fingerprint)
        ));
    }
}
