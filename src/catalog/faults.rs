//! What is wrong with a catalogue file: all of it at once, each with its place and its remedy.

use std::fmt;

/// One thing wrong with a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogFault {
    /// The file, as the caller named it.
    pub origin: String,
    /// Line, from 1.
    pub line: usize,
    /// Where in the document, e.g. `models[3].price.input`; empty for a fault of syntax.
    pub key: String,
    /// What is wrong, with the offending value.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for CatalogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.origin, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

/// Everything wrong with a catalogue file, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogFaults(pub Vec<CatalogFault>);

impl fmt::Display for CatalogFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.len();
        write!(f, "{n} fault{} in the catalogue", if n == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for CatalogFaults {}

/// Collects faults while a text is read.
pub(super) struct Faults<'a> {
    origin: &'a str,
    text: &'a str,
    found: Vec<CatalogFault>,
}

impl<'a> Faults<'a> {
    pub(super) const fn new(origin: &'a str, text: &'a str) -> Self {
        Self { origin, text, found: Vec::new() }
    }

    /// Notes a fault at a byte offset of the text.
    pub(super) fn add(&mut self, at: usize, key: impl Into<String>, problem: String, remedy: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        let (origin, key, remedy) = (self.origin.to_owned(), key.into(), remedy.into());
        self.found.push(CatalogFault { origin, line, key, problem, remedy });
    }

    /// `value` if nothing was found, else everything that was.
    pub(super) fn none_or<T>(mut self, value: T) -> Result<T, CatalogFaults> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|fault| fault.line);
        Err(CatalogFaults(self.found))
    }
}
