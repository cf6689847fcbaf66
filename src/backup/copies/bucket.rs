//! A bucket at S3, at a host that is compatible with it, or at Google.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    MultipartUpload as _, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig,
};
use tokio::runtime::{Builder, Runtime};

use super::place::{Address, Provider};
use super::{PART, Put, Store};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::ui::interrupt::Guard;

/// Parts that one upload may have, with some to spare.
const PARTS: u64 = 9_000;
/// What the name of the object adds that reserves a name while its parts are uploaded.
const CLAIM: &str = ".uploading";

pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    name: String,
    runtime: Runtime,
}

impl Bucket {
    /// Nothing is sent yet.
    pub(super) fn open(address: &Address, name: &str, env: &Env) -> Result<Self> {
        let failed = || format!("could not prepare the connection to {name}");
        // reqwest has no TLS of its own here; a second call changes nothing
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store: Arc<dyn ObjectStore> = match address.provider {
            Provider::S3 => Arc::new(s3(address, env)?.build().explain(failed)?),
            Provider::Google => Arc::new(google(address, env)?.build().explain(failed)?),
        };
        let runtime = Builder::new_current_thread().enable_all().build().explain(failed)?;
        let prefix = Path::parse(&address.prefix).explain(failed)?;
        Ok(Self { store, prefix, name: name.to_owned(), runtime })
    }

    fn at(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    fn failed(&self, what: &str, error: object_store::Error) -> Error {
        use object_store::Error as Cause;
        let help = match &error {
            Cause::Unauthenticated { .. } | Cause::PermissionDenied { .. } => {
                "are the credentials in the environment those of this bucket, with the right to list, read and write?"
            }
            Cause::NotFound { .. } => "does the bucket exist?",
            _ => "try again: prisma-safe backup copy",
        };
        Error::failed(format!("{}: could not {what}", self.name)).because(error).help(help)
    }

    /// Creates an object at once.
    fn put_small(&self, name: &str, bytes: Vec<u8>) -> Result<Put> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let path = self.at(name);
        let put = self.store.put_opts(&path, PutPayload::from(bytes), options);
        match self.runtime.block_on(put) {
            Ok(_) => Ok(Put::Done),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::Exists),
            Err(error) => Err(self.failed(&format!("write {name}"), error)),
        }
    }

    fn exists(&self, name: &str) -> Result<bool> {
        match self.runtime.block_on(self.store.head(&self.at(name))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(&format!("look for {name}"), error)),
        }
    }

    /// Sends parts, each of its own memory; nothing of them remains if one fails.
    fn put_parts(&self, name: &str, first: Vec<u8>, source: &mut dyn Read, size: usize, guard: &Guard) -> Result<()> {
        let path = self.at(name);
        let begun = self.runtime.block_on(self.store.put_multipart(&path));
        let mut upload = begun.map_err(|error| self.failed(&format!("write {name}"), error))?;
        let mut part = first;
        let sent = loop {
            if part.is_empty() {
                break Ok(());
            }
            let step = guard.check().and_then(|()| {
                let sending = upload.put_part(PutPayload::from(std::mem::take(&mut part)));
                self.runtime.block_on(sending).map_err(|error| self.failed(&format!("write {name}"), error))?;
                part = read_part(source, size)?;
                Ok(())
            });
            if let Err(error) = step {
                break Err(error);
            }
        };
        let ended = sent.and_then(|()| {
            self.runtime.block_on(upload.complete()).map_err(|error| self.failed(&format!("finish {name}"), error))
        });
        ended.map(drop).inspect_err(|_| {
            // a bucket's own rules remove what could not be removed now
            let _ = self.runtime.block_on(upload.abort());
        })
    }
}

