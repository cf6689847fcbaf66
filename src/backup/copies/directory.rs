//! A directory as a place for copies: another disk, a mounted share.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::super::aside::Aside;
use super::{PART, Put, Store};
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::ui::interrupt::Guard;

pub(super) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Store for Directory {
    fn put_new(&self, name: &str, source: &mut dyn Read, _: u64, guard: &Guard) -> Result<Put> {
        files::private_directory(&self.path).explain(|| format!("could not create {}", self.path.display()))?;
        let target = self.path.join(name);
        if fs::symlink_metadata(&target).is_ok() {
            return Ok(Put::Exists);
        }
        let partial = self.path.join(format!(".{name}.partial"));
        let mut aside = match Aside::create(&partial, &target)? {
            Some(aside) => aside,
            // of a run that was killed, or of one that is at it: only the first has no lock
            None if super::super::aside::abandoned(&partial) => {
                fs::remove_file(&partial).explain(|| format!("could not remove {}", partial.display()))?;
                Aside::create(&partial, &target)?.ok_or_else(|| busy(&target))?
            }
            None => return Err(busy(&target)),
        };
        let mut part = vec![0; PART];
        loop {
            guard.check()?;
            let count = match source.read(&mut part) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(error).explain(|| format!("could not read what goes to {}", target.display()));
                }
            };
            aside.write(&part[..count])?;
        }
        aside.finish()?;
        Ok(Put::Done)
    }

    fn read(&self, name: &str, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let path = self.path.join(name);
        let failed = || format!("could not read {}", path.display());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).explain(failed),
        };
        let mut part = vec![0; PART];
        loop {
            match file.read(&mut part) {
                Ok(0) => return Ok(true),
                Ok(count) => each(&part[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).explain(failed),
            }
        }
    }

    fn list(&self) -> Result<Vec<(String, u64)>> {
        let failed = || format!("could not read {}", self.path.display());
        let files = match fs::read_dir(&self.path) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).explain(failed),
        };
        let mut found = Vec::new();
        for file in files {
            let file = file.explain(failed)?;
            let bytes = file.metadata().explain(failed)?.len();
            found.extend(file.file_name().into_string().ok().map(|name| (name, bytes)));
        }
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).explain(|| format!("could not delete {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn busy(target: &Path) -> Error {
    Error::failed(format!("another run is writing {}", target.display())).help("wait for it to end")
}
