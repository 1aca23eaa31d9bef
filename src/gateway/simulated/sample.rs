//! A value that fits a JSON schema, made up from the schema alone: the same schema always gives the same value.
//!
//! Heeded are types, `const`, `enum`, references within the schema, `anyOf`, `oneOf`, `allOf`, bounds of numbers, lengths and
//! items, and usual formats of text. Not heeded: `pattern`, `not`, `uniqueItems`, and conditions.

use serde_json::{Map, Value, json};

/// Values of one sample. What a larger schema asks for beyond them is left out.
const ROOM: usize = 1000;
/// Levels of one sample: schemas without end end here.
const DEEPEST: usize = 24;
/// Optional properties are left out below this level.
const DEEP: usize = 4;
/// Letters of a text.
const LONGEST: u64 = 1000;

/// A value for this schema; an object without properties for what is no schema.
pub(super) fn sample(schema: &Value) -> Value {
    if schema.is_object() { Sampler { root: schema, left: ROOM }.value(schema, 0) } else { json!({}) }
}

struct Sampler<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Sampler<'a> {
    fn value(&mut self, schema: &'a Value, depth: usize) -> Value {
        if self.left == 0 || depth > DEEPEST {
            return Value::Null;
        }
        self.left -= 1;
        if let Some(fixed) = fixed(schema) {
            return fixed.clone();
        }
        if let Some(target) = schema["$ref"].as_str().and_then(|reference| self.target(reference)) {
            return self.value(target, depth + 1);
        }
        if let Some(choices) = ["anyOf", "oneOf"].iter().find_map(|name| schema[*name].as_array()) {
            let shortest = choices.iter().find(|choice| is_null(choice)).filter(|_| depth > DEEP);
            let chosen = shortest.or_else(|| choices.iter().find(|choice| !is_null(choice))).or(choices.first());
            return chosen.map_or(Value::Null, |chosen| self.value(chosen, depth + 1));
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.together(schema, parts, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => Value::from(text(schema)),
            "integer" => Value::from(number(schema, 1.0) as i64),
            "number" => json!(number(schema, 0.5)),
            "boolean" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    /// What a reference within the schema points to.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// Objects that must hold together are one object; of anything else the first part decides.
    fn together(&mut self, schema: &'a Value, parts: &'a [Value], depth: usize) -> Value {
        let mut all = Map::new();
        for (n, part) in parts.iter().enumerate() {
            match self.value(part, depth + 1) {
                Value::Object(fields) => all.extend(fields),
                other if n == 0 => return other,
                _ => {}
            }
        }
        if let Value::Object(own) = self.object(schema, depth) {
            all.extend(own);
        }
        Value::Object(all)
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return json!({}) };
        let required = schema["required"].as_array();
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|given| given == name));
        let mut fields = Map::new();
        for (name, property) in properties {
            if self.left == 0 {
                break;
            }
            if is_required(name) || depth < DEEP {
                fields.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        Value::Object(fields)
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Value {
        let first = schema["prefixItems"].as_array().into_iter().flatten();
        let mut items: Vec<Value> = first.map(|item| self.value(item, depth + 1)).collect();
        let least = schema["minItems"].as_u64().unwrap_or(u64::from(depth < DEEP && items.is_empty()));
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let rest = schema.get("items").filter(|items| items.is_object());
        while (items.len() as u64) < least.min(most) && self.left > 0 {
            items.push(rest.map_or(Value::from("sample"), |rest| self.value(rest, depth + 1)));
        }
        Value::Array(items)
    }
}

/// The value that a schema itself names.
fn fixed(schema: &Value) -> Option<&Value> {
    let named = schema.get("const").or_else(|| schema["enum"].as_array()?.first());
    named.or_else(|| schema.get("default").filter(|default| !default.is_null()))
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// The type, the first of several that is not null, or what other words of the schema are about.
fn kind(schema: &Value) -> &str {
    let several = || schema["type"].as_array()?.iter().filter_map(Value::as_str).find(|name| *name != "null");
    let implied = || match () {
        () if schema.get("properties").is_some() => "object",
        () if schema.get("items").is_some() || schema.get("prefixItems").is_some() => "array",
        () => "string",
    };
    schema["type"].as_str().or_else(several).unwrap_or_else(implied)
}

fn text(schema: &Value) -> String {
    let of_format = match schema["format"].as_str() {
        Some("date") => "2026-01-01",
        Some("time") => "12:00:00Z",
        Some("date-time") => "2026-01-01T12:00:00Z",
        Some("duration") => "P1D",
        Some("email") => "sample@example.com",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uri") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "sample",
    };
    let (least, most) = (schema["minLength"].as_u64(), schema["maxLength"].as_u64());
    let length = (of_format.len() as u64).max(least.unwrap_or(0)).min(most.unwrap_or(u64::MAX)).min(LONGEST);
    let padding = std::iter::repeat('.');
    of_format.chars().chain(padding).take(usize::try_from(length).unwrap_or(0)).collect()
}

/// The number nearest to `usual` that is within the bounds and, where one is asked for, a multiple.
fn number(schema: &Value, usual: f64) -> f64 {
    let bound = |name: &str| schema[name].as_f64();
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let gap = step.unwrap_or(usual);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|bound| bound + gap));
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|bound| bound - gap));
    let within = usual.max(least.unwrap_or(f64::MIN)).min(most.unwrap_or(f64::MAX));
    let Some(step) = step else { return within };
    let above = (within / step).ceil() * step;
    if most.is_some_and(|most| above > most) { (within / step).floor() * step } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_what_its_schema_asks_for() {
        let cases = [
            (
                json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}),
                json!({"city": "sample", "days": 1}),
            ),
            (json!({"enum": ["red", "green"]}), json!("red")),
            (json!({"const": 7}), json!(7)),
            (json!({"type": ["null", "boolean"]}), json!(true)),
            (json!({"anyOf": [{"type": "null"}, {"type": "number"}]}), json!(0.5)),
            (json!({"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2}), json!([3, 3])),
            (json!({"type": "integer", "exclusiveMinimum": 10, "multipleOf": 4}), json!(16)),
            (json!({"type": "string", "format": "date"}), json!("2026-01-01")),
            (json!({"type": "string", "minLength": 8}), json!("sample..")),
            (
                json!({"allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": {"type": "null"}}}],
                    "$defs": {"a": {"type": "object", "properties": {"a": {"type": "boolean"}}}}}),
                json!({"a": true, "b": null}),
            ),
            (json!("no schema"), json!({})),
        ];
        for (schema, value) in cases {
            assert_eq!(sample(&schema), value, "{schema}");
        }
    }

    #[test]
    fn a_schema_without_end_and_one_of_great_numbers_have_a_sample_of_some_size() {
        let list = json!({"$ref": "#", "type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}});
        assert!(sample(&list).to_string().len() < 1000);
        let tree = json!({"type": "object", "required": ["left", "right"],
                          "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        assert!(sample(&tree).to_string().len() < 100_000);
        let wide = json!({"type": "array", "minItems": 1_000_000_000, "items": {"type": "string", "minLength": 1_000_000_000}});
        assert!(sample(&wide).to_string().len() < 2_000_000);
    }
}
