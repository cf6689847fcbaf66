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
//! system's; a server's own certificate in that file is trusted as it stands. Being stricter than Prisma on `verify-*` is a choice: a URL that says it means it.

mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use self::verifier::{Trusted, Unverified};
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
            Verification::None => Arc::new(Unverified::new(Arc::clone(&provider))),
            Verification::Chain => Arc::new(self.trusted(&provider, false)?),
            Verification::Full => Arc::new(self.trusted(&provider, true)?),
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.explain(|| "could not set up TLS".into())?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn trusted(&self, provider: &Arc<CryptoProvider>, name: bool) -> Result<Trusted> {
        let mut roots = RootCertStore::empty();
        let mut given = Vec::new();
        match &self.roots {
            Roots::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Roots::File(path) => {
                given = certificates(path)?;
                roots.add_parsable_certificates(given.iter().cloned());
            }
        }
        if roots.is_empty() {
            return Err(Error::usage("no certificate authority was found to verify the database server with")
                .help("name one in the database URL: sslrootcert=/path/to/ca.pem"));
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        Ok(Trusted::new(chain.explain(|| "could not set up TLS".into())?, given, name))
    }
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    read().map_err(|error| {
        Error::usage(format!("could not read the certificate authority {}", path.display()))
            .because(error)
            .help("sslcert (or sslrootcert) of the database URL names a PEM file")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_modes() {
        use Demand::{Always, Never, Offered};
        use Verification::{Chain, Full, None};
        for (query, demand, verification) in [
            ("", Offered, None),
            ("sslmode=disable", Never, None),
            ("sslmode=prefer", Offered, None),
            ("sslmode=nonsense", Offered, None),
            ("sslmode=require", Always, None),
            ("sslmode=require&sslcert=ca.pem", Always, Chain),
            ("sslmode=require&sslrootcert=ca.pem", Always, Chain),
            ("sslmode=require&sslcert=ca.pem&sslaccept=accept_invalid_certs", Always, None),
            ("sslmode=require&sslaccept=strict", Always, Full),
            ("sslaccept=strict", Offered, Full),
            ("sslmode=verify-ca", Always, Chain),
            ("sslmode=verify-ca&sslaccept=accept_invalid_certs", Always, Chain),
            ("sslmode=verify-full", Always, Full),
            ("host=/run/postgresql&sslmode=require", Never, None),
        ] {
            let url = DatabaseUrl::parse(&format!("postgresql://u:p@h/d?{query}")).unwrap();
            let tls = Tls::asked_by(&url);
            assert_eq!((tls.demand, tls.verification), (demand, verification), "{query}");
        }
    }
}
