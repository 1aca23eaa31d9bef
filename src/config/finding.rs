//! What is wrong or odd in the configuration, where, and what to do about it.

use std::fmt;

/// Where a setting was given. Orders by source, then position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file.
    File {
        /// The file's name.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// Dotted path of the setting; empty for syntax errors.
        path: String,
    },
    /// In an environment variable of this name.
    Environment(String),
    /// In a flag, with its dashes.
    Flag(&'static str),
    /// Nowhere: it is the default of this key.
    Default(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { origin, line, column, path } if path.is_empty() => write!(f, "{origin}:{line}:{column}"),
            Self::File { origin, line, column, path } => write!(f, "{origin}:{line}:{column} {path}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Default(key) => write!(f, "default of {key}"),
        }
    }
}

/// A fault or a warning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What is wrong; never shows a secret.
    pub problem: String,
    /// What the operator should do.
    pub remedy: String,
}

impl Finding {
    /// Makes a finding.
    pub(super) fn new(place: Place, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.problem, self.remedy)
    }
}

/// Every fault of a configuration, at least one, in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(Vec<Finding>);

impl ConfigFaults {
    /// Sorts the faults and drops repeats.
    pub(super) fn new(mut faults: Vec<Finding>) -> Self {
        faults.sort();
        faults.dedup();
        Self(faults)
    }

    /// The faults.
    #[must_use]
    pub fn faults(&self) -> &[Finding] {
        &self.0
    }
}

impl std::error::Error for ConfigFaults {}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a fault")?,
            n => write!(f, "the configuration has {n} faults")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {}", fault.to_string().replace('\n', "\n  ")))
    }
}
