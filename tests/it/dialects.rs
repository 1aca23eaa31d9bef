//! Callers of every dialect: whole and streamed answers, and errors as their clients know them.

use crate::support::{Answer, Make, TestApp, request};
use axum::{body::Body, http::Method};
use satisfice::gateway::SimulatedWorld;
use serde_json::{Value, json};
use std::time::Duration;

const STEADY: &str = "simulated/steady";
const BROKEN: &str = "simulated/broken";

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    Chat,
    Messages,
    Responses,
}

use Speech::{Chat, Messages, Responses};

const ALL: [Speech; 3] = [Chat, Messages, Responses];

impl Speech {
    const fn path(self) -> &'static str {
        match self {
            Chat => "/v1/chat/completions",
            Messages => "/v1/messages",
            Responses => "/v1/responses",
        }
    }

    /// A question to the model that never fails, with further fields.
    fn body(self, fields: &Value) -> Value {
        let question = [json!({"role": "user", "content": "What is 2 + 2?"})];
        let mut body = match self {
            Chat => json!({"messages": question}),
            Messages => json!({"messages": question, "max_tokens": 1000}),
            Responses => json!({"input": question}),
        };
        body["model"] = json!(STEADY);
        for (field, value) in fields.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        body
    }

    /// A tool as this dialect has it.
    fn tool(self) -> Value {
        let schema = json!({"type": "object", "properties": {}});
        match self {
            Chat => json!({"type": "function", "function": {"name": "rain", "parameters": schema}}),
            Messages => json!({"name": "rain", "input_schema": schema}),
            Responses => json!({"type": "function", "name": "rain", "parameters": schema}),
        }
    }

    /// Id, model, text, and input and output tokens of a whole answer.
    fn told(self, answer: &Value) -> (String, String, String, [u64; 2]) {
        let (text, input, output) = match self {
            Chat => (&answer["choices"][0]["message"]["content"], "prompt_tokens", "completion_tokens"),
            Messages => (&answer["content"][0]["text"], "input_tokens", "output_tokens"),
            Responses => (&answer["output"][0]["content"][0]["text"], "input_tokens", "output_tokens"),
        };
        let read = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let tokens = [input, output].map(|field| answer["usage"][field].as_u64().expect("tokens"));
        (read(&answer["id"]), read(&answer["model"]), read(text), tokens)
    }

    /// The text of a stream.
    fn heard(self, events: &[Value]) -> String {
        let pointer = match self {
            Chat => "/choices/0/delta/content",
            Messages => "/delta/text",
            Responses => "/delta",
        };
        events.iter().filter_map(|event| event.pointer(pointer)?.as_str()).collect()
    }

    async fn ask(self, app: &TestApp, fields: Value) -> Answer {
        app.post(self.path(), &self.body(&fields)).await
    }
}

/// The data of each event.
fn events(answer: &Answer) -> Vec<Value> {
    let lines = answer.text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

async fn record(app: &TestApp, answer: &Answer) -> Value {
    let id = answer.header("x-satisfice-decision-id").unwrap_or_else(|| panic!("no decision: {}", answer.text));
    app.get(&format!("/v1/decisions/{id}")).await.json()
}

/// Checks that an error has the envelope of this dialect.
#[track_caller]
fn assert_told_in(speech: Speech, answer: &Answer, status: u16, openais: &str, anthropics: &str) {
    assert_eq!(answer.status, status, "{speech:?}: {}", answer.text);
    let body = answer.json();
    let kind = if speech == Messages { anthropics } else { openais };
    assert_eq!(body["error"]["type"], kind, "{speech:?}: {body}");
    assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    let id = answer.header("x-request-id").expect("an id");
    if speech == Messages {
        assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!(id)));
        assert_eq!(answer.header("request-id"), Some(id));
    } else {
        assert!(body.get("type").is_none() && answer.header("request-id").is_none(), "{body}");
    }
}

