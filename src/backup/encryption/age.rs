//! age's own format, streamed.

use std::io::{self, BufReader, Read, Seek, Write as _};
use std::sync::Arc;

use age::stream::{StreamReader, StreamWriter};
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};

use super::{Tally, how_to_identify};
use crate::backup::manifest::Sum;
use crate::error::{Error, Explain as _, Result};

/// Public keys.
#[derive(Clone)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Reads `age1…`.
    ///
    /// # Errors
    /// Exit status 2 for anything else.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            text.trim().parse().map_err(|error: &str| {
                Error::usage(format!("backup.encrypt names `{}`, which is not an age recipient", shown(text)))
                    .because(error)
                    .help("a recipient begins with age1; age-keygen prints it when it makes a key")
            })
        };
        texts.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// As they are written down.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// A secret key in the wrong place must not be printed.
fn shown(text: &str) -> &str {
    if text.trim().to_ascii_uppercase().starts_with("AGE-SECRET-KEY") { "AGE-SECRET-KEY-…" } else { text }
}

/// Secret keys. Printed nowhere.
#[derive(Clone)]
pub struct Keys(Arc<Vec<Identity>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// No key.
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads an identity file's text: a key a line, comments begin with `#`. `from` names it in errors.
    ///
    /// # Errors
    /// Exit status 2 if it holds no key, or something else.
    pub fn parse(text: &str, from: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<Identity> = lines
            .map(|line| {
                line.parse().map_err(|_| Error::usage(format!("{from} holds a line that is not an age identity")))
            })
            .collect::<Result<_>>()?;
        if keys.is_empty() {
            return Err(Error::usage(format!("{from} holds no age identity")).help("age-keygen makes one"));
        }
        Ok(Self(Arc::new(keys)))
    }

    /// What an encrypted file holds.
    ///
    /// # Errors
    /// If none of the keys fits, or it is no such file.
    pub fn open<R: Read + Seek>(&self, file: R) -> io::Result<StreamReader<BufReader<R>>> {
        let decryptor = Decryptor::new_buffered(BufReader::new(file)).map_err(refused)?;
        decryptor.decrypt(self.0.iter().map(|key| key as _)).map_err(refused)
    }

    /// Whether one of the keys opens the file; what is wrong otherwise, with what helps.
    ///
    /// # Errors
    /// Exit status 1.
    pub fn fit<R: Read + Seek>(&self, file: R, name: &str) -> Result<()> {
        if self.is_empty() {
            return Err(Error::failed(format!("{name} is encrypted, and no key is at hand")).help(how_to_identify()));
        }
        self.open(file).map(drop).map_err(|error| {
            Error::failed(format!("{name} cannot be decrypted")).because(error).help(how_to_identify())
        })
    }
}

fn refused(error: DecryptError) -> io::Error {
    match error {
        DecryptError::Io(error) => error,
        DecryptError::NoMatchingKeys => io::Error::other("it is encrypted to other keys than those at hand"),
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

/// A file that is being encrypted.
pub(in crate::backup) struct Sealed<'a> {
    writer: StreamWriter<Tally<'a>>,
}

impl<'a> Sealed<'a> {
    pub(super) fn begin(tally: Tally<'a>, recipients: &Recipients) -> Result<Self> {
        let failed = || "could not encrypt the backup".to_owned();
        let encryptor = Encryptor::with_recipients(recipients.0.iter().map(|one| one as _)).explain(failed)?;
        let writer = encryptor.wrap_output(tally).explain(failed)?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(unsealed)
    }

    pub(super) fn finish(self) -> Result<Sum> {
        let tally = self.writer.finish().map_err(unsealed)?;
        Ok(tally.sum())
    }
}

/// The file's own error, a full disk above all, as it was before it went through the encryption.
fn unsealed(error: io::Error) -> Error {
    error.downcast().unwrap_or_else(|error| Error::failed("could not encrypt the backup").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_among_the_recipients_is_not_printed() {
        let secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
        let error = Recipients::parse(&[secret.into()]).err().unwrap();
        assert!(!format!("{error:?}").contains("1QQ"), "{error:?}");
        let error = Keys::parse("# made today\nage1notakey\n", "the file").unwrap_err();
        assert_eq!(error.to_string(), "the file holds a line that is not an age identity");
        assert!(Keys::parse("# nothing\n\n", "the file").is_err());
    }
}
