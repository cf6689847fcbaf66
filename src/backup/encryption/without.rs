//! A prisma-safe that was built without the feature `encrypt`: it says so wherever it is needed.

use std::io::{self, Read, Seek};

use super::Tally;
use crate::backup::manifest::Sum;
use crate::error::{Error, Result};

const WITHOUT: &str = "this prisma-safe was built without encryption (the feature `encrypt`)";

/// There are none.
#[derive(Debug, Clone)]
pub enum Recipients {}

impl Recipients {
    /// # Errors
    /// Always.
    pub fn parse(_: &[String]) -> Result<Self> {
        Err(Error::usage(WITHOUT))
    }

    /// Never called.
    pub fn names(&self) -> Vec<String> {
        match *self {}
    }
}

/// There are none.
#[derive(Debug, Clone)]
pub struct Keys;

impl Keys {
    /// No key.
    pub fn none() -> Self {
        Self
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// # Errors
    /// Never: the key is not needed until a file is encrypted.
    pub fn parse(_: &str, _: &str) -> Result<Self> {
        Ok(Self)
    }

    /// # Errors
    /// Always.
    pub fn open<R: Read + Seek>(&self, _: R) -> io::Result<R> {
        Err(io::Error::other(WITHOUT))
    }

    /// # Errors
    /// Always.
    pub fn fit<R: Read + Seek>(&self, _: R, name: &str) -> Result<()> {
        Err(Error::failed(format!("{name} is encrypted")).because(WITHOUT))
    }
}

/// There are none.
pub(in crate::backup) enum Sealed<'a> {
    #[expect(dead_code, reason = "carries the lifetime, is never made")]
    Never(std::convert::Infallible, std::marker::PhantomData<&'a ()>),
}

impl<'a> Sealed<'a> {
    pub(super) fn begin(_: Tally<'a>, recipients: &Recipients) -> Result<Self> {
        match *recipients {}
    }

    pub(super) fn write(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::failed(WITHOUT))
    }

    pub(super) fn finish(self) -> Result<Sum> {
        Err(Error::failed(WITHOUT))
    }
}
