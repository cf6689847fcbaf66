use proptest::prelude::*;

use super::*;
use crate::exit::Exit;

fn url(text: &str) -> DatabaseUrl {
    DatabaseUrl::parse(text).unwrap()
}

#[test]
fn a_socket_needs_a_host_before_it() {
    let error = DatabaseUrl::parse("postgresql://u@/db?host=/run/socket").unwrap_err();
    assert!(error.help_text().is_some_and(|help| help.contains("@localhost/")), "{error:?}");
    let written = DatabaseUrl::parse("postgresql://u@localhost/db?host=/run/socket").unwrap();
    assert!(written.is_local());
}

#[test]
fn reads_the_parts() {
    let url = url("postgresql://us%40er:p%2Fw@db.example.com:6000/my%20db?schema=app&options=-c+a%3Db");
    assert_eq!(url.host(), Host::Tcp("db.example.com".into()));
    assert_eq!(url.port(), 6000);
    assert_eq!(url.user().as_deref(), Some("us@er"));
    assert_eq!(url.password().as_deref(), Some("p/w"));
    assert_eq!(url.database(), "my db");
    assert_eq!(url.schema(), "app");
    assert_eq!(url.parameter("options").as_deref(), Some("-c a=b"));
    assert_eq!(url.identity(), "db.example.com:6000/my db?schema=app");
    assert_eq!(url.to_string(), "us@er@db.example.com:6000/my db");
}

#[test]
fn defaults_are_prismas() {
    for text in ["postgres://", "postgresql:///", "postgresql://localhost"] {
        let url = url(text);
        assert_eq!(url.identity(), "localhost:5432/postgres?schema=public", "{text}");
        assert_eq!(url.user(), None);
        assert_eq!(url.connect_timeout(), Some(Duration::from_secs(5)));
    }
    assert_eq!(url("postgresql://h/d?connect_timeout=0").connect_timeout(), None);
}

#[test]
fn sockets_and_addresses() {
    assert_eq!(url("postgresql:///d?host=/run/pg").host(), Host::Socket("/run/pg".into()));
    assert_eq!(url("postgresql://u@localhost/d?host=%2Frun%2Fpg").host(), Host::Socket("/run/pg".into()));
    assert_eq!(url("postgresql://[::1]:5433/d").host(), Host::Tcp("::1".into()));
    assert_eq!(url("postgresql://[::1]:5433/d").identity(), "[::1]:5433/d?schema=public");
}

#[test]
fn local_is_loopback_or_socket() {
    for text in [
        "postgres://localhost/d",
        "postgres://127.1.2.3/d",
        "postgres://[::1]/d",
        "postgres:///d?host=/s",
        "postgres://LOCALHOST/d",
    ] {
        assert!(url(text).is_local(), "{text}");
    }
    for text in
        ["postgres://db/d", "postgres://10.0.0.1/d", "postgres://localhost.example.com/d", "postgres://0.0.0.0/d"]
    {
        assert!(!url(text).is_local(), "{text}");
    }
}

#[test]
fn other_schemes_are_refused_by_name() {
    for (text, word) in [
        ("mysql://u:secret@h/d", "mysql"),
        ("file:./dev.db", "SQLite"),
        ("prisma://accelerate/?api_key=secret", "Accelerate"),
        ("prisma+postgres://localhost:51213/?api_key=secret", "prisma+postgres"),
        ("secret", "postgresql://"),
        ("secret:word@h/d", "postgresql://"),
        ("", "empty"),
    ] {
        let error = DatabaseUrl::parse(text).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains(word), "{text}: {error}");
        assert!(!format!("{error:?} {}", error.help_text().unwrap_or_default()).contains("secret"), "{text}");
    }
}

#[test]
fn options_are_added_with_encoded_spaces() {
    let url = url("postgresql://u@h/d?schema=a&options=-c%20x%3D1").with_options("-c lock_timeout=3000");
    assert_eq!(url.parameter("options").as_deref(), Some("-c x=1 -c lock_timeout=3000"));
    assert_eq!(url.schema(), "a");
    assert!(!url.expose().contains('+'), "{}", url.expose());
    assert_eq!(url.client_config("t").get_options(), Some("-c x=1 -c lock_timeout=3000"));
}

#[test]
fn another_database_keeps_the_rest() {
    let url = url("postgresql://u:p@h:1/d?schema=a").with_database("x y/z");
    assert_eq!(url.database(), "x y/z");
    assert_eq!((url.port(), url.schema().as_str(), url.password().as_deref()), (1, "a", Some("p")));
}

