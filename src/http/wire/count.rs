//! Whole numbers. JSON knows but one kind of number, so 801.0 is one as well.

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};
use serde_json::{Number, Value};
use std::{fmt, num::NonZeroU32};

/// The largest count that is accepted.
const MAX: u32 = u32::MAX;
/// Fields that are whole numbers in one dialect or another.
const COUNTS: [&str; 8] =
    ["max_tokens", "max_completion_tokens", "max_output_tokens", "top_logprobs", "top_k", "n", "seed", "dimensions"];
/// Beyond this not every whole number has a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a whole number of at least 1, or null.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    deserializer.deserialize_option(Maybe(Positive))
}

/// Reads a whole number of at least 0, or null.
pub(super) fn natural<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_option(Maybe(Natural))
}

struct Maybe<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Maybe<V> {
    type Value = Option<V::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self.0).map(Some)
    }
}

struct Positive;

impl Visitor<'_> for Positive {
    type Value = NonZeroU32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 1 to {MAX}")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<NonZeroU32, E> {
        let count = u32::try_from(value).ok().and_then(NonZeroU32::new);
        count.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<NonZeroU32, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(value), &self)),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<NonZeroU32, E> {
        if value.fract() == 0.0 && (1.0..=f64::from(MAX)).contains(&value) {
            return self.visit_u64(value as u64);
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }
}

struct Natural;

impl Visitor<'_> for Natural {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of at least 0")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<u64, E> {
        u64::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<u64, E> {
        if value.fract() == 0.0 && (0.0..=EXACT).contains(&value) {
            return Ok(value as u64);
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }
}

/// Writes the counts of a request as whole numbers: translations and many providers take nothing else.
pub(crate) fn make_whole(body: &mut serde_json::Map<String, Value>) {
    for field in COUNTS {
        if let Some(Value::Number(number)) = body.get_mut(field) {
            whole(number);
        }
    }
}

/// The same number without a decimal point, if it is whole.
fn whole(number: &mut Number) {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT);
    if let Some(float) = float {
        *number = Number::from(float as i64);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use serde_json::json;

    #[test]
    fn whole_numbers_are_counts_however_they_are_written() {
        let read = |text: &str| positive(&mut serde_json::Deserializer::from_str(text)).map(|n| n.map(NonZeroU32::get));
        for (text, count) in [("801", 801), ("801.0", 801), ("8.01e2", 801), ("1", 1), ("4294967295", MAX)] {
            assert_eq!(read(text).unwrap(), Some(count), "{text}");
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(positive(&value).unwrap().map(NonZeroU32::get), Some(count), "{text}");
        }
        assert_eq!(read("null").unwrap(), None);
        for text in ["0", "0.0", "-1", "-1.0", "1.5", "4294967296", "1e300", "\"1\"", "[1]", "true"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_may_be_zero_is_read_alike() {
        let read = |text: &str| natural(&mut serde_json::Deserializer::from_str(text));
        let numbers = [("0", 0), ("0.0", 0), ("3600", 3600), ("414.0", 414), ("18446744073709551615", u64::MAX)];
        for (text, number) in numbers {
            assert_eq!(read(text).unwrap(), Some(number), "{text}");
        }
        assert_eq!(read("null").unwrap(), None);
        for text in ["-1", "-1.0", "0.5", "1e300", "18446744073709551616", "\"1\"", "[1]", "true"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_are_forwarded_as_whole_numbers() {
        let mut body = json!({"max_tokens": 801.0, "n": 1.5, "seed": -3.0, "top_k": 1e300, "temperature": 1.0});
        make_whole(body.as_object_mut().unwrap());
        let written = "{\"max_tokens\":801,\"n\":1.5,\"seed\":-3,\"temperature\":1.0,\"top_k\":1e+300}";
        assert_eq!(body, serde_json::from_str::<Value>(written).unwrap());
        assert!(body["max_tokens"].is_u64() && body["seed"].is_i64() && body["temperature"].is_f64());
    }
}