impl Store for Bucket {
    fn put_new(&self, name: &str, source: &mut dyn Read, bytes: u64, guard: &Guard) -> Result<Put> {
        let size = PART.max(usize::try_from(bytes / PARTS).unwrap_or(usize::MAX));
        let first = read_part(source, size)?;
        if first.len() < size {
            return self.put_small(name, first);
        }
        // parts are put together without a look whether the name is taken: so the name is reserved first
        let claim = format!("{name}{CLAIM}");
        if self.exists(name)? {
            return Ok(Put::Exists);
        }
        // one that is there already is of an upload that was cut, or of another machine's; the hash decides in the end
        let claimed = self.put_small(&claim, name.as_bytes().to_vec())?;
        let put = match claimed {
            Put::Exists if self.exists(name)? => Ok(Put::Exists),
            Put::Exists | Put::Done => self.put_parts(name, first, source, size, guard).map(|()| Put::Done),
        };
        self.delete(&claim)?;
        put
    }

    fn read(&self, name: &str, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let path = self.at(name);
        let found = match self.runtime.block_on(self.store.head(&path)) {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(self.failed(&format!("read {name}"), error)),
        };
        let mut from = 0;
        while from < found.size {
            let to = found.size.min(from + PART as u64);
            let part = self.runtime.block_on(self.store.get_range(&path, from..to));
            each(&part.map_err(|error| self.failed(&format!("read {name}"), error))?)?;
            from = to;
        }
        Ok(true)
    }

    fn list(&self) -> Result<Vec<(String, u64)>> {
        let listed = self.runtime.block_on(self.store.list_with_delimiter(Some(&self.prefix)));
        let listed = listed.map_err(|error| self.failed("list what is there", error))?;
        let objects = listed.objects.into_iter();
        Ok(objects.filter_map(|object| Some((object.location.filename()?.to_owned(), object.size))).collect())
    }

    fn delete(&self, name: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&self.at(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&format!("delete {name}"), error)),
        }
    }
}

/// The next bytes, `size` of them unless the source ends.
fn read_part(source: &mut dyn Read, size: usize) -> Result<Vec<u8>> {
    let mut part = Vec::new();
    let mut limited = source.take(size as u64);
    limited.read_to_end(&mut part).explain(|| "could not read the backup".into())?;
    Ok(part)
}

/// Variables of the environment that begin with `prefix` after the place's own beginning, as names in lower case and values;
/// the place's own come last, and so beat the usual ones.
fn variables<'a>(env: &'a Env, own: &str, prefix: &str) -> Vec<(String, &'a str)> {
    let begins: Vec<String> =
        if own.is_empty() { vec![prefix.to_owned()] } else { vec![prefix.to_owned(), format!("{own}{prefix}")] };
    let mut found = Vec::new();
    for begin in begins {
        let own = begin.len() - prefix.len();
        let names = env.names().filter(|name| name.starts_with(&begin));
        found.extend(names.filter_map(|name| Some((name[own..].to_ascii_lowercase(), env.get(name)?))));
    }
    found
}

/// A place that is down is said to be so within a minute; a request that failed is sent again.
fn retry() -> RetryConfig {
    RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(60), ..RetryConfig::default() }
}

fn s3(address: &Address, env: &Env) -> Result<AmazonS3Builder> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(&address.bucket).with_retry(retry());
    for (name, value) in variables(env, &address.credentials, "AWS_") {
        // what it does not know is another tool's
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(region) = &address.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &address.endpoint {
        let url = url::Url::parse(endpoint).map_err(|error| {
            Error::usage(format!("the endpoint {endpoint} of a place in backup.copies is no URL")).because(error)
        })?;
        // a backup must not travel in the clear; to oneself it does not travel
        let local = url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        builder = builder.with_endpoint(endpoint);
        if local {
            builder = builder.with_allow_http(true);
        }
    }
    Ok(builder)
}

fn google(address: &Address, env: &Env) -> Result<GoogleCloudStorageBuilder> {
    let mut builder = GoogleCloudStorageBuilder::new().with_bucket_name(&address.bucket).with_retry(retry());
    let file = format!("{}GOOGLE_APPLICATION_CREDENTIALS", address.credentials);
    if let Some(path) = env.get(&file) {
        builder = builder.with_application_credentials(path);
    }
    for (name, value) in variables(env, &address.credentials, "GOOGLE_") {
        if name != "google_application_credentials"
            && let Ok(key) = name.parse()
        {
            builder = builder.with_config(key, value);
        }
    }
    Ok(builder)
}
