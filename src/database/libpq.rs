//! The URL in libpq's words, as environment variables: arguments are visible to every user of the machine.

use std::path::Path;

use super::tls::{Demand, Roots, Tls, Verification};
use super::{DatabaseUrl, Host};

/// Where systems keep their bundle of certificate authorities; libpq before 16 does not know them by itself.
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl DatabaseUrl {
    /// The connection for pg_dump and its kin, as environment variables. Holds the password: for a child's environment only.
    pub fn libpq_env(&self) -> Vec<(&'static str, String)> {
        let host = match self.host() {
            Host::Tcp(name) => name,
            Host::Socket(directory) => directory.display().to_string(),
        };
        let mut env = vec![("PGHOST", host), ("PGPORT", self.port().to_string()), ("PGDATABASE", self.database())];
        env.extend(self.user().map(|user| ("PGUSER", user)));
        env.extend(self.password().map(|password| ("PGPASSWORD", password)));
        // 0 is libpq's word for no limit
        let timeout = self.connect_timeout().map_or(0, |timeout| timeout.as_secs());
        env.push(("PGCONNECT_TIMEOUT", timeout.to_string()));
        env.extend(
            self.parameter("options").filter(|options| !options.is_empty()).map(|options| ("PGOPTIONS", options)),
        );
        let binding = self.parameter("channel_binding");
        env.extend(
            binding
                .filter(|binding| matches!(binding.as_str(), "disable" | "prefer" | "require"))
                .map(|binding| ("PGCHANNELBINDING", binding)),
        );
        let tls = Tls::asked_by(self);
        env.push(("PGSSLMODE", ssl_mode(&tls).to_owned()));
        env.extend(root_certificates(&tls).map(|file| ("PGSSLROOTCERT", file)));
        env
    }
}

fn ssl_mode(tls: &Tls) -> &'static str {
    match (tls.demand, tls.verification) {
        (Demand::Never, _) => "disable",
        (_, Verification::Full) => "verify-full",
        (_, Verification::Chain) => "verify-ca",
        (Demand::Offered, Verification::None) => "prefer",
        (Demand::Always, Verification::None) => "require",
    }
}

fn root_certificates(tls: &Tls) -> Option<String> {
    if tls.verification == Verification::None {
        return None;
    }
    let file = match &tls.roots {
        Roots::File(path) => path.display().to_string(),
        Roots::System => {
            let bundle = SYSTEM_BUNDLES.iter().find(|bundle| Path::new(bundle).is_file());
            (*bundle.unwrap_or(&"system")).to_owned()
        }
    };
    Some(file)
}