#[tokio::test]
async fn a_whole_answer_agrees_with_header_and_log_in_every_dialect() {
    let app = TestApp::start().await;
    for speech in ALL {
        for model in [STEADY, "auto"] {
            let answer = speech.ask(&app, json!({"model": model, "route": {"models": [STEADY]}})).await;
            assert_eq!(answer.status, 200, "{speech:?}: {}", answer.text);
            let (id, named, text, tokens) = speech.told(&answer.json());
            assert_eq!((named.as_str(), answer.header("x-satisfice-model")), (STEADY, Some(STEADY)));
            assert!(text.contains("What is 2 + 2?"), "{text}");
            assert_eq!(answer.header("x-satisfice-attempts"), Some("1"));
            assert!(answer.header("x-satisfice-cost-usd").is_some());
            let outcome = &record(&app, &answer).await["outcomes"][0];
            assert!(id.ends_with(outcome["completion_id"].as_str().expect("an id")), "{id} {outcome}");
            assert_eq!([&outcome["input_tokens"], &outcome["output_tokens"]], tokens.map(Value::from).each_ref());
            assert_eq!(outcome["status"], "ok");
        }
    }
}

#[tokio::test]
async fn a_stream_tells_the_same_as_a_whole_answer_and_ends_as_its_dialect_has_it() {
    let app = TestApp::start().await;
    for (speech, last) in [
        (Chat, "data: [DONE]"),
        (Messages, "data: {\"type\":\"message_stop\"}"),
        (Responses, "\"type\":\"response.completed\"}"),
    ] {
        let answer = speech.ask(&app, json!({"stream": true})).await;
        assert_eq!(answer.status, 200, "{speech:?}: {}", answer.text);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.header("x-satisfice-model"), Some(STEADY));
        assert!(answer.text.trim_end().ends_with(last), "{speech:?}: {}", answer.text);
        let heard = speech.heard(&events(&answer));
        assert!(heard.contains("What is 2 + 2?") && heard.starts_with("[simulated]"), "{speech:?}: {heard}");
        let outcomes = &record(&app, &answer).await["outcomes"];
        assert_eq!((outcomes.as_array().map(Vec::len), &outcomes[0]["status"]), (Some(1), &json!("ok")));
    }
}

#[tokio::test]
async fn tokens_are_told_at_the_end_of_a_stream_to_those_who_know_them() {
    let app = TestApp::start().await;
    let last = async |speech: Speech, fields: Value| {
        let mut fields = fields;
        fields["stream"] = json!(true);
        events(&speech.ask(&app, fields).await).pop().expect("events")
    };
    let asked = json!({"stream_options": {"include_usage": true}});
    assert!(last(Chat, asked).await["usage"]["completion_tokens"].is_u64());
    assert!(last(Chat, json!({})).await.get("usage").is_none());
    assert!(last(Responses, json!({})).await["response"]["usage"]["output_tokens"].is_u64());
    let streamed = Messages.ask(&app, json!({"stream": true})).await;
    let ends = events(&streamed).into_iter().find(|event| event["type"] == "message_delta").expect("an end");
    assert!(ends["usage"]["output_tokens"].as_u64() > Some(0), "{ends}");
}

#[tokio::test]
async fn an_error_is_told_in_the_callers_dialect() {
    let app = TestApp::start().await;
    for speech in ALL {
        let unknown = speech.ask(&app, json!({"model": "openai/gpt-2"})).await;
        assert_told_in(speech, &unknown, 404, "not_found_error", "not_found_error");
        assert_eq!(unknown.error().1, "model_not_found");
        for stream in [false, true] {
            let broken = speech.ask(&app, json!({"model": BROKEN, "stream": stream})).await;
            assert_told_in(speech, &broken, 502, "server_error", "api_error");
            assert_eq!(record(&app, &broken).await["outcomes"][0]["status"], "upstream_error");
        }
        let wrong = speech.ask(&app, json!({"route": {"mode": "flor"}})).await;
        assert_told_in(speech, &wrong, 400, "invalid_request_error", "invalid_request_error");
        assert_eq!(wrong.error().2.as_deref(), Some("route.mode"));
        let large = speech.ask(&app, json!({"user": "x".repeat(100_001)})).await;
        assert_told_in(speech, &large, 413, "invalid_request_error", "request_too_large");
        let method = app.get(speech.path()).await;
        assert_told_in(speech, &method, 405, "invalid_request_error", "invalid_request_error");
        assert_eq!(method.header("allow"), Some("POST"));
        let nowhere = app.get(&format!("{}/nowhere", speech.path())).await;
        assert_told_in(speech, &nowhere, 404, "not_found_error", "not_found_error");
        let text = request(Method::POST, speech.path()).body(Body::from("{'a': 1}")).expect("a request");
        assert_told_in(speech, &app.send(text).await, 400, "invalid_request_error", "invalid_request_error");
    }
}

