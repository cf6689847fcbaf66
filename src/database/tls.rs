//! Which TLS a URL asks for, and rustls set up for it.
//!
//! | `sslmode` | here | Prisma |
//! |---|---|---|
//! | `disable` | never TLS | the same |
//! | `prefer`, absent, `allow` | TLS if the server offers it, the certificate not verified | the same |
//! | `require` | TLS; the chain verified if a certificate authority is given | TLS, not verified |
//! | `verify-ca` | TLS, the chain verified | reads it as `prefer` |
//! | `verify-full` | TLS, chain and host name verified | reads it as `prefer` |
//!
//! `sslaccept=strict` verifies chain and host name wherever TLS is spoken; `sslaccept=accept_invalid_certs` verifies nothing
//! unless the mode is `verify-*`. The certificate authority is `sslrootcert`, or Prisma's word for it, `sslcert`; else the
//! system's. Being stricter than Prisma on `verify-*` is a choice: whoever wrote it meant it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{DatabaseUrl, Host};
use crate::error::{Error, Explain as _, Result};

/// Whether TLS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Never.
    Never,
    /// If the server offers it.
    Offered,
    /// Or no connection.
    Always,
}

/// What of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Nothing: safe from eavesdroppers only.
    None,
    /// That a trusted authority signed it.
    Chain,
    /// The chain and the host name.
    Full,
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The system's certificate authorities.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// What a URL asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub demand: Demand,
    pub verification: Verification,
    pub roots: Roots,
}

impl Tls {
    /// Reads `sslmode`, `sslaccept`, `sslcert` and `sslrootcert`, by the table above.
    pub fn asked_by(url: &DatabaseUrl) -> Self {
        let file = |name| url.parameter(name).filter(|path| !path.is_empty() && path != "system").map(PathBuf::from);
        let roots = file("sslrootcert").or_else(|| file("sslcert")).map_or(Roots::System, Roots::File);
        let accept = url.parameter("sslaccept");
        let mode = url.parameter("sslmode");
        let demand = match mode.as_deref() {
            // a unix socket has no TLS to offer
            _ if matches!(url.host(), Host::Socket(_)) => Demand::Never,
            Some("disable") => Demand::Never,
            Some("require" | "verify-ca" | "verify-full") => Demand::Always,
            _ => Demand::Offered,
        };
        let verification = match (mode.as_deref(), accept.as_deref()) {
            (Some("verify-full"), _) => Verification::Full,
            // Prisma reads every unknown word as strict
            (_, Some(accept)) if accept != "accept_invalid_certs" => Verification::Full,
            (Some("verify-ca"), _) => Verification::Chain,
            (Some("require"), None) if roots != Roots::System => Verification::Chain,
            _ => Verification::None,
        };
        Self { demand, verification, roots }
    }

    /// rustls, set up for it.
    ///
    /// # Errors
    /// Exit status 2 if the certificate authority's file cannot be read.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.verification {
            Verification::None => Arc::new(Unverified(Arc::clone(&provider))),
            Verification::Full => self.chain_verifier(&provider)?,
            Verification::Chain => Arc::new(AnyName(self.chain_verifier(&provider)?)),
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.explain(|| "could not set up TLS".into())?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn chain_verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Roots::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Roots::File(path) => {
                let unreadable = |error: rustls_pki_types::pem::Error| {
                    Error::usage(format!("could not read the certificate authority {}", path.display()))
                        .because(error)
                        .help("sslcert (or sslrootcert) of the database URL names a PEM file")
                };
                for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                    let added = roots.add(certificate.map_err(unreadable)?);
                    added.explain(|| format!("{} holds a certificate that is none", path.display()))?;
                }
            }
        }
        if roots.is_empty() {
            return Err(Error::usage("there is no certificate authority to verify the database server with")
                .help("name one in the database URL: sslrootcert=/path/to/ca.pem"));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        verifier.explain(|| "could not set up TLS".into())
    }
}

/// Takes any certificate, as `sslmode=prefer` and `require` mean it; the handshake itself is still verified.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Verifies the chain and takes any host name, as `sslmode=verify-ca` means it.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // the name is looked at last: the chain holds
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
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
