//! Where and how providers handle what they are sent, and what may be demanded of that.

use super::{Exclusion, InvalidId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a provider does with what it is sent, by its terms with whoever runs the service; each is stricter than those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataPolicy {
    /// It may train on it.
    MayTrain,
    /// It does not train on it, and may keep it for a while.
    NoTraining,
    /// It keeps nothing after the answer.
    ZeroRetention,
}

impl DataPolicy {
    /// Every policy, in their order.
    pub const ALL: [Self; 3] = [Self::MayTrain, Self::NoTraining, Self::ZeroRetention];

    /// Its name in files and requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MayTrain => "may_train",
            Self::NoTraining => "no_training",
            Self::ZeroRetention => "zero_retention",
        }
    }
}

impl fmt::Display for DataPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DataPolicy {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name).ok_or(())
    }
}

/// Where requests are processed, as the operator calls it: `eu`, or `eu-central-1`. At most 32 lower-case letters, digits and
/// `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// Longest name, characters.
    pub const MAX_LENGTH: usize = 32;

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether another region lies in this one: `eu` covers `eu-central-1` and itself.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Region {
    type Err = InvalidId;
    fn from_str(name: &str) -> Result<Self, InvalidId> {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let begins = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if begins && name.len() <= Self::MAX_LENGTH && name.bytes().all(fits) {
            return Ok(Self(name.to_owned()));
        }
        let expected = "a region such as eu or eu-central-1: at most 32 lower-case letters, digits and -";
        Err(InvalidId { value: name.chars().take(64).collect(), expected })
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidId;
    fn try_from(name: String) -> Result<Self, InvalidId> {
        name.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

/// Where and how a provider handles what it is sent, as far as anybody said so. What nobody said meets no demand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DataHandling {
    /// Where it is processed.
    pub region: Option<Region>,
    /// What is done with it.
    pub policy: Option<DataPolicy>,
}

impl DataHandling {
    /// Whether it is what is demanded: any of these regions, where there are any, and this policy or a stricter one.
    ///
    /// # Errors
    /// [`Exclusion::Region`] or [`Exclusion::DataPolicy`].
    pub fn meet(&self, regions: &[Region], policy: Option<DataPolicy>) -> Result<(), Exclusion> {
        let is_within = |region: &Region| regions.iter().any(|wanted| wanted.covers(region));
        if !regions.is_empty() && !self.region.as_ref().is_some_and(is_within) {
            return Err(Exclusion::Region);
        }
        let least = DataPolicy::MayTrain;
        if self.policy.unwrap_or(least) < policy.unwrap_or(least) {
            return Err(Exclusion::DataPolicy);
        }
        Ok(())
    }
}

/// What a request demands of that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataDemands {
    /// Any of these; none allows all.
    pub regions: Vec<Region>,
    /// This or a stricter one.
    pub policy: Option<DataPolicy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        name.parse().expect("a region")
    }

    #[test]
    fn a_region_covers_what_lies_in_it() {
        for (outer, inner, covers) in [
            ("eu", "eu", true),
            ("eu", "eu-central-1", true),
            ("eu-central-1", "eu", false),
            ("eu", "europe", false),
            ("us", "eu", false),
        ] {
            assert_eq!(region(outer).covers(&region(inner)), covers, "{outer} {inner}");
        }
        for strange in ["", "EU", "e u", "-eu", "ü", "a.b", &"x".repeat(33)] {
            assert!(strange.parse::<Region>().is_err(), "{strange:?}");
        }
    }

    #[test]
    fn what_nobody_said_meets_no_demand() {
        let nothing = DataDemands::default();
        let in_europe = DataDemands { regions: vec![region("ch"), region("eu")], policy: None };
        let forgetful = DataDemands { regions: Vec::new(), policy: Some(DataPolicy::ZeroRetention) };
        let untrained = DataDemands { regions: Vec::new(), policy: Some(DataPolicy::NoTraining) };
        let unsaid = DataHandling::default();
        let said = DataHandling { region: Some(region("eu-west-3")), policy: Some(DataPolicy::NoTraining) };
        let abroad = DataHandling { region: Some(region("us")), policy: Some(DataPolicy::ZeroRetention) };
        for (demands, of_unsaid, of_said, of_abroad) in [
            (&nothing, Ok(()), Ok(()), Ok(())),
            (&in_europe, Err(Exclusion::Region), Ok(()), Err(Exclusion::Region)),
            (&forgetful, Err(Exclusion::DataPolicy), Err(Exclusion::DataPolicy), Ok(())),
            (&untrained, Err(Exclusion::DataPolicy), Ok(()), Ok(())),
        ] {
            for (handling, expected) in [(&unsaid, of_unsaid), (&said, of_said), (&abroad, of_abroad)] {
                assert_eq!(handling.meet(&demands.regions, demands.policy), expected, "{demands:?} {handling:?}");
            }
        }
        assert_eq!(unsaid.meet(&[], Some(DataPolicy::MayTrain)), Ok(()));
    }
}
