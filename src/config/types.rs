//! Types that only settings have, and how choices and names are read.

use super::values::{Field, Range, Raw, Shape, not, text};
use crate::{
    access::RequireKey,
    catalog::{Dialect, KeyHeader},
    domain::{DataPolicy, DecisionMode, Scope},
    encoder::EncoderMode,
    store::Durability,
    telemetry::LogFormat,
};
use std::fmt;

/// On, off, or as it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// As it fits; the setting says when that is.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Which answers are given again; each mode includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CacheMode {
    /// None.
    Off,
    /// To the same request.
    Exact,
    /// Also to a similar request.
    Semantic,
}

impl fmt::Display for CacheMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Off => "off",
            Self::Exact => "exact",
            Self::Semantic => "semantic",
        })
    }
}

/// An HTTP or HTTPS address without credentials, query or trailing slash; paths such as `/chat/completions` are
/// appended to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads one, or says what is wrong with it without showing it: it may hold credentials.
    pub(super) fn read(given: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(given).map_err(|error| format!("the address can't be read: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err("the address holds credentials or a query".to_owned());
        }
        if !matches!(url.scheme(), "http" | "https") || url.fragment().is_some() {
            return Err("the address is not a plain http or https one".to_owned());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an environment variable: upper-case letters, digits and underscores, not starting with a digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableName(String);

impl VariableName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! choice_field {
    ($type:ty { $($name:literal => $variant:ident),+ $(,)? }) => {
        impl Field for $type {
            const SHAPE: Shape = Shape::Choice(&[$($name),+]);
            fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
                match text(raw, "a string")? {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("{raw} is unknown")),
                }
            }
        }
    };
}
choice_field!(DataPolicy { "may_train" => MayTrain, "no_training" => NoTraining, "zero_retention" => ZeroRetention });
choice_field!(CacheMode { "off" => Off, "exact" => Exact, "semantic" => Semantic });
// The other dialects are the catalogue's own providers'.
choice_field!(Dialect { "openai" => OpenAi, "anthropic" => Anthropic });
choice_field!(KeyHeader { "bearer" => Bearer, "api-key" => ApiKey, "x-api-key" => XApiKey });
choice_field!(LogFormat { "text" => Text, "json" => Json });
choice_field!(DecisionMode { "floor" => Floor, "average" => Average, "budget" => Budget });
choice_field!(EncoderMode { "int8" => Int8, "f32" => F32 });
choice_field!(Durability { "full" => Full, "feedback" => Feedback, "process" => Process });
choice_field!(RequireKey { "auto" => Auto, "always" => Always });
choice_field!(Switch { "auto" => Auto, "on" => On, "off" => Off });

impl Field for BaseUrl {
    const SHAPE: Shape =
        Shape::Text("an address such as \"https://api.example.com/v1\", without user, password or query");
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        Self::read(text(raw, "an address")?)
    }
}

impl Field for VariableName {
    const SHAPE: Shape =
        Shape::Text("the name of an environment variable such as \"OPENAI_API_KEY\"; never the key itself");
    /// Never shows the value: it may be a key.
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        let (Raw::Text(given) | Raw::Plain(given)) = raw else {
            return Err("not the name of an environment variable".to_owned());
        };
        let name = given.trim();
        if name.len() <= 128 && is_variable(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err("this looks like a key, not like the name of an environment variable".to_owned())
        }
    }
}

/// Upper-case on purpose: keys made of letters, digits and underscores alone have lower-case ones among them.
fn is_variable(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    name.bytes().all(fits) && name.bytes().next().is_some_and(|c| !c.is_ascii_digit())
}

impl Field for Scope {
    const SHAPE: Shape = Shape::Text(NAME_WORDS);
    fn parse(raw: &Raw, _: Range) -> Result<Self, String> {
        let name = text(raw, "a name")?;
        if is_name(name) { Ok(Self::from(name)) } else { Err(not(raw, "a name")) }
    }
}

/// What [`is_name`] accepts.
pub(super) const NAME_WORDS: &str = "a name of at most 64 lower-case letters, digits, - and _";

/// Whether a policy, provider, scope or tenant can have this name.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}