#[tokio::test]
async fn an_answer_names_its_request_where_its_clients_look_for_it() {
    let app = TestApp::start().await;
    for speech in ALL {
        let answer = speech.ask(&app, json!({})).await;
        let id = answer.header("x-request-id").expect("an id");
        assert_eq!(answer.header("request-id"), (speech == Messages).then_some(id));
    }
}

#[tokio::test]
async fn a_caller_may_shorten_the_time_that_an_answer_may_take() {
    let world = SimulatedWorld { speed: 1e-9, seed: 1 };
    let app = TestApp::make(Make { world, timeout: Duration::from_secs(600), ..Make::default() }).await;
    for speech in ALL {
        let request = request(Method::POST, speech.path()).header("x-satisfice-timeout-ms", "500");
        let answer = app.send(request.body(Body::from(speech.body(&json!({})).to_string())).expect("a request")).await;
        assert_told_in(speech, &answer, 504, "server_error", "timeout_error");
        assert_eq!(record(&app, &answer).await["outcomes"][0]["status"], "timeout");
    }
}

#[tokio::test]
async fn tools_go_to_models_that_call_them_and_foreign_ones_are_refused() {
    let app = TestApp::start().await;
    for speech in ALL {
        let tools = [speech.tool()];
        let unable = speech.ask(&app, json!({"tools": tools})).await;
        assert_told_in(speech, &unable, 400, "invalid_request_error", "invalid_request_error");
        assert_eq!(unable.error().1, "model_not_suitable");
        assert!(unable.text.contains("can't call tools"), "{}", unable.text);
        let able = app.post("/v1/route", &json!({"input": "hi", "tools": [Chat.tool()]})).await.json();
        let able = speech.ask(&app, json!({"tools": tools, "model": able["model"]})).await;
        // The simulated models fail now and then.
        assert!(able.status == 200 || able.error().1 == "upstream_error", "{speech:?}: {}", able.text);
    }
    for (speech, tool) in [
        (Messages, json!({"type": "web_search_20250305", "name": "web_search"})),
        (Responses, json!({"type": "web_search"})),
    ] {
        let refused = speech.ask(&app, json!({"tools": [tool]})).await;
        assert_told_in(speech, &refused, 400, "invalid_request_error", "invalid_request_error");
        assert_eq!(refused.error().2.as_deref(), Some("tools[0].type"));
    }
}

