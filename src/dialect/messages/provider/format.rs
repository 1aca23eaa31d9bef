//! The form of the answer and the effort put into it: `output_config` and `thinking`.

use super::{Inexpressible, Object, given, section, text};
use serde_json::{Value, json};

/// What a chat request says of form and effort.
pub(super) struct Format<'a> {
    schema: Option<&'a Object>,
    effort: Option<Effort>,
    /// Anthropic's own field, which chat callers who know it may send.
    thinking: Option<&'a Object>,
}

enum Effort {
    /// Not to think.
    None,
    /// To think, with this effort.
    Some(&'static str),
}

impl<'a> Format<'a> {
    pub(super) fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        let thinking = section(chat, "thinking", || "thinking".to_owned())?;
        Ok(Self { schema: schema(chat)?, effort: effort(chat)?, thinking })
    }

    /// Nothing when nothing was asked for; `may_think` is false where the rest of the body forbids thinking: Anthropic thinks
    /// with neither forced tools nor sampling. Then effort alone says what it can.
    pub(super) fn fields(&self, may_think: bool) -> [(&'static str, Option<Value>); 2] {
        let mut config = Object::new();
        let mut thinking = None;
        if let Some(schema) = self.schema {
            config.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
        }
        match self.effort {
            None => {}
            Some(Effort::None) => thinking = Some(json!({"type": "disabled"})),
            Some(Effort::Some(effort)) => {
                config.insert("effort".to_owned(), Value::from(effort));
                // Chat's efforts are about thinking. Newer models think by themselves, others only if they are told to.
                thinking = may_think.then(|| json!({"type": "adaptive"}));
            }
        }
        let config = (!config.is_empty()).then_some(Value::Object(config));
        [("output_config", config), ("thinking", self.thinking.map(|own| json!(own)).or(thinking))]
    }
}

/// The schema of a format. Its name and description are labels, and Anthropic's formats are always strict.
///
/// Any JSON at all (`json_object`) can't be had: each object in Anthropic's schemas must name its fields, so there is none that
/// takes any object. A demand in the prompt would be no guarantee, and a forced tool would give a call instead of an answer.
fn schema(chat: &Object) -> Result<Option<&Object>, Inexpressible> {
    let Some(format) = given(chat, "response_format") else { return Ok(None) };
    match format["type"].as_str() {
        Some("text") => return Ok(None),
        Some("json_schema") => {}
        Some("json_object") => {
            let problem = "Anthropic gives JSON only by a schema: use json_schema";
            return Err(Inexpressible::new("response_format.type", problem));
        }
        _ => return Err(Inexpressible::new("response_format.type", "must be text or json_schema")),
    }
    let Value::Object(named) = &format["json_schema"] else {
        return Err(Inexpressible::new("response_format.json_schema", "must be an object"));
    };
    let path = || "response_format.json_schema.schema".to_owned();
    match section(named, "schema", path)? {
        None => Err(Inexpressible::new(path(), "must be given")),
        schema => Ok(schema),
    }
}

/// Anthropic has all of OpenAI's efforts but the two least: `none` is not to think at all, and `minimal` is no less than `low`.
fn effort(chat: &Object) -> Result<Option<Effort>, Inexpressible> {
    let effort = match text(chat, "reasoning_effort", || "reasoning_effort".to_owned())? {
        None => return Ok(None),
        Some("none") => Effort::None,
        Some("minimal" | "low") => Effort::Some("low"),
        Some("medium") => Effort::Some("medium"),
        Some("high") => Effort::Some("high"),
        Some("xhigh") => Effort::Some("xhigh"),
        Some("max") => Effort::Some("max"),
        Some(_) => {
            let problem = "must be none, minimal, low, medium, high, xhigh or max";
            return Err(Inexpressible::new("reasoning_effort", problem));
        }
    };
    Ok(Some(effort))
}
