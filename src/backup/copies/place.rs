//! Where copies go, as prisma-safe.toml names it. Credentials are never part of it: they come from the environment.

use std::fmt;
use std::path::PathBuf;

use super::Store;
use super::directory::Directory;
use crate::env::Env;
use crate::error::{Error, Result};

/// A place for copies.
#[derive(Debug, Clone)]
pub struct Place {
    /// `s3://bucket/prefix`
    name: String,
    kind: Kind,
    env: Env,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File(PathBuf),
    Bucket(Address),
}

/// A bucket and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) provider: Provider,
    pub(super) bucket: String,
    pub(super) prefix: String,
    /// Of an S3-compatible host: `https://…`.
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    /// Begins the names of the variables that hold its credentials, where the usual ones are another place's.
    pub(super) credentials: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    S3,
    Google,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Place {
    /// Whether a text names a place and not a file.
    pub fn looks_like(text: &str) -> bool {
        ["s3://", "gs://", "file://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// `s3://bucket/prefix?endpoint=https://…&region=…&credentials=OFFSITE_`.
    ///
    /// # Errors
    /// Exit status 2 for anything else; a user or password in it is refused and not printed.
    pub fn parse(text: &str, env: &Env) -> Result<Self> {
        let wrong = |why: &str| Error::usage(format!("backup.copies names a place that is not understood: {why}"));
        let url = url::Url::parse(text).map_err(|error| {
            wrong(&error.to_string()).help("write s3://bucket/prefix, gs://bucket/prefix or file:///directory")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a user or a password")
                .help("credentials come from the environment: AWS_ACCESS_KEY_ID and the like"));
        }
        let path = url.path().trim_matches('/');
        let provider = match url.scheme() {
            "file" => {
                let directory = url
                    .to_file_path()
                    .map_err(|()| wrong("file:// takes the full path of a directory of this machine"))?;
                let name = format!("file://{}", directory.display());
                return Ok(Self { name, kind: Kind::File(directory), env: env.clone() });
            }
            "s3" => Provider::S3,
            "gs" => Provider::Google,
            scheme => return Err(wrong(&format!("{scheme}:// is none of s3://, gs:// and file://"))),
        };
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty()).ok_or_else(|| wrong("it names no bucket"))?;
        let mut address = Address {
            provider,
            bucket: bucket.to_owned(),
            prefix: path.to_owned(),
            endpoint: None,
            region: None,
            credentials: String::new(),
        };
        for (key, value) in url.query_pairs() {
            match &*key {
                "endpoint" if provider == Provider::S3 => address.endpoint = Some(value.into_owned()),
                "region" if provider == Provider::S3 => address.region = Some(value.into_owned()),
                "credentials" => address.credentials = value.into_owned(),
                other => return Err(wrong(&format!("it has the parameter {other}"))),
            }
        }
        let slash = if path.is_empty() { "" } else { "/" };
        let name = format!("{}://{bucket}{slash}{path}", url.scheme());
        Ok(Self { name, kind: Kind::Bucket(address), env: env.clone() })
    }

    /// The place of a copy that is named in full, and the copy's own name.
    ///
    /// # Errors
    /// Exit status 2 if it names no copy.
    pub fn of_copy(text: &str, env: &Env) -> Result<(Self, String)> {
        let (address, query) =
            text.split_once('?').map_or((text, String::new()), |(text, query)| (text, format!("?{query}")));
        let (place, name) = address.rsplit_once('/').unwrap_or((address, ""));
        if super::Name::parse(name).is_none() {
            return Err(Error::usage(format!("{address} names no backup")).help(
                "name the copy in full, as `backup list` shows it: s3://bucket/prefix/prod_backup_20250121_103000.sql",
            ));
        }
        Ok((Self::parse(&format!("{place}{query}"), env)?, name.to_owned()))
    }

    pub(super) fn open(&self) -> Result<Box<dyn Store>> {
        match &self.kind {
            Kind::File(directory) => Ok(Box::new(Directory::at(directory))),
            #[cfg(feature = "remote")]
            Kind::Bucket(address) => Ok(Box::new(super::bucket::Bucket::open(address, &self.name, &self.env)?)),
            #[cfg(not(feature = "remote"))]
            Kind::Bucket(address) => {
                let _ = (address, &self.env);
                Err(Error::usage(format!("{self}: this prisma-safe was built without the feature `remote`")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Place> {
        Place::parse(text, &Env::default())
    }

    #[test]
    fn a_place_is_named_without_what_is_only_about_reaching_it() {
        let place = parse("s3://b/x/y/?endpoint=http://127.0.0.1:1&region=eu-1&credentials=OFFSITE_").unwrap();
        assert_eq!(place.to_string(), "s3://b/x/y");
        let Kind::Bucket(address) = place.kind else { panic!("a bucket") };
        assert_eq!((address.bucket.as_str(), address.prefix.as_str()), ("b", "x/y"));
        assert_eq!(address.endpoint.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(address.credentials, "OFFSITE_");
        assert_eq!(parse("file:///mnt/b%20c").unwrap().kind, Kind::File("/mnt/b c".into()));
        assert_eq!(parse("gs://b").unwrap().to_string(), "gs://b");
    }

    #[test]
    fn what_is_no_place_is_refused_and_no_secret_printed() {
        for text in ["backups", "ftp://b/x", "s3:///x", "s3://b?speed=1", "gs://b?region=x", "file://host/x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let error = parse("s3://key:p4ssw0rd@b/x").unwrap_err();
        assert!(!format!("{error:?}").contains("p4ssw0rd"));
    }

    #[test]
    fn a_copy_is_named_in_full() {
        let (place, name) =
            Place::of_copy("s3://b/x/prod_backup_20250121_103000.sql?region=eu-1", &Env::default()).unwrap();
        assert_eq!((place.to_string().as_str(), name.as_str()), ("s3://b/x", "prod_backup_20250121_103000.sql"));
        assert!(Place::of_copy("s3://b/x/notes.txt", &Env::default()).is_err());
    }
}
