//! The simulator itself.

use super::*;
use serde_json::json;

fn chat(stream: bool) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "What is 2 + 2?"}]});
    if stream {
        (body["stream"], body["stream_options"]) = (json!(true), json!({"include_usage": true}));
    }
    body
}

fn messages(stream: bool) -> Value {
    json!({"model": "m", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "What is 2 + 2?"}]})
}

async fn post(up: &Upstream, path: &str, body: &Value) -> Result<(u16, String), &'static str> {
    post_within(up, path, body, Duration::from_secs(20)).await
}

async fn post_within(up: &Upstream, path: &str, body: &Value, limit: Duration) -> Result<(u16, String), &'static str> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(limit).build().expect("a client");
    let request =
        client.post(format!("{}/{path}", up.url())).bearer_auth("k1").header("anthropic-version", "2023-06-01");
    let answer = request.json(body).send().await.map_err(|_| "no head")?;
    let status = answer.status().as_u16();
    answer.text().await.map(|text| (status, text)).map_err(|_| "broken body")
}

fn data(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

fn said(text: &str) -> String {
    let chunks = data(text).into_iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let pieces = chunks.filter_map(|chunk| {
        let text = chunk["choices"][0]["delta"]["content"].as_str().or(chunk["delta"]["text"].as_str());
        text.map(str::to_owned)
    });
    pieces.collect()
}

const RIGHT: &str = "up answers « What is 2 + 2? » – naïvely, as ever ✓";

#[tokio::test]
async fn both_dialects_answer_whole_and_streamed_with_the_same_usage_as_the_bill() {
    let up = Upstream::start("up", Script::ok()).await;
    let whole: Value =
        serde_json::from_str(&post(&up, "chat/completions", &chat(false)).await.expect("ok").1).expect("JSON");
    assert_eq!(whole["choices"][0]["message"]["content"], RIGHT);
    assert_eq!(whole["usage"]["completion_tokens"], up.bills()["chatcmpl-up-0"].tokens.output);
    let (_, text) = post(&up, "chat/completions", &chat(true)).await.expect("ok");
    assert_eq!((said(&text).as_str(), data(&text).last()), (RIGHT, Some(&"[DONE]")));
    let usage: Value = serde_json::from_str(data(&text)[data(&text).len() - 2]).expect("JSON");
    assert_eq!(usage["usage"]["prompt_tokens"], up.bills()["chatcmpl-up-1"].tokens.input);
    let whole: Value =
        serde_json::from_str(&post(&up, "messages", &messages(false)).await.expect("ok").1).expect("JSON");
    assert_eq!(whole["content"][0]["text"], RIGHT);
    let (_, text) = post(&up, "messages", &messages(true)).await.expect("ok");
    assert_eq!(said(&text), RIGHT);
    let last: Value = serde_json::from_str(data(&text).last().expect("events")).expect("JSON");
    assert_eq!(last["type"], "message_stop");
    assert!(up.bills().values().all(|bill| bill.delivered));
    assert_eq!((up.bills().len(), up.keys()), (4, vec!["k1".to_owned(); 4]));
}

#[tokio::test]
async fn every_fault_goes_wrong_as_it_says() {
    let rejected = Fault::Rejected(413, "too large");
    let cases = [
        (Fault::Slow(20), Ok(200), Ok(200)),
        (Fault::RateLimited { retry_after: Some(3) }, Ok(429), Ok(429)),
        (Fault::ServerError(529), Ok(529), Ok(529)),
        (Fault::Refused(401), Ok(401), Ok(401)),
        (rejected, Ok(413), Ok(413)),
        (Fault::Hang, Err("no head"), Err("no head")),
        (Fault::HangAfterHead, Err("broken body"), Err("broken body")),
        (Fault::HangAfterFirst, Err("broken body"), Err("broken body")),
        (Fault::ResetBeforeHead, Err("no head"), Err("no head")),
        (Fault::ResetMidStream, Err("broken body"), Err("broken body")),
        (Fault::EndMidStream, Err("broken body"), Ok(200)),
        (Fault::TruncatedJson, Ok(200), Ok(200)),
        (Fault::WrongContentType, Ok(200), Ok(200)),
        (Fault::DripFeed, Ok(200), Ok(200)),
        (Fault::HugeAnswer(10 << 20), Ok(200), Ok(200)),
        (Fault::ErrorIn200, Ok(200), Ok(200)),
        (Fault::ErrorEventMidStream, Ok(200), Ok(200)),
        (Fault::StreamWithoutDone, Ok(200), Ok(200)),
    ];
    for (fault, whole, streamed) in cases {
        let limit = Duration::from_millis(if fault.hangs() { 100 } else { 20_000 });
        for (stream, expected) in [(false, whole), (true, streamed)] {
            for (path, body) in [("chat/completions", chat(stream)), ("messages", messages(stream))] {
                let up = Upstream::start("up", Script::always(fault.clone())).await;
                let got = post_within(&up, path, &body, limit).await;
                assert_eq!(
                    got.as_ref().map(|(status, _)| *status).map_err(|e| *e),
                    expected,
                    "{fault:?} {path} {stream}"
                );
                let right = got.is_ok_and(|(_, text)| is_right(&text, stream, &fault));
                assert_eq!(right, fault.answers(stream), "{fault:?} {path} {stream}");
                let delivered = up.bills().values().filter(|bill| bill.delivered).count();
                let whole_story = fault.answers(stream) || fault == Fault::StreamWithoutDone;
                assert_eq!(delivered, usize::from(whole_story), "{fault:?} {path} {stream}");
            }
        }
    }
}

fn is_right(text: &str, stream: bool, fault: &Fault) -> bool {
    if let Fault::HugeAnswer(bytes) = fault {
        return text.len() > *bytes;
    }
    if stream {
        let ends = ["[DONE]", r#"{"type":"message_stop"}"#];
        return said(text) == RIGHT && data(text).last().is_some_and(|last| ends.contains(last));
    }
    serde_json::from_str::<Value>(text).is_ok() && text.contains(RIGHT)
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_noticed() {
    let up = Upstream::start("up", Script::queue([Fault::Hang, Fault::HangAfterFirst])).await;
    for stream in [false, true] {
        let _ = post_within(&up, "chat/completions", &chat(stream), Duration::from_millis(100)).await;
    }
    up.until("both abandoned", |seen| seen.iter().filter(|s| s.end == End::Abandoned).count() == 2).await;
}

#[tokio::test]
async fn a_stopped_provider_refuses_connections() {
    let mut up = Upstream::start("up", Script::ok()).await;
    up.stop().await;
    assert_eq!(post(&up, "chat/completions", &chat(false)).await, Err("no head"));
}

#[tokio::test]
async fn tools_are_called_and_their_results_read() {
    let up = Upstream::start("up", Script::ok()).await;
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let mut body = chat(false);
    body["messages"][0]["content"] = json!("Weather in both?");
    body["tools"] = json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}]);
    let answer: Value = serde_json::from_str(&post(&up, "chat/completions", &body).await.expect("ok").1).expect("JSON");
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["tool_calls"].as_array().map(Vec::len), Some(2));
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"city":"Zürich"}"#);
    let all = body["messages"].as_array_mut().expect("messages");
    all.push(message.clone());
    all.push(json!({"role": "tool", "tool_call_id": "call_up_0_0", "content": "sun"}));
    assert_eq!(post(&up, "chat/completions", &body).await.map(|(status, _)| status), Ok(400), "one call is unanswered");
    let all = body["messages"].as_array_mut().expect("messages");
    all.push(json!({"role": "tool", "tool_call_id": "call_up_0_1", "content": "rain"}));
    let (_, text) = post(&up, "chat/completions", &body).await.expect("ok");
    assert!(text.contains("results: sun · rain"), "{text}");
}