#[tokio::test]
async fn what_cant_be_had_here_is_refused_by_the_callers_name_for_it() {
    let app = TestApp::start().await;
    let cases = [
        (Messages, json!({"mcp_servers": [{"url": "x"}]}), "mcp_servers"),
        (Messages, json!({"max_tokens": 0}), "max_tokens"),
        (Messages, json!({"messages": [{"role": "user", "content": " "}]}), "messages"),
        (Responses, json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (Responses, json!({"background": true}), "background"),
        (Responses, json!({"max_output_tokens": 0}), "max_output_tokens"),
        (Responses, json!({"input": " "}), "input"),
    ];
    for (speech, fields, param) in cases {
        let refused = speech.ask(&app, fields.clone()).await;
        assert_told_in(speech, &refused, 400, "invalid_request_error", "invalid_request_error");
        assert_eq!(refused.error().2.as_deref(), Some(param), "{fields}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_header_names_the_session_unless_the_body_does() {
    let app = TestApp::start().await;
    for speech in ALL {
        for (fields, session) in [(json!({}), "header"), (json!({"route": {"session_id": "body"}}), "body")] {
            let request = request(Method::POST, speech.path()).header("x-satisfice-session", "header");
            let request = request.body(Body::from(speech.body(&fields).to_string())).expect("a request");
            assert_eq!(record(&app, &app.send(request).await).await["session_id"], session, "{speech:?}");
        }
        let request = request(Method::POST, speech.path()).header("x-satisfice-session", "é".repeat(129));
        let refused = app.send(request.body(Body::from(speech.body(&json!({})).to_string())).expect("a request")).await;
        assert_eq!((refused.status.as_u16(), refused.error().2.as_deref()), (400, Some("x-satisfice-session")));
    }
}

#[tokio::test]
async fn openrouters_fields_choose_who_serves() {
    let app = TestApp::start().await;
    for speech in ALL {
        let listed = speech.ask(&app, json!({"model": "auto", "models": [STEADY]})).await;
        assert_eq!(listed.header("x-satisfice-model"), Some(STEADY), "{}", listed.text);
        let served = speech.ask(&app, json!({"provider": {"only": ["Simulated"], "ignore": ["openai"]}})).await;
        assert_eq!(served.status, 200, "{}", served.text);
        for provider in [
            json!({"only": ["openai"]}),
            json!({"ignore": ["simulated"]}),
            json!({"order": ["openai"], "allow_fallbacks": false}),
            json!({"max_price": {"prompt": 0.5}}),
        ] {
            let refused = speech.ask(&app, json!({"model": "auto", "models": [STEADY], "provider": provider})).await;
            assert_eq!((refused.status.as_u16(), refused.error().1.as_str()), (400, "no_eligible_model"), "{provider}");
        }
        let denied = speech.ask(&app, json!({"provider": {"data_collection": "never"}})).await;
        assert_eq!(denied.error().2.as_deref(), Some("provider.data_collection"));
    }
    let wishes = json!({"input": "hi", "provider": {"allow_fallbacks": false}});
    assert_eq!(app.post("/v1/route", &wishes).await.json()["fallbacks"], json!([]));
}

#[tokio::test]
async fn a_named_model_has_the_fallbacks_that_its_caller_names() {
    let app = TestApp::start().await;
    let decide = async |fields: Value| {
        let mut body = fields;
        (body["input"], body["route"]) = (json!("hi"), json!({"explain": true}));
        app.post("/v1/route", &body).await
    };
    assert_eq!(
        decide(json!({"model": STEADY})).await.json()["fallbacks"],
        json!([]),
        "a model that was named is meant"
    );
    let list = json!([STEADY, "simulated/large", "simulated/s*"]);
    let decision = decide(json!({"model": STEADY, "models": list})).await.json();
    assert_eq!(decision["model"], STEADY);
    assert_eq!(decision["fallbacks"], json!(["simulated/large", "simulated/small"]));
    let candidates = decision["candidates"].as_array().expect("candidates");
    assert!(candidates.iter().all(|c| c["propensity"] == json!(f64::from(c["model"] == STEADY))), "{candidates:?}");
    let unknown = decide(json!({"model": STEADY, "models": ["openai/gpt-2"]})).await;
    assert_eq!((unknown.status.as_u16(), unknown.error().1.as_str()), (404, "model_not_found"));
}

#[tokio::test]
async fn tokens_are_estimated_and_nothing_is_spent() {
    let app = TestApp::start().await;
    let count = async |fields: Value| {
        let mut body = json!({"model": "auto", "messages": [{"role": "user", "content": "four words of text"}]});
        for (field, value) in fields.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        app.post("/v1/messages/count_tokens", &body).await
    };
    let plain = count(json!({})).await;
    assert_eq!(plain.status, 200, "{}", plain.text);
    assert_eq!(plain.json(), json!({"input_tokens": 18 / 4 + 4 + 3}));
    assert!(plain.header("x-satisfice-decision-id").is_none());
    let more = count(json!({"system": "x".repeat(400), "tools": [Messages.tool()]})).await.json();
    assert!(more["input_tokens"].as_u64() > Some(110), "{more}");
    let wrong = count(json!({"messages": []})).await;
    assert_told_in(Messages, &wrong, 400, "", "invalid_request_error");
}

#[tokio::test]
async fn embeddings_are_made_by_a_model_that_is_named_and_embeds() {
    let app = TestApp::start().await;
    let embed = async |model: &str| app.post("/v1/embeddings", &json!({"model": model, "input": "hi"})).await;
    for model in ["auto", "careful", STEADY] {
        let refused = embed(model).await;
        let expected = ("invalid_request_error".to_owned(), "model_not_suitable".to_owned(), Some("model".to_owned()));
        assert_eq!((refused.status.as_u16(), refused.error()), (400, expected), "{model}");
    }
    let unknown = embed("openai/gpt-2").await;
    assert_eq!((unknown.status.as_u16(), unknown.error().1.as_str()), (404, "model_not_found"));
    let empty = app.post("/v1/embeddings", &json!({"model": "auto", "input": []})).await;
    assert_eq!((empty.status.as_u16(), empty.error().2.as_deref()), (400, Some("input")));
}
