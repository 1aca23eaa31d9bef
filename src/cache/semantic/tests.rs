#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{
    super::{Fingerprint, Served},
    *,
};
use crate::domain::{ModelId, Quality, Tenant, UnixMillis};
use serde_json::json;
use uuid::Uuid;

const BOUNDS: Bounds = Bounds { similarity: 0.9, entries: 1000, bytes: 1 << 20 };

fn frame(name: &str) -> CacheKey {
    let mut print = Fingerprint::new(&Tenant::default());
    print.text(name);
    print.key()
}

/// At an angle, degrees.
fn question(frame_name: &str, text: &str, angle: f32) -> Question {
    let (sin, cos) = angle.to_radians().sin_cos();
    Question::new(frame(frame_name), Guard::of(text).unwrap(), &[cos, sin])
}

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn entry(n: u128) -> Arc<Entry> {
    let served = Served {
        tenant: Tenant::from(if n.is_multiple_of(2) { "even" } else { "odd" }),
        policy: "default".to_owned(),
        policy_version: 7,
        quality_target: Quality::clipped(0.8),
        decision: decision(n),
        model: ModelId::from("a/model"),
        cost: None,
        at: UnixMillis(0),
    };
    let choice = json!({"index": 0, "finish_reason": "stop", "message": {"content": "x".repeat(100)}});
    Arc::new(Entry::new(served, &json!({"choices": [choice]})).unwrap())
}

fn found(cache: &SemanticCache, question: &Question) -> Option<u128> {
    cache.get(question, |_| true).map(|(entry, _)| entry.served().decision.as_u128())
}

#[test]
fn the_most_similar_question_that_agrees_is_found() {
    let cache = SemanticCache::new(BOUNDS).unwrap();
    cache.insert(question("a", "red apples", 0.0), entry(1));
    cache.insert(question("a", "green apples", 20.0), entry(2));
    cache.insert(question("b", "red apples", 0.0), entry(3));
    let (kept, similarity) = cache.get(&question("a", "the red apples", 18.0), |_| true).unwrap();
    assert_eq!(kept.served().decision, decision(1), "the nearer one says something else");
    assert!((similarity - 18.0_f32.to_radians().cos()).abs() < 1e-6);
    assert_eq!(found(&cache, &question("a", "red apples", 30.0)), None, "it is too far");
    assert_eq!(found(&cache, &question("c", "red apples", 0.0)), None, "another frame");
    assert!(cache.get(&question("a", "red apples", 0.0), |_| false).is_none(), "it does not fit");
    let other_length = Question::new(frame("a"), Guard::of("red apples").unwrap(), &[1.0]);
    assert_eq!(found(&cache, &other_length), None);
}

#[test]
fn an_answer_takes_the_place_of_that_to_the_same_question() {
    let cache = SemanticCache::new(BOUNDS).unwrap();
    cache.insert(question("a", "red apples", 0.0), entry(1));
    cache.insert(question("a", "the red apples", 10.0), entry(2));
    assert_eq!(cache.size().entries, 1);
    assert_eq!(found(&cache, &question("a", "red apples", 5.0)), Some(2));
    assert!(!cache.forget(decision(1)));
    assert!(cache.of_decision(decision(2)).is_some() && cache.forget(decision(2)));
    assert_eq!((cache.size().entries, cache.size().bytes), (0, 0));
}

#[test]
fn the_oldest_leave_when_there_is_no_room() {
    let words: Vec<String> = (0..100).map(|n| format!("question number{n}")).collect();
    let by_count = SemanticCache::new(Bounds { entries: 10, ..BOUNDS }).unwrap();
    let by_bytes = SemanticCache::new(Bounds { bytes: 20_000, ..BOUNDS }).unwrap();
    for cache in [&by_count, &by_bytes] {
        for (n, text) in words.iter().enumerate() {
            cache.insert(question(if n % 3 == 0 { "a" } else { "b" }, text, 0.0), entry(n as u128));
            assert!(cache.size().entries <= cache.bounds.entries && cache.size().bytes <= cache.bounds.bytes);
        }
        let kept = cache.size().entries;
        assert!((5..90).contains(&kept), "{kept}");
        let is_kept: Vec<bool> = (0..100).map(|n| cache.of_decision(decision(n)).is_some()).collect();
        assert!(is_kept[..100 - kept].iter().all(|kept| !kept) && is_kept[100 - kept..].iter().all(|kept| *kept));
    }
    assert_eq!(by_count.size().entries, 10);
    assert!(SemanticCache::new(Bounds { entries: 0, ..BOUNDS }).is_none());
    assert!(SemanticCache::new(Bounds { bytes: 0, ..BOUNDS }).is_none());
}

#[test]
fn a_frame_holds_so_many_and_what_left_early_leaves_no_trace() {
    let cache = SemanticCache::new(Bounds { entries: 100_000, bytes: 1 << 30, ..BOUNDS }).unwrap();
    let many = 3 * FRAME_ENTRIES as u128;
    for n in 0..many {
        cache.insert(question("a", &format!("question number{n}"), 0.0), entry(n));
    }
    assert_eq!(cache.size().entries, FRAME_ENTRIES);
    assert!(cache.of_decision(decision(many - 1)).is_some() && cache.of_decision(decision(0)).is_none());
    let table = cache.read();
    assert!(table.order.len() <= 3 * FRAME_ENTRIES + 1, "{}", table.order.len());
    assert_eq!(table.frame_of.len(), FRAME_ENTRIES);
}

#[test]
fn a_filter_clears_what_it_covers() {
    let cache = SemanticCache::new(BOUNDS).unwrap();
    for n in 0..10 {
        cache.insert(question("a", &format!("question number{n}"), 0.0), entry(n));
    }
    let even = CacheFilter { tenant: Some(Tenant::from("even")), ..CacheFilter::default() };
    assert_eq!((cache.clear(&even).len(), cache.size().entries), (5, 5));
    assert_eq!((cache.clear(&CacheFilter::default()).len(), cache.size().bytes), (5, 0));
}
