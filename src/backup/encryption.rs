//! Backups that only the holder of a key can read: the file is encrypted with age while it is written, so that no plaintext
//! ever touches the disk. The machine that backs up needs the public recipients alone; the `age` tool reads the files too.

#[cfg(feature = "encrypt")]
#[path = "encryption/age.rs"]
mod files;
#[cfg(not(feature = "encrypt"))]
#[path = "encryption/without.rs"]
mod files;

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

pub use self::files::{Keys, Recipients};
use super::Settings;
use super::aside::Aside;
use super::manifest::Sum;
use crate::env::Env;
use crate::error::{Error, Result};

/// Holds an identity: `AGE-SECRET-KEY-1…`.
const KEY_VARIABLE: &str = "PRISMA_SAFE_AGE_IDENTITY";
/// Names the file of one.
const FILE_VARIABLE: &str = "PRISMA_SAFE_AGE_IDENTITY_FILE";

/// Whom backups are encrypted to; `None` if `backup.encrypt` is not set.
///
/// # Errors
/// Those of [`parse`].
pub fn recipients(settings: &Settings) -> Result<Option<Recipients>> {
    settings.encrypt.as_deref().map(parse).transpose()
}

/// Reads `backup.encrypt`.
///
/// # Errors
/// Exit status 2 for an empty list and for an invalid recipient: a backup that should be encrypted is never a plain one.
pub fn parse(names: &[String]) -> Result<Recipients> {
    if names.is_empty() {
        return Err(Error::usage("backup.encrypt names no recipient, so a backup could not be decrypted")
            .help("name one or more (age-keygen makes a pair), or take the setting out for plain backups"));
    }
    Recipients::parse(names)
}

/// The identities that this machine has; having none is an error only when one is needed. Environment variables beat the setting.
///
/// # Errors
/// Exit status 2 for an invalid identity, or a file that cannot be read.
pub fn keys(settings: &Settings, env: &Env) -> Result<Keys> {
    if let Some(text) = env.get(KEY_VARIABLE) {
        return Keys::parse(text, KEY_VARIABLE);
    }
    let configured = settings.identity.as_deref().map(|path| resolve(path, env));
    let Some(path) = env.get(FILE_VARIABLE).map(Into::into).or(configured) else { return Ok(Keys::none()) };
    match fs::read_to_string(&path) {
        Ok(text) => Keys::parse(&text, &path.display().to_string()),
        Err(error) => Err(Error::usage(format!("could not read the identity {}", path.display())).because(error)),
    }
}

/// `~/` is the person's home.
fn resolve(path: &Path, env: &Env) -> std::path::PathBuf {
    match (path.strip_prefix("~"), env.get("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_owned(),
    }
}

/// How to give an identity, for errors.
#[cfg(feature = "encrypt")]
fn how_to_identify() -> String {
    format!(
        "set {FILE_VARIABLE} (or backup.identity in prisma-safe.toml) to the file of an identity that it is encrypted to, or {KEY_VARIABLE} to the identity itself"
    )
}

/// The file that is written, and what it has come to: size and hash of the bytes that are on the disk.
struct Tally<'a> {
    aside: &'a mut Aside,
    bytes: u64,
    hash: Sha256,
}

impl<'a> Tally<'a> {
    fn new(aside: &'a mut Aside) -> Self {
        Self { aside, bytes: 0, hash: Sha256::new() }
    }

    #[cfg(feature = "encrypt")]
    fn sum(self) -> Sum {
        Sum::new(self.bytes, &self.hash.finalize().into())
    }
}

impl std::io::Write for Tally<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.aside.write(bytes).map_err(std::io::Error::other)?;
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file on its way to the disk, encrypted or as it is.
pub(super) enum Sealing<'a> {
    Plain(&'a mut Aside),
    Sealed(files::Sealed<'a>),
}

impl<'a> Sealing<'a> {
    /// Begins it.
    ///
    /// # Errors
    /// If the head of an encrypted file cannot be written.
    pub(super) fn begin(aside: &'a mut Aside, recipients: Option<&Recipients>) -> Result<Self> {
        match recipients {
            None => Ok(Self::Plain(aside)),
            Some(recipients) => files::Sealed::begin(Tally::new(aside), recipients).map(Self::Sealed),
        }
    }

    /// Appends.
    ///
    /// # Errors
    /// A full disk, above all.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Plain(aside) => aside.write(bytes),
            Self::Sealed(sealed) => sealed.write(bytes),
        }
    }

    /// Ends it; gives what is on the disk where that is not what was written.
    ///
    /// # Errors
    /// A full disk, above all.
    pub(super) fn finish(self) -> Result<Option<Sum>> {
        match self {
            Self::Plain(_) => Ok(None),
            Self::Sealed(sealed) => sealed.finish().map(Some),
        }
    }
}