#[test]
fn one_database_has_many_urls() {
    let target = url("postgresql://a:b@localhost:5432/app?schema=public&connection_limit=1");
    for same in ["postgres://127.0.0.1/app", "postgres://x@[::1]/app?schema=public", "postgres:///app?host=/run/pg"] {
        assert!(target.same_database(&url(same)), "{same}");
    }
    for other in [
        "postgres://localhost:5433/app",
        "postgres://localhost/app2",
        "postgres://localhost/app?schema=b",
        "postgres://h/app",
    ] {
        assert!(!target.same_database(&url(other)), "{other}");
    }
    let pooled = url("postgres://u@ep-x-pooler.eu.neon.tech/app?pgbouncer=true");
    assert!(pooled.same_database(&url("postgres://u@EP-X.eu.neon.tech/app")));
    let supabase = url("postgres://postgres.aaaa:p@eu.pooler.supabase.com:6543/postgres");
    assert!(supabase.same_database(&url("postgres://postgres@db.AAAA.supabase.co/postgres")));
    assert!(!supabase.same_database(&url("postgres://postgres.bbbb@eu.pooler.supabase.com:6543/postgres")));
}

#[test]
fn poolers_are_known_by_name() {
    use crate::database::PoolMode::{Session, Transaction, Unknown};
    for (text, provider, mode, direct) in [
        (
            "postgres://u:p@ep-a-1-pooler.eu.aws.neon.tech/d?sslmode=require",
            "Neon",
            Transaction,
            Some("ep-a-1.eu.aws.neon.tech:5432/d"),
        ),
        (
            "postgres://u:p@aws-0.pooler.supabase.com:6543/d?pgbouncer=true",
            "Supabase",
            Transaction,
            Some("aws-0.pooler.supabase.com:5432/d"),
        ),
        ("postgres://u:p@aws-0.pooler.supabase.com:5432/d", "Supabase", Session, None),
        ("postgres://u:p@pooled.db.prisma.io:5432/d", "Prisma Postgres", Transaction, Some("db.prisma.io:5432/d")),
        ("postgres://u:p@x.proxy-abc.eu-west-1.rds.amazonaws.com/d", "RDS Proxy", Unknown, None),
        ("postgres://u:p@h:6432/d", "PgBouncer", Unknown, None),
        ("postgres://u:p@h/d?pgbouncer=true", "PgBouncer", Transaction, None),
    ] {
        let pooler = url(text).pooled().unwrap();
        assert_eq!((pooler.provider, pooler.mode), (provider, mode), "{text}");
        let found = pooler.direct_suggestion().map(|url| url.identity());
        assert_eq!(found, direct.map(|direct| format!("{direct}?schema=public")), "{text}");
        if let Some(direct) = pooler.direct_suggestion() {
            assert_eq!(direct.pooled().map(|p| p.mode), (provider == "Supabase").then_some(Session));
            assert_eq!(direct.password().as_deref(), Some("p"), "the password must survive");
        }
    }
    for text in ["postgres://db.prisma.io/d", "postgres://localhost/d", "postgres://db.abc.supabase.co:5432/d"] {
        assert_eq!(url(text).pooled(), None, "{text}");
    }
}

proptest! {
    /// Whatever the password, nothing that is printed holds it, and everything that connects does.
    #[test]
    fn the_password_is_never_shown(middle in "[ -~äß☃]{0,20}") {
        let password = format!("q9{middle}Z7");
        let text = format!("postgresql://user:{}@db.example.com:5432/app?schema=s", encode(&password));
        let url = DatabaseUrl::parse(&text).unwrap();
        let shown = format!("{url} {url:?} {url:#?} {} {:?} {:?}", url.identity(), url.pooled(), url.client_config("t"));
        prop_assert!(!shown.contains(&password) && !shown.contains(&encode(&password)), "{shown}");
        prop_assert_eq!(url.password(), Some(password.clone()));
        let config = url.client_config("t");
        prop_assert_eq!(config.get_password(), Some(password.as_bytes()));
        prop_assert!(url.libpq_env().contains(&("PGPASSWORD", password)));
    }

    /// No text panics, and no error repeats what stood where a password may stand.
    #[test]
    fn errors_hold_no_password(scheme in "(postgres|postgresql|mysql|http|)", password in "q9[ -~]{4,20}Z7", rest in "[ -~]{0,30}") {
        if let Err(error) = DatabaseUrl::parse(&format!("{scheme}://u:{password}@{rest}")) {
            let shown = format!("{error} {error:?} {:?}", error.help_text());
            prop_assert!(!shown.contains(&password), "{shown}");
        }
    }
}