#[tokio::test]
async fn what_a_provider_refuses_is_refused() {
    let up = Upstream::start("up", Script::ok()).await;
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let bad = [
        ("chat/completions", with(chat(false), "route", json!({}))),
        ("chat/completions", with(chat(false), "stream_options", json!({"include_usage": true}))),
        ("chat/completions", with(chat(false), "model", json!("auto"))),
        ("messages", with(messages(false), "max_tokens", json!(null))),
        ("messages", with(messages(false), "n", json!(2))),
        ("messages", with(messages(false), "messages", json!([]))),
    ];
    for (path, body) in bad {
        let got = post(&up, path, &body).await;
        assert_eq!(got.as_ref().map(|(status, _)| *status), Ok(400), "{body}");
    }
    assert!(up.bills().is_empty());
    assert_eq!(post(&up, "elsewhere", &chat(false)).await.map(|(status, _)| status), Ok(404));
}

#[tokio::test]
async fn embeddings_come_as_numbers_and_as_base64() {
    let up = Upstream::start("up", Script::ok()).await;
    let body = json!({"model": "m", "input": ["a", "b"], "dimensions": 3});
    let answer: Value = serde_json::from_str(&post(&up, "embeddings", &body).await.expect("ok").1).expect("JSON");
    assert_eq!(answer["data"][1]["embedding"].as_array().map(Vec::len), Some(3));
    let body = json!({"model": "m", "input": "a", "dimensions": 1, "encoding_format": "base64"});
    let answer: Value = serde_json::from_str(&post(&up, "embeddings", &body).await.expect("ok").1).expect("JSON");
    assert_eq!(answer["data"][0]["embedding"], "AAAAPw==", "0.5 in little-endian bytes");
}

#[test]
fn a_mix_keeps_its_shares_and_its_seed() {
    let script = || Script::mix(7, [(0.1, Fault::Hang), (0.2, Fault::DripFeed)]);
    let drawn = |mut script: Script| (0..10_000).map(|_| script.next(None)).collect::<Vec<_>>();
    let faults = drawn(script());
    let share = |fault: Fault| faults.iter().filter(|f| **f == fault).count() as f64 / 1e4;
    // Four standard deviations of a share of 0.2 among 10,000 are 0.016.
    assert!((share(Fault::Hang) - 0.1).abs() < 0.016 && (share(Fault::DripFeed) - 0.2).abs() < 0.016);
    assert_eq!(faults, drawn(script()));
    let mut keyed = script().with_key("bad", Fault::Refused(401));
    assert_eq!(keyed.next(Some("bad")), Fault::Refused(401));
}
