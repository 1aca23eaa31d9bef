#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use super::{
    super::body::{parse, view},
    *,
};
use crate::{
    domain::{DataDemands, DataPolicy, DecisionMode, Quality, Role, Usd},
    http::error::ApiError,
    router::{ModelChoice, ProviderWishes},
};
use serde_json::{Map, Value, json};

mod answers;
mod feedback;

/// Some decision.
const ID: &str = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e";

fn chat(text: &str) -> Result<Asked, ApiError> {
    parse::<ChatBody>(text)?.into_asked(|name| name == "cheap")
}

fn route(body: &Value) -> Result<Asked, ApiError> {
    parse::<RouteBody>(&body.to_string())?.into_asked(|name| name == "cheap")
}

/// A routing request that is right but for these fields.
fn route_with(fields: &Value) -> Result<Asked, ApiError> {
    let mut body = json!({"input": "hello"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    route(&body)
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, ApiError>, param: &str, input: &dyn std::fmt::Display) {
    let error = result.unwrap_err();
    assert_eq!(error.status(), 400, "{input}");
    assert_eq!(error.param(), Some(param), "{input}: {}", error.message());
}

#[test]
fn a_bad_chat_body_is_refused_with_the_path_of_the_fault() {
    let cases = [
        (r#"{}"#, "messages"),
        (r#"{"messages": []}"#, "messages"),
        (r#"{"messages": null}"#, "messages"),
        (r#"{"messages": "hi"}"#, "messages"),
        (r#"{"messages": [["user", "hi"]]}"#, "messages[0]"),
        (r#"{"messages": [{"content": "hi"}]}"#, "messages[0].role"),
        (r#"{"messages": [{"role": "user", "content": "a"}, {"role": "usr", "content": "b"}]}"#, "messages[1].role"),
        (r#"{"messages": [{"role": "user", "content": 7}]}"#, "messages[0].content"),
        (r#"{"messages": [{"role": "user", "content": [{"type": "text"}]}]}"#, "messages[0].content[0].text"),
        (r#"{"messages": [{"role": "user", "content": [{"text": "a"}]}]}"#, "messages[0].content[0].type"),
        (r#"{"messages": [{"role": "user", "content": ["a"]}]}"#, "messages[0].content[0]"),
        (r#"{"messages": [{"role": "user", "content": ""}]}"#, "messages[0].content"),
        (r#"{"messages": [{"role": "user", "content": "  \n"}]}"#, "messages[0].content"),
        (r#"{"messages": [{"role": "user", "content": []}]}"#, "messages[0].content"),
        (r#"{"messages": [{"role": "user"}]}"#, "messages[0].content"),
        (r#"{"messages": [{"role": "system", "content": "be brief"}]}"#, "messages"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "max_tokens": 0}"#, "max_tokens"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "max_completion_tokens": -1}"#, "max_completion_tokens"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "max_tokens": 1.5}"#, "max_tokens"),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "text", "text": null}]}]}"#,
            "messages[0].content[0].text",
        ),
        (r#"{"messages": [{"role": "user", "content": "a"}], "stream": "yes"}"#, "stream"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "model": 4}"#, "model"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "response_format": {}}"#, "response_format.type"),
        (r#"{"messages": [{"role": "user", "content": "a"}], "tools": {}}"#, "tools"),
    ];
    for (text, param) in cases {
        assert_refused(chat(text), param, &text);
        let object: Map<String, Value> = serde_json::from_str(text).unwrap();
        let viewed = view::<ChatBody>(&object).and_then(|body| body.into_asked(|name| name == "cheap"));
        assert_refused(viewed, param, &text);
    }
}

#[test]
fn a_bad_route_object_is_refused_with_the_path_of_the_fault() {
    let cases = [
        (json!({"route": [0.9]}), "route"),
        (json!({"route": {"quality_target": 1.5}}), "route.quality_target"),
        (json!({"route": {"quality_target": -0.1}}), "route.quality_target"),
        (json!({"route": {"quality_target": "high"}}), "route.quality_target"),
        (json!({"route": {"mode": "flor"}}), "route.mode"),
        (json!({"route": {"max_cost_usd": -1}}), "route.max_cost_usd"),
        (json!({"route": {"max_latency_ms": -1}}), "route.max_latency_ms"),
        (json!({"route": {"models": "openai/*"}}), "route.models"),
        (json!({"route": {"exclude": [1]}}), "route.exclude[0]"),
        (json!({"route": {"regions": "eu"}}), "route.regions"),
        (json!({"route": {"regions": ["EU!"]}}), "route.regions[0]"),
        (json!({"route": {"data_policy": "strict"}}), "route.data_policy"),
        (json!({"route": {"session_id": ""}}), "route.session_id"),
        (json!({"route": {"session_id": "a\nb"}}), "route.session_id"),
        (json!({"route": {"session_id": "é".repeat(129)}}), "route.session_id"),
        (json!({"route": {"session_id": 7}}), "route.session_id"),
        (json!({"route": {"qualty_target": 0.9}}), "route.qualty_target"),
        (json!({"model": "auto:q=2"}), "model"),
        (json!({"model": "auto:quick"}), "model"),
        (json!({"model": "auto:q=0.9", "route": {"quality_target": 0.8}}), "route.quality_target"),
        (json!({"messages": [{"role": "user", "content": "a"}]}), "input"),
        (json!({"input": "  "}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": [{"role": "user", "content": ""}]}), "input[0].content"),
        (json!({"input": 3}), "input"),
        (json!({"input": null}), "messages"),
    ];
    for (fields, param) in &cases {
        assert_refused(route_with(fields), param, fields);
    }
}

#[test]
fn a_number_that_json_does_not_know_is_refused_with_its_place() {
    for number in ["NaN", "Infinity", "1e999", "-"] {
        let text = format!("{{\"input\": \"hi\",\n \"route\": {{\"quality_target\": {number}}}}}");
        let error = parse::<RouteBody>(&text).unwrap_err();
        assert_eq!(error.param(), Some("route.quality_target"), "{number}: {}", error.message());
        assert!(error.message().contains("line 2 column"), "{}", error.message());
    }
}

#[test]
fn a_misspelt_name_comes_with_the_right_one() {
    let cases = [
        (json!({"route": {"qualty_target": 0.9}}), "unknown_field", "did you mean `quality_target`?"),
        (json!({"route": {"mode": "avarage"}}), "invalid_value", "did you mean `average`?"),
    ];
    for (fields, code, hint) in &cases {
        let error = route_with(fields).unwrap_err();
        assert_eq!(error.code(), *code);
        assert!(error.message().ends_with(hint), "{}", error.message());
    }
    let far = route_with(&json!({"route": {"zzz": 1}})).unwrap_err();
    assert!(!far.message().contains("did you mean"), "{}", far.message());
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    for text in
        ["", "  ", "[]", "\"hi\"", "null", "{", "{\"input\": \"a\"} x", "{'input': 'a'}", "{\"input\": \"\\ud800\"}"]
    {
        let error = parse::<RouteBody>(text).unwrap_err();
        assert_eq!(error.status(), 400, "{text}");
    }
}

#[test]
fn text_parts_are_joined_and_images_demand_vision() {
    let asked = chat(
        r#"{"messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is"},
                {"type": "image_url", "image_url": {"url": "data:,"}},
                {"type": "text", "text": "this?"}
            ]},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "function", "name": "f", "content": "42"}
        ]}"#,
    );
    let prompt = asked.unwrap().prompt;
    let turns: Vec<_> = prompt.turns.iter().map(|t| (t.role, t.text.as_str())).collect();
    let expected =
        [(Role::System, "be brief"), (Role::User, "what is\nthis?"), (Role::Assistant, ""), (Role::Tool, "42")];
    assert_eq!(turns, expected);
    assert!(prompt.requirements.vision);
}

#[test]
fn demands_follow_from_tools_format_and_caps() {
    let demands = |fields: Value| route_with(&fields).unwrap().prompt.requirements;
    assert!(demands(json!({"tools": [{"type": "function"}]})).tools);
    assert!(demands(json!({"functions": [{"name": "f"}]})).tools);
    assert!(!demands(json!({"tools": [], "functions": null})).tools);
    assert!(demands(json!({"response_format": {"type": "json_schema", "json_schema": {}}})).json_schema);
    assert!(demands(json!({"response_format": {"type": "json_object"}})).json_schema);
    assert!(!demands(json!({"response_format": {"type": "text"}})).json_schema);
    assert_eq!(demands(json!({"max_tokens": 5})).max_output_tokens, Some(5));
    assert_eq!(demands(json!({"max_tokens": 5.0})).max_output_tokens, Some(5));
    assert_eq!(demands(json!({"max_tokens": 5, "max_completion_tokens": 6})).max_output_tokens, Some(6));
}

#[test]
fn schemas_of_tools_and_format_are_measured() {
    let bytes = |fields: Value| route_with(&fields).unwrap().prompt.schema_bytes;
    let tool = json!({"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}});
    let schema = json!({"name": "answer", "schema": {"type": "string"}});
    let (of_tool, of_schema) = (tool.to_string().len(), schema.to_string().len());
    assert_eq!(bytes(json!({})), 0);
    assert_eq!(bytes(json!({"tools": [tool, tool]})), 2 * of_tool);
    assert_eq!(bytes(json!({"functions": [tool]})), of_tool);
    let format = json!({"type": "json_schema", "json_schema": schema});
    assert_eq!(bytes(json!({"tools": [tool], "response_format": format})), of_tool + of_schema);
    assert_eq!(bytes(json!({"response_format": {"type": "json_object", "json_schema": null}})), 0);
}

#[test]
fn the_model_field_names_the_router_a_policy_or_a_model() {
    let cases = [
        (json!({}), ModelChoice::Auto, None),
        (json!({"model": null}), ModelChoice::Auto, None),
        (json!({"model": "auto"}), ModelChoice::Auto, None),
        (json!({"model": "auto:q=0.9"}), ModelChoice::Auto, Some(0.9)),
        (json!({"model": "cheap"}), ModelChoice::Policy("cheap".to_owned()), None),
        (json!({"model": "openai/gpt-5"}), ModelChoice::Model("openai/gpt-5".to_owned()), None),
    ];
    for (fields, choice, target) in cases {
        let asked = route_with(&fields).unwrap();
        assert_eq!((asked.choice, asked.options.quality_target.map(Quality::get)), (choice, target), "{fields}");
    }
}

#[test]
fn wishes_reach_the_router() {
    let wishes = json!({"quality_target": 0.7, "mode": "average", "max_cost_usd": 0.01, "max_latency_ms": 900,
                        "models": ["a/*"], "exclude": ["b"], "session_id": "é".repeat(128), "explain": true,
                        "regions": ["eu", "ch"], "data_policy": "no_training"});
    let asked = route_with(&json!({"route": wishes})).unwrap();
    assert!(asked.explain);
    assert_eq!(asked.options.quality_target, Some(Quality::clipped(0.7)));
    assert_eq!(asked.options.mode, Some(DecisionMode::Average));
    assert_eq!(asked.options.max_latency_ms, Some(900.0));
    assert_eq!(asked.options.session_id.as_ref().map(|id| id.as_str().chars().count()), Some(128));
    let DataDemands { regions, policy } = asked.options.data;
    assert_eq!((regions.len(), policy), (2, Some(DataPolicy::NoTraining)));
    assert_eq!((asked.options.models, asked.options.exclude), (vec!["a/*".to_owned()], vec!["b".to_owned()]));
}

#[test]
fn a_user_who_only_attaches_something_is_heard() {
    for part in [json!({"type": "file", "file": {}}), json!({"type": "input_audio", "input_audio": {}})] {
        let asked = route_with(&json!({"input": [{"role": "user", "content": [part]}]})).unwrap();
        assert!(!asked.prompt.requirements.vision, "{part}");
    }
}

#[test]
fn openrouters_models_are_an_allow_list_or_the_fallbacks_of_a_named_model() {
    let options = |fields: Value| route_with(&fields).unwrap().options;
    let list = json!(["a/b", "c/*"]);
    for model in [json!(null), json!("auto"), json!("auto:q=0.5"), json!("cheap")] {
        let options = options(json!({"model": model, "models": list}));
        assert_eq!((options.models.len(), options.fallbacks.len()), (2, 0), "{model}");
    }
    let named = options(json!({"model": "a/b", "models": list}));
    assert_eq!((named.models, named.fallbacks), (Vec::new(), vec!["c/*".to_owned()]));
    assert_eq!(options(json!({"models": []})).models, Vec::<String>::new());
    let both = options(json!({"models": list, "route": {"models": ["c/d", "a/*", "e"]}})).models;
    assert_eq!(both, ["c/d", "a/b"], "what both allow");
    assert_refused(route_with(&json!({"models": list, "route": {"models": ["d"]}})), "models", &"both");
}

#[test]
fn openrouters_provider_is_honoured_or_refused_by_name() {
    let wishes = json!({"order": ["a"], "only": ["a", "b"], "ignore": ["c"], "allow_fallbacks": false, "sort": "price",
                        "max_price": {"prompt": 1, "completion": 2.5}, "data_collection": "allow",
                        "require_parameters": false});
    let providers = route_with(&json!({"provider": wishes})).unwrap().options.providers;
    assert_eq!((providers.order.len(), providers.only.len(), providers.ignore.len()), (1, 2, 1));
    assert!(!providers.allow_fallbacks);
    assert_eq!(providers.max_output_usd_per_million.map(Usd::get), Some(2.5));
    assert_eq!(route_with(&json!({"provider": {}})).unwrap().options.providers, ProviderWishes::default());
    for (provider, asked, policy) in [
        (json!({"data_collection": "allow", "zdr": false}), json!(null), None),
        (json!({"data_collection": "deny"}), json!(null), Some(DataPolicy::NoTraining)),
        (json!({"data_collection": "deny", "zdr": true}), json!(null), Some(DataPolicy::ZeroRetention)),
        (json!({"data_collection": "deny"}), json!("zero_retention"), Some(DataPolicy::ZeroRetention)),
        (json!({"zdr": true}), json!("no_training"), Some(DataPolicy::ZeroRetention)),
    ] {
        let fields = json!({"provider": provider, "route": {"data_policy": asked}});
        assert_eq!(route_with(&fields).unwrap().options.data.policy, policy, "{fields}");
    }
    let cases = [
        (json!("openai"), "provider"),
        (json!({"data_collection": "never"}), "provider.data_collection"),
        (json!({"sort": "latency"}), "provider.sort"),
        (json!({"require_parameters": true}), "provider.require_parameters"),
        (json!({"max_price": {"prompt": -1}}), "provider.max_price.prompt"),
        (json!({"max_price": {"request": 1}}), "provider.max_price.request"),
        (json!({"quantizations": ["fp8"]}), "provider.quantizations"),
        (json!({"zdr": "yes"}), "provider.zdr"),
    ];
    for (provider, param) in &cases {
        assert_refused(route_with(&json!({"provider": provider})), param, provider);
    }
}
