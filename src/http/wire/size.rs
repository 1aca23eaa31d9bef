//! How long a piece of a body is, without keeping it.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// Length of any value as JSON without white space, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonBytes(pub(super) usize);

impl<'de> Deserialize<'de> for JsonBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Measure).map(Self)
    }
}

struct Measure;

impl<'de> Visitor<'de> for Measure {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        Ok("null".len())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<usize, E> {
        Ok(if value { "true".len() } else { "false".len() })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<usize, E> {
        Ok(value.checked_ilog10().map_or(1, |digits| digits as usize + 1))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<usize, E> {
        self.visit_u64(value.unsigned_abs()).map(|digits: usize| digits + usize::from(value < 0))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<usize, E> {
        Ok(serde_json::Number::from_f64(value).map_or(4, |number| number.to_string().len()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        Ok(quoted(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let (mut bytes, mut count) = (0, 0);
        while let Some(JsonBytes(item)) = items.next_element()? {
            (bytes, count) = (bytes + item, count + 1);
        }
        Ok(framed(bytes, count))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<usize, A::Error> {
        let (mut bytes, mut count) = (0, 0);
        while let Some((JsonBytes(key), JsonBytes(value))) = fields.next_entry()? {
            (bytes, count) = (bytes + key + ":".len() + value, count + 1);
        }
        Ok(framed(bytes, count))
    }
}

/// Two brackets, and a comma between two items.
fn framed(bytes: usize, count: usize) -> usize {
    bytes + 2 + count.saturating_sub(1)
}

/// A text between quotation marks, with what must be escaped.
fn quoted(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0C | b'\r' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + 2 + text.bytes().map(escape).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_value_is_as_long_as_what_is_written_of_it() {
        let values = [
            json!(null),
            json!([true, false, 0, 9, 10, -1, -10, u64::MAX, i64::MIN, 0.5, 1e300, -2.5e-7]),
            json!({}),
            json!([]),
            json!({"a\"\\\n\u{1}\u{8}\u{c}é✓": [{"b": "\r\t/"}, [], {}], "c": {"d": null}}),
        ];
        for value in values {
            let text = value.to_string();
            assert_eq!(JsonBytes::deserialize(&value).unwrap().0, text.len(), "{text}");
            assert_eq!(serde_json::from_str::<JsonBytes>(&text).unwrap().0, text.len(), "{text}");
            let spaced = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(serde_json::from_str::<JsonBytes>(&spaced).unwrap().0, text.len(), "{text}");
        }
    }

    #[test]
    fn nothing_of_a_body_is_too_strange_to_measure() {
        let value: Value = serde_json::from_str("[1e15, 123456789012345678901234567890]").unwrap();
        assert_eq!(JsonBytes::deserialize(&value).unwrap().0, value.to_string().len());
    }
}
