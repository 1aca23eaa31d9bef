//! Tools and the choice among them. A tool's fields are in an object of their own in chat.

use super::{Inexpressible, Object, array, given, required, section, text};
use serde_json::{Value, json};

/// The chat request's `tools`, `tool_choice` and `parallel_tool_calls`; chat takes the latter two with tools only.
pub(super) fn fields(body: &Object) -> Result<Object, Inexpressible> {
    let tools = array(body, "tools", || "tools".to_owned())?;
    let tools = tools.iter().enumerate().map(|(at, tool)| function(tool, at)).collect::<Result<Vec<_>, _>>()?;
    let choice = section(body, "tool_choice", || "tool_choice".to_owned())?.map(Choice::of).transpose()?;
    let mut fields = Object::new();
    if tools.is_empty() {
        return match choice {
            Some(Choice { needs_tools: true, .. }) => {
                Err(Inexpressible::new("tool_choice", "there are no tools to choose from"))
            }
            _ => Ok(fields),
        };
    }
    fields.insert("tools".to_owned(), Value::from(tools));
    if let Some(choice) = choice {
        fields.insert("tool_choice".to_owned(), choice.json);
        if choice.one_at_a_time {
            fields.insert("parallel_tool_calls".to_owned(), Value::from(false));
        }
    }
    Ok(fields)
}

/// A tool of the caller's. Hints for Anthropic's cache and streaming are left out, and so are examples of inputs: chat has
/// no place for them.
fn function(tool: &Value, at: usize) -> Result<Value, Inexpressible> {
    let path = |field: &str| format!("tools[{at}].{field}");
    let Value::Object(tool) = tool else {
        return Err(Inexpressible::new(format!("tools[{at}]"), "must be an object"));
    };
    match text(tool, "type", || path("type"))? {
        None | Some("custom") => {}
        Some(kind) => {
            let problem =
                format!("`{kind}` can't be had here: only tools with an `input_schema`, which you run yourself");
            return Err(Inexpressible::new(path("type"), problem));
        }
    }
    check_calling(tool, path)?;
    let mut function = json!({"name": required(tool, "name", || path("name"))?});
    if let Some(description) = text(tool, "description", || path("description"))? {
        function["description"] = Value::from(description);
    }
    let Some(schema) = section(tool, "input_schema", || path("input_schema"))? else {
        return Err(Inexpressible::new(path("input_schema"), "must be given"));
    };
    function["parameters"] = json!(schema);
    match given(tool, "strict") {
        None => {}
        Some(strict @ Value::Bool(_)) => function["strict"] = strict.clone(),
        Some(_) => return Err(Inexpressible::new(path("strict"), "must be true or false")),
    }
    Ok(json!({"type": "function", "function": function}))
}

/// Tools are called by the model itself, and all are told at once.
fn check_calling(tool: &Object, path: impl Fn(&str) -> String) -> Result<(), Inexpressible> {
    if given(tool, "defer_loading").is_some_and(|v| v != false) {
        return Err(Inexpressible::new(path("defer_loading"), "must be false: tools can't be searched here"));
    }
    match given(tool, "allowed_callers").map(Value::as_array) {
        Some(callers) if !callers.is_some_and(|all| all.iter().any(|one| one == "direct")) => {
            Err(Inexpressible::new(path("allowed_callers"), "only the model itself (`direct`) calls tools"))
        }
        _ => Ok(()),
    }
}

struct Choice {
    json: Value,
    needs_tools: bool,
    one_at_a_time: bool,
}

impl Choice {
    fn of(choice: &Object) -> Result<Self, Inexpressible> {
        let one_at_a_time = match given(choice, "disable_parallel_tool_use") {
            None => false,
            Some(Value::Bool(disable)) => *disable,
            Some(_) => {
                return Err(Inexpressible::new("tool_choice.disable_parallel_tool_use", "must be true or false"));
            }
        };
        let kind = required(choice, "type", || "tool_choice.type".to_owned())?;
        let json = match kind {
            "auto" | "none" => Value::from(kind),
            "any" => Value::from("required"),
            "tool" => {
                let name = required(choice, "name", || "tool_choice.name".to_owned())?;
                json!({"type": "function", "function": {"name": name}})
            }
            _ => return Err(Inexpressible::new("tool_choice.type", "must be auto, any, tool or none")),
        };
        Ok(Self { json, needs_tools: matches!(kind, "any" | "tool"), one_at_a_time })
    }
}
