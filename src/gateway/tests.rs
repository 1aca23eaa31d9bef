use super::{sse::EventSplitter, *};
use crate::{
    catalog::{Catalog, ModelEntry},
    dialect::Wire,
    domain::{DecisionId, Difficulty, Quality, TaskType, Usd},
};
use futures::StreamExt;
use uuid::Uuid;

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn call(stream: bool, n: u128) -> ChatCall {
    let body = serde_json::json!({"messages": [{"role": "user", "content": "Say hello, please"}]});
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
