//! What one of our servers needs for an extension besides its files: a library that is loaded when the server starts, settings
//! that the library demands, and the package that brings the files.

use std::collections::BTreeSet;

/// An extension whose library has to be there from the server's start.
struct Preloaded {
    extension: &'static str,
    library: &'static str,
    /// Lines of postgresql.conf.
    settings: &'static [&'static str],
}

const fn preloaded(extension: &'static str, library: &'static str, settings: &'static [&'static str]) -> Preloaded {
    Preloaded { extension, library, settings }
}

/// In the order in which they are loaded: citus and TimescaleDB want to be first.
const PRELOADED: &[Preloaded] = &[
    preloaded("citus", "citus", &[]),
    preloaded("timescaledb", "timescaledb", &["timescaledb.telemetry_level = off"]),
    // a scheduled job of production must not run in a copy
    preloaded("pg_cron", "pg_cron", &["cron.launch_active_jobs = off", "cron.max_running_jobs = 0"]),
    preloaded("pgaudit", "pgaudit", &[]),
    // its worker sends requests that are queued in the database that it is given, which a copy must not do
    preloaded("pg_net", "pg_net", &["pg_net.database_name = 'postgres'"]),
    preloaded("pg_stat_statements", "pg_stat_statements", &[]),
    preloaded("pg_stat_kcache", "pg_stat_kcache", &[]),
    preloaded("pg_qualstats", "pg_qualstats", &[]),
    preloaded("pg_wait_sampling", "pg_wait_sampling", &[]),
    preloaded("pg_stat_monitor", "pg_stat_monitor", &[]),
    preloaded("pg_store_plans", "pg_store_plans", &[]),
    preloaded("pg_search", "pg_search", &[]),
    preloaded("pg_ivm", "pg_ivm", &[]),
    preloaded("pg_duckdb", "pg_duckdb", &[]),
    preloaded("pg_squeeze", "pg_squeeze", &[]),
    preloaded("pg_tle", "pg_tle", &[]),
    preloaded("pglogical", "pglogical", &[]),
    preloaded("vchord", "vchord", &[]),
    preloaded("vectors", "vectors", &[]),
    preloaded("credcheck", "credcheck", &[]),
    preloaded("set_user", "set_user", &[]),
];

/// Lines of postgresql.conf that take what [`settings`] loads out again.
pub(super) const WITHOUT: &str = "shared_preload_libraries = ''";

/// Which of the wanted and available extensions have to be loaded at the server's start, in that order.
pub(super) fn preloaded_of(wanted: &[String], available: &[String]) -> Vec<&'static str> {
    let needed = |known: &&Preloaded| {
        let is = |name: &String| name == known.extension;
        wanted.iter().any(is) && available.iter().any(is)
    };
    PRELOADED.iter().filter(needed).map(|known| known.extension).collect()
}

/// Lines of postgresql.conf that load the libraries of these; `database` is the one that pg_cron may be created in.
pub(super) fn settings(preloaded: &[&str], database: &str) -> String {
    let needed: Vec<&Preloaded> = PRELOADED.iter().filter(|known| preloaded.contains(&known.extension)).collect();
    let libraries: Vec<&str> = needed.iter().map(|known| known.library).collect();
    let mut lines = vec![format!("shared_preload_libraries = '{}'", libraries.join(","))];
    lines.extend(needed.iter().flat_map(|known| known.settings).map(|line| (*line).to_owned()));
    if preloaded.contains(&"pg_cron") {
        lines.push(format!("cron.database_name = '{database}'"));
    }
    lines.join("\n")
}

