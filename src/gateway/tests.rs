use super::{sse::EventSplitter, *};
use crate::{
    catalog::{Catalog, ModelEntry},
    dialect::Wire,
    domain::{DecisionId, Difficulty, Quality, TaskType, Usd},
};
use futures::StreamExt;
use serde_json::{Value, json};
use uuid::Uuid;

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn call(stream: bool, n: u128) -> ChatCall {
    call_with(stream, n, json!({}))
}

/// The same with further fields.
fn call_with(stream: bool, n: u128, fields: Value) -> ChatCall {
    let mut body = json!({"messages": [{"role": "user", "content": "Say hello, please"}]});
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    ChatCall {
        wire: Wire::Chat,
        body: Arc::new(body.as_object().cloned().unwrap_or_default()),
        native: None,
        anthropic_beta: None,
        stream,
        wants_usage: false,
        decision: decision(n),
        task: TaskType::ChatRoleplay,
        difficulty: Difficulty::clipped(0.1),
        deadline: None,
        gate: Arc::new(OpenGate),
    }
}

fn model(id: &str) -> ModelEntry {
    let catalog = Catalog::builtin().expect("the built-in catalogue parses");
    catalog.model(&id.into()).cloned().expect("the model is built in")
}

fn leg(model: &ModelEntry, dialect: Dialect) -> Leg<'_> {
    Leg { model, dialect, expected_cost: Usd::ZERO }
}

const INSTANT: SimulatedWorld = SimulatedWorld { speed: 0.0, seed: 1 };

#[test]
fn events_are_whole_however_the_bytes_arrive() {
    let text = b": comment\n\ndata: {\"a\":1}\n\nevent: x\r\ndata: one\r\ndata: two\r\n\r\ndata: [DONE]\n\n";
    for size in 1..text.len() {
        let mut splitter = EventSplitter::default();
        let mut events = Vec::new();
        for bytes in text.chunks(size) {
            splitter.push(bytes).expect("far below the limit");
            while let Some(data) = splitter.next_data() {
                events.push(String::from_utf8_lossy(&data).into_owned());
            }
        }
        assert_eq!(events, ["{\"a\":1}", "one\ntwo", "[DONE]"], "in pieces of {size}");
        assert!(!splitter.is_torn());
    }
}

#[test]
fn an_event_without_end_is_refused() {
    let mut splitter = EventSplitter::default();
    let piece = vec![b'x'; 1 << 20];
    assert!((0..16).any(|_| splitter.push(&piece).is_err()));
}

#[tokio::test]
async fn simulated_answers_say_so_and_name_the_model() {
    let model = model("simulated/small");
    let reply = INSTANT.chat(&model, &call(false, 7)).await.expect("this draw does not fail");
    let ChatReply::Whole { body: Told::Hub(body), usage } = reply else { panic!("a whole answer was asked for") };
    assert_eq!(body["model"], "simulated/small");
    assert_eq!(body["simulated"], true);
    assert!(body["choices"][0]["message"]["content"].as_str().is_some_and(|t| t.starts_with("[simulated]")));
    assert!(usage.is_counted());
}

/// What a simulated model says, whole and put together from its stream.
async fn said(fields: Value) -> [Value; 2] {
    let model = model("simulated/small");
    let whole = INSTANT.chat(&model, &call_with(false, 7, fields.clone())).await.expect("this draw does not fail");
    let ChatReply::Whole { body: Told::Hub(body), .. } = whole else { panic!("a whole answer was asked for") };
    let stream = INSTANT.chat(&model, &call_with(true, 7, fields)).await.expect("this draw does not fail");
    let ChatReply::Stream(items) = stream else { panic!("a stream was asked for") };
    let (mut text, mut call, mut finish) = (String::new(), json!({}), Value::Null);
    for item in items.map(|item| item.expect("it does not break")).collect::<Vec<_>>().await {
        let StreamItem::Piece(Told::Hub(chunk)) = item else { continue };
        let choice = &chunk["choices"][0];
        let function = &choice["delta"]["tool_calls"][0]["function"];
        text += choice["delta"]["content"].as_str().or(function["arguments"].as_str()).unwrap_or_default();
        if function["name"].is_string() {
            call = function.clone();
        }
        finish = choice["finish_reason"].clone();
    }
    let name = call["name"].clone();
    let message = &body["choices"][0]["message"];
    let function = &message["tool_calls"][0]["function"];
    let whole_text = message["content"].as_str().or(function["arguments"].as_str()).unwrap_or_default();
    [
        json!({"text": whole_text, "tool": function["name"], "finish": body["choices"][0]["finish_reason"]}),
        json!({"text": text, "tool": name, "finish": finish}),
    ]
}

