//! How a raw value becomes a typed one: [`Raw`] in, a [`Field`] out.

use crate::domain::{InvalidId, Quality, Region, Usd};
use std::{fmt, net::SocketAddr, path::PathBuf};

/// A value as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<String>),
    /// Text of an environment variable, a flag or a default: it is read as whatever the setting is.
    Plain(String),
    /// Something that no setting can be, in words.
    Unfit(&'static str),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) | Self::Plain(text) => write!(f, "{:?}", text.chars().take(60).collect::<String>()),
            Self::List(_) => f.write_str("an array"),
            Self::Unfit(words) => f.write_str(words),
        }
    }
}

/// The closed range of a number; infinite ends are open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) min: f64,
    pub(super) max: f64,
}

/// No range of its own.
pub(super) const ANY: Range = Range { min: f64::NEG_INFINITY, max: f64::INFINITY };

/// From `min` to `max`, both included.
pub(super) const fn range(min: f64, max: f64) -> Range {
    Range { min, max }
}

impl Range {
    fn check(self, value: f64) -> Result<(), String> {
        if !value.is_finite() {
            return Err(format!("{value} is not a finite number"));
        }
        if (self.min..=self.max).contains(&value) { Ok(()) } else { Err(format!("{value} is out of range")) }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min.is_finite(), self.max.is_finite()) {
            (true, true) => write!(f, " from {} to {}", self.min, self.max),
            (true, false) => write!(f, " of at least {}", self.min),
            _ => Ok(()),
        }
    }
}

/// What a setting can be, for people and for writing TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Whole,
    Number,
    Choice(&'static [&'static str]),
    /// A string, in words.
    Text(&'static str),
    /// An array of strings, in words.
    List(&'static str),
}

impl Shape {
    /// What to give, in words.
    pub(super) fn words(self, range: Range) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Whole => format!("a whole number{range}"),
            Self::Number => format!("a number{range}"),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Text(words) | Self::List(words) => words.to_owned(),
        }
    }

    /// A plain text as a TOML value.
    pub(super) fn toml(self, plain: &str) -> String {
        match self {
            Self::Bool | Self::Whole | Self::Number => plain.to_owned(),
            Self::Choice(_) | Self::Text(_) => format!("{plain:?}"),
            Self::List(_) => format!("{:?}", list(plain)),
        }
    }
}

/// A type that a setting can have.
pub(super) trait Field: Sized {
    const SHAPE: Shape;

    /// The value, or what is wrong with it.
    fn parse(raw: &Raw, range: Range) -> Result<Self, String>;

    /// The value when nothing is given and there is no default.
    fn absent() -> Option<Self> {
        None
    }
}

pub(super) fn not(raw: &Raw, words: &str) -> String {
    format!("{raw} is not {words}")
}

/// The text of a string setting; `words` say what it should have been.
pub(super) fn text<'a>(raw: &'a Raw, words: &str) -> Result<&'a str, String> {
    match raw {
        Raw::Text(text) | Raw::Plain(text) => Ok(text.trim()),
        other => Err(not(other, words)),
    }
}

/// The texts of a setting that is a list.
fn texts(raw: &Raw) -> Result<Vec<String>, String> {
    match raw {
        Raw::List(items) => Ok(items.clone()),
        Raw::Plain(plain) => Ok(list(plain)),
        other => Err(not(other, "an array of strings")),
    }
}

fn list(plain: &str) -> Vec<String> {
    plain.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

impl Field for bool {
    const SHAPE: Shape = Shape::Bool;
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        match raw {
            Raw::Bool(value) => Ok(*value),
            Raw::Plain(plain) => match plain.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(not(raw, "true or false")),
            },
            other => Err(not(other, "true or false")),
        }
    }
}

impl Field for f64 {
    const SHAPE: Shape = Shape::Number;
    fn parse(raw: &Raw, range: Range) -> Result<Self, String> {
        let value = match raw {
            Raw::Float(value) => *value,
            Raw::Integer(value) => *value as f64,
            Raw::Plain(plain) => plain.trim().parse().map_err(|_| not(raw, "a number"))?,
            other => return Err(not(other, "a number")),
        };
        range.check(value).map(|()| value)
    }
}

macro_rules! whole_field {
    ($($type:ty),+) => {$(
        impl Field for $type {
            const SHAPE: Shape = Shape::Whole;
            fn parse(raw: &Raw, range: Range) -> Result<Self, String> {
                let value = match raw {
                    Raw::Integer(value) => *value,
                    Raw::Plain(plain) => {
                        plain.trim().replace('_', "").parse().map_err(|_| not(raw, "a whole number"))?
                    }
                    other => return Err(not(other, "a whole number")),
                };
                range.check(value as f64)?;
                Self::try_from(value).map_err(|_| format!("{value} is out of range"))
            }
        }
    )+};
}
whole_field!(u32, u64, usize);

macro_rules! unit_field {
    ($($type:ty),+) => {$(
        impl Field for $type {
            const SHAPE: Shape = Shape::Number;
            fn parse(raw: &Raw, range: Range) -> Result<Self, String> {
                Self::new(f64::parse(raw, range)?).map_err(|error| error.to_string())
            }
        }
    )+};
}
unit_field!(Quality, Usd);

impl<T: Field> Field for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    fn parse(raw: &Raw, range: Range) -> Result<Self, String> {
        T::parse(raw, range).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl Field for Vec<String> {
    const SHAPE: Shape = Shape::List("an array of model patterns such as \"anthropic/*\"");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        let items = texts(raw)?;
        match items.iter().find(|item| item.is_empty() || item.contains(char::is_whitespace)) {
            Some(bad) => Err(format!("{bad:?} is not a model pattern")),
            None => Ok(items),
        }
    }
}

impl Field for Vec<Region> {
    const SHAPE: Shape = Shape::List("an array of regions such as \"eu\" or \"eu-central-1\"");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        texts(raw)?.iter().map(|name| name.parse().map_err(|error: InvalidId| error.to_string())).collect()
    }
}

impl Field for Region {
    const SHAPE: Shape = Shape::Text("a region such as \"eu\" or \"eu-central-1\"");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        text(raw, "a region")?.parse().map_err(|error: InvalidId| error.to_string())
    }
}

impl Field for SocketAddr {
    const SHAPE: Shape = Shape::Text("an address with a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        let given = text(raw, "an address with a port")?;
        let numeric = given.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        numeric.as_deref().unwrap_or(given).parse().map_err(|_| not(raw, "an address with a port"))
    }
}

impl Field for PathBuf {
    const SHAPE: Shape = Shape::Text("a path");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        match text(raw, "a path")? {
            "" => Err(not(raw, "a path")),
            path => Ok(Self::from(path)),
        }
    }
}