/// Extensions that a package of the Debian kind brings: `postgresql-17-` and this.
const PACKAGES: &[(&str, &str)] = &[
    ("address_standardizer", "postgis-3"),
    ("address_standardizer_data_us", "postgis-3"),
    ("age", "age"),
    ("credcheck", "credcheck"),
    ("debversion", "debversion"),
    ("decoderbufs", "decoderbufs"),
    ("first_last_agg", "first-last-agg"),
    ("h3", "h3"),
    ("h3_postgis", "h3"),
    ("hll", "hll"),
    ("http", "http"),
    ("hypopg", "hypopg"),
    ("icu_ext", "icu-ext"),
    ("ip4r", "ip4r"),
    ("jsquery", "jsquery"),
    ("mysql_fdw", "mysql-fdw"),
    ("numeral", "numeral"),
    ("ogr_fdw", "ogr-fdw"),
    ("oracle_fdw", "oracle-fdw"),
    ("orafce", "orafce"),
    ("periods", "periods"),
    ("pg_cron", "cron"),
    ("pg_dirtyread", "dirtyread"),
    ("pg_fact_loader", "pg-fact-loader"),
    ("pg_hint_plan", "pg-hint-plan"),
    ("pg_ivm", "pg-ivm"),
    ("pg_partman", "partman"),
    ("pg_qualstats", "pg-qualstats"),
    ("pg_repack", "repack"),
    ("pg_similarity", "similarity"),
    ("pg_squeeze", "squeeze"),
    ("pg_stat_kcache", "pg-stat-kcache"),
    ("pg_track_settings", "pg-track-settings"),
    ("pg_wait_sampling", "pg-wait-sampling"),
    ("pgaudit", "pgaudit"),
    ("pgfincore", "pgfincore"),
    ("pgl_ddl_deploy", "pgl-ddl-deploy"),
    ("pglogical", "pglogical"),
    ("pgmp", "pgmp"),
    ("pgmq", "pgmq"),
    ("pgpcre", "pgpcre"),
    ("pgq", "pgq3"),
    ("pgrouting", "pgrouting"),
    ("pgsphere", "pgsphere"),
    ("pgtap", "pgtap"),
    ("plperl", "plperl"),
    ("plperlu", "plperl"),
    ("plpgsql_check", "plpgsql-check"),
    ("plprofiler", "plprofiler"),
    ("plproxy", "plproxy"),
    ("plpython3u", "plpython3"),
    ("plr", "plr"),
    ("plsh", "plsh"),
    ("pltcl", "pltcl"),
    ("pltclu", "pltcl"),
    ("plv8", "plv8"),
    ("pointcloud", "pointcloud"),
    ("postgis", "postgis-3"),
    ("postgis_raster", "postgis-3"),
    ("postgis_sfcgal", "postgis-3"),
    ("postgis_tiger_geocoder", "postgis-3"),
    ("postgis_topology", "postgis-3"),
    ("powa", "powa"),
    ("prefix", "prefix"),
    ("q3c", "q3c"),
    ("rdkit", "rdkit"),
    ("repmgr", "repmgr"),
    ("rum", "rum"),
    ("semver", "semver"),
    ("set_user", "set-user"),
    ("tdigest", "tdigest"),
    ("tds_fdw", "tds-fdw"),
    ("toastinfo", "toastinfo"),
    ("unit", "unit"),
    ("vector", "pgvector"),
];

/// Extensions that PostgreSQL's own source brings.
const CONTRIB: &[&str] = &[
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_logicalinspect",
    "pg_overexplain",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

/// Whether a package of this machine's system can bring it. What no list knows is taken for its provider's own.
pub fn installable(extension: &str) -> bool {
    CONTRIB.contains(&extension) || PACKAGES.iter().any(|(name, _)| *name == extension)
}

/// The packages that bring these extensions, on Debian and Ubuntu; nothing for those that none brings.
pub(super) fn packages(extensions: &[String], major: u32) -> String {
    let package = |extension: &String| {
        let known = PACKAGES.iter().find(|(name, _)| name == extension);
        let contrib = || CONTRIB.contains(&extension.as_str()).then(|| format!("postgresql-{major}"));
        known.map(|(_, suffix)| format!("postgresql-{major}-{suffix}")).or_else(contrib)
    };
    let packages: BTreeSet<String> = extensions.iter().filter_map(package).collect();
    packages.into_iter().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_library_is_loaded_only_where_it_is() {
        let wanted = names(&["plpgsql", "pgaudit", "timescaledb", "pg_cron"]);
        assert!(preloaded_of(&wanted, &names(&["plpgsql"])).is_empty());
        let loaded = preloaded_of(&wanted, &names(&["pgaudit", "pg_cron", "pg_stat_statements"]));
        let text = settings(&loaded, "proof");
        assert!(
            text.starts_with(
                "shared_preload_libraries = 'pg_cron,pgaudit'
"
            ),
            "{text}"
        );
        assert!(
            text.contains("cron.database_name = 'proof'") && text.contains("cron.launch_active_jobs = off"),
            "{text}"
        );
        assert_eq!(preloaded_of(&names(&["pgaudit", "timescaledb"]), &wanted), ["timescaledb", "pgaudit"]);
    }

    #[test]
    fn several_packages_are_several_words() {
        let wanted = names(&["vector", "postgis", "postgis_topology", "citext", "pg_graphql", "supabase_vault"]);
        assert_eq!(packages(&wanted, 15), "postgresql-15 postgresql-15-pgvector postgresql-15-postgis-3");
        assert!(installable("vector") && !installable("pg_graphql"));
    }
}
