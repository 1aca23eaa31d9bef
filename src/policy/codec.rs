//! Snapshots of a posterior as bytes: exact, versioned, checked.

use super::{FEATURES, LearningRates, Level, LinearGaussian, Posterior, posterior::Arm};
use crate::domain::ModelId;
use std::sync::Arc;

const MAGIC: &[u8; 4] = b"SATP";
const VERSION: u16 = 2;

/// A snapshot that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not a snapshot, or cut short: fold the log from the beginning instead.
    #[error("not a posterior snapshot, or cut short")]
    Malformed,
    /// Written by another version of the format.
    #[error("posterior snapshot format {0}, this build reads {VERSION}")]
    Version(u16),
    /// Written for another number of features.
    #[error("posterior snapshot with {0} features, this build uses {FEATURES}")]
    Features(u16),
}

impl Posterior {
    /// The state as bytes; equal states give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.arms.len() * (FEATURES * (FEATURES + 3) * 4 + 96));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(FEATURES as u16).to_le_bytes());
        for value in [self.rates.forgetting, self.rates.prior_strength] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&(self.arms.len() as u32).to_le_bytes());
        for (model, arm) in &self.arms {
            write_arm(&mut out, model, arm);
        }
        out
    }

    /// Reads a state back; [`Posterior::to_bytes`] of the result gives the same bytes.
    ///
    /// # Errors
    /// [`CodecError`]: the caller folds the log from the beginning instead.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Input(bytes);
        if input.take(4)? != MAGIC {
            return Err(CodecError::Malformed);
        }
        match (input.u16()?, input.u16()?) {
            (VERSION, features) if usize::from(features) == FEATURES => {}
            (VERSION, features) => return Err(CodecError::Features(features)),
            (version, _) => return Err(CodecError::Version(version)),
        }
        let rates = LearningRates { forgetting: input.f64()?, prior_strength: input.f64()? };
        let mut posterior = Self::new(rates);
        posterior.number = input.u64()?;
        for _ in 0..input.u32()? {
            let (model, arm) = read_arm(&mut input)?;
            posterior.arms.insert(model, Arc::new(arm));
        }
        if input.0.is_empty() { Ok(posterior) } else { Err(CodecError::Malformed) }
    }
}

fn write_arm(out: &mut Vec<u8>, model: &ModelId, arm: &Arm) {
    out.extend_from_slice(&(model.as_str().len() as u32).to_le_bytes());
    out.extend_from_slice(model.as_str().as_bytes());
    out.extend_from_slice(&arm.observations.to_le_bytes());
    out.extend_from_slice(&arm.last.to_le_bytes());
    out.extend_from_slice(&arm.level.alarms.to_le_bytes());
    out.push(u8::from(arm.level.shifted));
    let l = &arm.level;
    let level = [l.offset, l.variance, l.above, l.below, l.noise, l.odds];
    // A is symmetric to the bit (each pair is added the same products), so half of it says all.
    let lower = (0..FEATURES).flat_map(|i| arm.linear.precision()[i * FEATURES..=i * FEATURES + i].iter());
    for value in level.iter().chain(arm.linear.weighted()).chain(lower) {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

fn read_arm(input: &mut Input<'_>) -> Result<(ModelId, Arm), CodecError> {
    let length = input.u32()? as usize;
    let name = std::str::from_utf8(input.take(length)?).map_err(|_| CodecError::Malformed)?;
    let model = ModelId::from(name);
    let (observations, last, alarms) = (input.u64()?, input.u64()?, input.u32()?);
    let shifted = input.take(1)? == [1];
    let (offset, variance, above, below) = (input.f64()?, input.f64()?, input.f64()?, input.f64()?);
    let level = Level { offset, variance, above, below, alarms, shifted, noise: input.f64()?, odds: input.f64()? };
    let mut weighted = [0.0; FEATURES];
    for value in &mut weighted {
        *value = input.f64()?;
    }
    let mut precision = vec![0.0; FEATURES * FEATURES].into_boxed_slice();
    for i in 0..FEATURES {
        for j in 0..=i {
            let value = input.f64()?;
            precision[i * FEATURES + j] = value;
            precision[j * FEATURES + i] = value;
        }
    }
    let linear = LinearGaussian::from_sums(precision, weighted);
    Ok((model, Arm { linear, level, observations, last }))
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], CodecError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(CodecError::Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        self.take(N)?.try_into().map_err(|_| CodecError::Malformed)
    }

    fn u16(&mut self) -> Result<u16, CodecError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, CodecError> {
        self.array().map(f64::from_le_bytes)
    }
}
