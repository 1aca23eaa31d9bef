//! Thousands of requests while providers fail at random: every answer is billed once, every request has one outcome.
//!
//! `FAULT_REQUESTS` sets their number.

use crate::{
    gateway_app::{GatewayApp, GatewayMake, Story, Wire},
    upstream::{Bill, Dice, Fault, Script},
};
use futures::{StreamExt, stream};
use serde_json::json;
use std::{collections::BTreeMap, time::Instant};

/// Enough for every fault to meet both forms and dialects many times; about ten seconds of an unoptimised build.
const REQUESTS: usize = 1500;
const CONCURRENCY: usize = 32;

/// A fifth of all calls go wrong. No key is ever put to rest: that would be a test of resting.
fn mix(seed: u64) -> Script {
    let shares = [
        (0.030, Fault::ServerError(500)),
        (0.020, Fault::ServerError(503)),
        (0.010, Fault::ServerError(529)),
        (0.030, Fault::RateLimited { retry_after: Some(0) }),
        (0.010, Fault::Rejected(404, "The model does not exist")),
        (0.020, Fault::ResetBeforeHead),
        (0.020, Fault::ResetMidStream),
        (0.010, Fault::EndMidStream),
        (0.010, Fault::TruncatedJson),
        (0.010, Fault::WrongContentType),
        (0.010, Fault::ErrorIn200),
        (0.010, Fault::ErrorEventMidStream),
        (0.005, Fault::StreamWithoutDone),
        (0.002, Fault::Hang),
        (0.002, Fault::HangAfterHead),
        (0.001, Fault::HangAfterFirst),
        // These go well, in their way.
        (0.020, Fault::Slow(30)),
        (0.010, Fault::DripFeed),
        (0.001, Fault::HugeAnswer(1 << 20)),
    ];
    Script::mix(seed, shares)
}

/// Probability that a call gives no answer, and that it breaks when it is too late for another.
fn faults() -> (f64, f64) {
    let draws = 100_000;
    let mut script = mix(0);
    let drawn: Vec<Fault> = (0..draws).map(|_| script.next(None)).collect();
    let share = |holds: &dyn Fn(&Fault) -> bool| drawn.iter().filter(|f| holds(f)).count() as f64 / f64::from(draws);
    (share(&|fault| !fault.answers(true)), share(&Fault::is_late))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_lost_or_billed_twice_while_a_fifth_of_all_calls_fail() {
    let requests = std::env::var("FAULT_REQUESTS").ok().and_then(|n| n.parse().ok()).unwrap_or(REQUESTS);
    // Nothing but the faults that hang may meet these limits, on however busy a machine.
    let limits = [("first_token_timeout_ms", "4000"), ("answer_timeout_ms", "4000"), ("idle_timeout_ms", "4000")];
    let app = GatewayApp::make(GatewayMake::scripts([1, 2, 3].map(mix)).with(&limits)).await;
    let begun = Instant::now();
    let stories: Vec<(bool, Story)> =
        stream::iter(0..requests).map(|n| request(&app, n)).buffer_unordered(CONCURRENCY).collect().await;
    let answered: Vec<&Story> = stories.iter().map(|(_, story)| story).filter(|story| story.is_answered()).collect();
    println!(
        "{requests} requests, {} answered, {} calls, {:.1} s",
        answered.len(),
        app.calls(),
        begun.elapsed().as_secs_f64()
    );
    every_bill_is_somebodys(&app, &answered);
    enough_succeed(&stories);
    let attempts: u64 = stories.iter().map(|(_, story)| story.attempts).sum();
    assert_eq!(attempts as usize, app.calls(), "every call is told of");
}

/// Both dialects of callers, whole and streamed, in no order.
async fn request(app: &GatewayApp, n: usize) -> (bool, Story) {
    let mut dice = Dice(n as u64);
    let wire = [Wire::Chat, Wire::Messages][(dice.next() % 2) as usize];
    let stream = dice.next().is_multiple_of(2);
    let answer = app.post(wire.path(), &wire.body(stream, json!({}))).await;
    // Each answer is held to its own bill and has exactly one outcome.
    (stream, Story::read(app, wire, stream, answer).await)
}

/// The same bills on both sides, each once.
fn every_bill_is_somebodys(app: &GatewayApp, answered: &[&Story]) {
    let mut ours = BTreeMap::new();
    for story in answered {
        let id = story.outcome["completion_id"].as_str().expect("an id").to_owned();
        let cost = story.outcome["cost_usd"].as_f64().expect("a cost");
        // Beside the answer's bill it may hold estimates, for calls whose answer could not be read.
        let cost = (story.outcome["cost_is_estimate"] == false).then_some(cost);
        assert!(ours.insert(id.clone(), cost).is_none(), "{id} is billed twice");
    }
    // An answer whose last event was forgotten may count as told, or not.
    let counts =
        |bill: &Bill| bill.delivered && (bill.fault != Fault::StreamWithoutDone || ours.contains_key(&bill.id));
    let mut theirs = app.bills();
    theirs.retain(|_, bill| counts(bill));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "lost, or never answered");
    let told = theirs.iter().filter(|(id, _)| ours[*id].is_some());
    let paid: f64 = told.map(|(_, bill)| app.cost(bill)).sum();
    let logged: f64 = ours.values().flatten().sum();
    assert!((paid - logged).abs() < 1e-9 * paid, "{logged} logged, {paid} billed");
}

/// A whole request fails only if each of three models does, and each is called at least once. A streamed one fails too if
/// a call breaks too late: at most one call of a request does, and it comes after any number that failed early. With p for
/// a call's failure and l for a late one, 1 − p³ and 1 − l/(1 − p) − p³ are bounds from below. Five standard deviations off
/// them, one run in three million fails without reason.
fn enough_succeed(stories: &[(bool, Story)]) {
    let (p, late) = faults();
    for (stream, bound) in [(false, 1.0 - p.powi(3)), (true, 1.0 - late / (1.0 - p) - p.powi(3))] {
        let of_this: Vec<_> = stories.iter().filter(|(s, _)| *s == stream).collect();
        let share = of_this.iter().filter(|(_, story)| story.is_answered()).count() as f64 / of_this.len() as f64;
        let slack = 5.0 * (bound * (1.0 - bound) / of_this.len() as f64).sqrt();
        println!("streamed: {stream}: {share:.4} succeed, at least {:.4} must", bound - slack);
        assert!(share >= bound - slack, "streamed: {stream}: {share}, at least {bound} - {slack}");
    }
}