#[tokio::test]
async fn simulated_answers_are_json_where_json_is_asked_for() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                        "required": ["city", "days"], "additionalProperties": false});
    let named = json!({"type": "json_schema", "json_schema": {"name": "trip", "schema": schema}});
    for answer in said(json!({"response_format": named})).await {
        let text: Value = serde_json::from_str(answer["text"].as_str().unwrap_or_default()).expect("JSON");
        assert_eq!((text, &answer["finish"]), (json!({"city": "sample", "days": 1}), &json!("stop")));
    }
    for answer in said(json!({"response_format": {"type": "json_object"}})).await {
        let text: Value = serde_json::from_str(answer["text"].as_str().unwrap_or_default()).expect("JSON");
        assert!(text["simulated"].as_str().is_some_and(|text| text.starts_with("[simulated]")), "{text}");
    }
}

#[tokio::test]
async fn simulated_answers_call_the_tool_that_must_be_called_and_no_other() {
    let tool = |name: &str, field: &str| {
        let parameters = json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    let tools = json!([tool("weather", "city"), tool("time", "zone")]);
    let named = json!({"type": "function", "function": {"name": "time"}});
    let cases = [(json!("required"), "weather", json!({"city": "sample"})), (named, "time", json!({"zone": "sample"}))];
    for (choice, name, arguments) in cases {
        for answer in said(json!({"tools": tools, "tool_choice": choice})).await {
            let given: Value = serde_json::from_str(answer["text"].as_str().unwrap_or_default()).expect("JSON");
            assert_eq!((&answer["tool"], given), (&json!(name), arguments.clone()), "{choice}");
            assert_eq!(answer["finish"], "tool_calls");
        }
    }
    for answer in said(json!({"tools": tools, "tool_choice": "auto"})).await {
        assert!(answer["text"].as_str().is_some_and(|text| text.starts_with("[simulated]")), "{answer}");
    }
}

#[tokio::test]
async fn calls_are_counted_and_without_access_there_is_none() {
    let gateway = Gateway::new(BTreeMap::new(), [], INSTANT, GatewayOptions::default()).expect("a client");
    let model = model("simulated/small");
    let forwarded = gateway.chat(&[leg(&model, Dialect::Simulated)], &call(false, 7)).await;
    assert!(forwarded.attempts.len() == 1 && forwarded.reply.is_ok());
    let forwarded = gateway.chat(&[leg(&model, Dialect::OpenAi)], &call(false, 7)).await;
    assert!(forwarded.attempts.is_empty());
    assert!(matches!(forwarded.reply, Err(GatewayError::NoAccess(provider)) if provider == "simulated"));
}

#[tokio::test]
async fn a_provider_that_misses_the_deadline_has_timed_out() {
    let never = SimulatedWorld { speed: 1e-9, seed: 1 };
    let gateway = Gateway::new(BTreeMap::new(), [], never, GatewayOptions::default()).expect("a client");
    for stream in [false, true] {
        let call = ChatCall { deadline: Some(Instant::now()), ..call(stream, 7) };
        let forwarded = gateway.chat(&[leg(&model("simulated/small"), Dialect::Simulated)], &call).await;
        assert_eq!(forwarded.attempts.len(), 1);
        assert!(matches!(forwarded.reply, Err(GatewayError::Timeout { .. })));
    }
}

#[tokio::test]
async fn simulated_streams_carry_the_same_text_and_end() {
    let model = model("simulated/small");
    let ChatReply::Stream(items) = INSTANT.chat(&model, &call(true, 7)).await.expect("this draw does not fail") else {
        panic!("a stream was asked for")
    };
    let items: Vec<_> = items.map(|item| item.expect("no fault in this stream")).collect().await;
    let text: String = items
        .iter()
        .filter_map(|item| match item {
            StreamItem::Piece(Told::Hub(chunk)) => Some(chunk),
            _ => None,
        })
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert!(text.starts_with("[simulated]") && text.contains("Say hello"), "{text}");
    assert_eq!(items.last(), Some(&StreamItem::End));
}

#[tokio::test]
async fn simulated_failures_come_at_the_stated_rate() {
    let mut model = model("simulated/small");
    model.simulated.as_mut().expect("it is simulated").failure_rate = 0.2;
    let mut failures = 0;
    for n in 0..1000 {
        failures += u32::from(INSTANT.chat(&model, &call(false, n)).await.is_err());
    }
    // Three standard deviations of a binomial with n = 1000, p = 0.2 are 38.
    assert!((162..=238).contains(&failures), "{failures}");
}

#[test]
fn abler_models_score_better_and_scores_repeat() {
    let mean = |id: &str, difficulty: f64| {
        let model = model(id);
        let truth = model.simulated.as_ref().expect("it is simulated");
        let score = |n| staging_score(truth, TaskType::KnowledgeQa, Difficulty::clipped(difficulty), 3, decision(n));
        assert_eq!(score(5), score(5));
        (0..500).map(|n| score(n).get()).sum::<f64>() / 500.0
    };
    assert!(mean("simulated/frontier", 0.9) > mean("simulated/tiny", 0.9) + 0.3);
    assert!(mean("simulated/tiny", 0.05) > mean("simulated/tiny", 0.9) + 0.3);
    assert!(Quality::new(mean("simulated/large", 0.5)).is_ok());
}
