#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::{
    dialect::Object,
    domain::{CacheMatch, ModelId, Quality, Tenant},
};
use serde_json::{Value, json};
use uuid::Uuid;

const TTL: Duration = Duration::from_secs(60);

fn cache(exact_bytes: u64) -> Cache {
    Cache::new(CacheOptions { ttl: TTL, exact_bytes, similarity: 0.9, semantic_entries: 0, semantic_bytes: 0 })
}

fn at(seconds: i64) -> UnixMillis {
    UnixMillis(1000 * seconds)
}

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn key(n: u64) -> CacheKey {
    let mut print = Fingerprint::new(&Tenant::default());
    print.number(Some(n as f64));
    print.key()
}

fn completion(text: &str) -> Value {
    let choice = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}});
    json!({"id": "c", "object": "chat.completion", "choices": [choice]})
}

fn entry(n: u128, text: &str) -> Entry {
    let served = Served {
        tenant: Tenant::from(if n.is_multiple_of(2) { "even" } else { "odd" }),
        policy: "default".to_owned(),
        policy_version: 7,
        quality_target: Quality::clipped(0.8),
        decision: decision(n),
        model: ModelId::from(if n.is_multiple_of(3) { "a/three" } else { "b/other" }),
        cost: Usd::new(0.25).ok(),
        at: at(0),
    };
    Entry::new(served, &completion(text)).unwrap()
}

fn found(cache: &Cache, n: u64, now: UnixMillis) -> Option<Found> {
    cache.find(&key(n), now, |_| true)
}

#[test]
fn an_answer_is_fresh_then_stale_then_forgotten() {
    let cache = cache(1 << 20);
    assert_eq!(found(&cache, 1, at(0)), None);
    cache.keep(key(1), None, entry(1, "Paris."));
    for now in [at(-5), at(0), UnixMillis(59_999)] {
        let Some(Found::Fresh(kept)) = found(&cache, 1, now) else { panic!("not fresh at {now:?}") };
        assert_eq!((kept.completion(), kept.served().decision), (completion("Paris."), decision(1)));
    }
    for now in [at(60), at(24 * 60)] {
        assert!(matches!(found(&cache, 1, now), Some(Found::Stale(_))), "{now:?}");
    }
    assert_eq!((found(&cache, 1, UnixMillis(1000 * 24 * 60 + 1)), cache.stats().exact.entries), (None, 0));
    assert!(!cache.forget(decision(1)), "both tables forgot it");
}

#[test]
fn who_it_does_not_fit_is_not_given_it_and_it_stays() {
    let cache = cache(1 << 20);
    cache.keep(key(1), None, entry(1, "Paris."));
    assert_eq!(cache.find(&key(1), at(0), |entry| entry.served().model.as_str() == "a/three"), None);
    assert!(found(&cache, 1, at(0)).is_some());
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let cache = cache(256 << 10);
    let text = "x".repeat(1000);
    for n in 0..2000u64 {
        cache.keep(key(n), None, entry(n.into(), &text));
        assert!(cache.stats().exact.bytes <= 256 << 10);
    }
    let stats = cache.stats();
    assert!((100..=256).contains(&stats.exact.entries), "{stats:?}");
    let kept = (0..2000).filter(|&n| cache.of_decision(decision(n)).is_some()).count();
    assert_eq!(kept, stats.exact.entries, "whatever left the one table left the other");
    cache.keep(key(9999), None, entry(9999, &"x".repeat(64 << 10)));
    assert_eq!(found(&cache, 9999, at(0)), None, "no answer takes more than its share");
    assert_eq!(found(&self::cache(0), 1, at(0)), None);
    assert!(!self::cache(0).is_on());
}

#[test]
fn a_later_answer_takes_the_place_of_the_first() {
    let cache = cache(1 << 20);
    cache.keep(key(1), None, entry(1, "first"));
    cache.keep(key(1), None, entry(2, "second"));
    assert_eq!((cache.stats().exact.entries, cache.of_decision(decision(1))), (1, None));
    assert!(!cache.forget(decision(1)), "its decision no longer stands for it");
    assert!(cache.forget(decision(2)) && found(&cache, 1, at(0)).is_none());
}

#[test]
fn a_filter_covers_what_all_of_its_parts_cover() {
    let cache = cache(1 << 20);
    let fill = || (0..12u64).for_each(|n| cache.keep(key(n), None, entry(n.into(), "text")));
    let even = || Some(Tenant::from("even"));
    let three = || Some("a/*".to_owned());
    let cases = [
        (CacheFilter { tenant: even(), ..CacheFilter::default() }, 6),
        (CacheFilter { tenant: even(), model: three(), ..CacheFilter::default() }, 2),
        (CacheFilter { policy: Some("other".to_owned()), ..CacheFilter::default() }, 0),
        (CacheFilter::default(), 12),
    ];
    for (filter, removed) in cases {
        fill();
        assert_eq!(cache.clear(&filter), removed, "{filter:?}");
        assert_eq!(cache.stats().exact.entries, 12 - removed);
    }
}

#[test]
fn what_it_did_is_counted() {
    let cache = cache(1 << 20);
    cache.count_missed();
    cache.count_given(CacheMatch::Exact, false, Usd::new(0.1).ok());
    cache.count_given(CacheMatch::Exact, false, None);
    cache.count_given(CacheMatch::Exact, true, Usd::new(0.2).ok());
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.stale, stats.misses), (2, 1, 1));
    assert!((stats.saved_usd - 0.3).abs() < 1e-9, "{stats:?}");
}

#[test]
fn only_what_came_to_its_own_end_is_whole() {
    let ends = |reasons: &[Value]| {
        let choices: Vec<Value> = reasons.iter().map(|reason| json!({"finish_reason": reason})).collect();
        is_whole(&json!({"choices": choices}))
    };
    assert!(ends(&[json!("stop")]) && ends(&[json!("tool_calls"), json!("stop")]));
    for bad in [json!(null), json!("length"), json!("content_filter"), json!("error"), json!(7)] {
        assert!(!ends(&[json!("stop"), bad.clone()]), "{bad}");
    }
    assert!(!ends(&[]) && !is_whole(&json!({})) && !is_whole(&json!([])));
}

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap()
}

fn chat(tenant: &str, body: Value) -> CacheKey {
    let mut print = Fingerprint::new(&Tenant::from(tenant));
    print.chat(&object(body));
    print.key()
}

#[test]
fn requests_are_the_same_whatever_does_not_matter() {
    let base = json!({"messages": [{"role": "user", "content": "hi"}], "temperature": 0, "top_p": 0.5});
    let key = chat("a", base.clone());
    let same = [
        json!({"top_p": 0.5, "temperature": 0.0, "messages": [{"content": "hi", "role": "user"}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "temperature": -0.0,
               "top_p": 0.5, "stream": true, "stream_options": {"include_usage": true}, "user": "ann", "model": "auto",
               "metadata": {}, "seed": null}),
    ];
    for same in same {
        assert_eq!(chat("a", same.clone()), key, "{same}");
    }
    assert_ne!(chat("b", base), key, "another tenant's is another");
}

#[test]
fn requests_differ_in_whatever_matters() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let parts = |texts: &[&str]| texts.iter().map(|text| json!({"type": "text", "text": text})).collect::<Vec<_>>();
    let all = [
        user(json!("hi")),
        user(json!("hi ")),
        user(json!(parts(&["h", "i"]))),
        user(json!(parts(&["hi", ""]))),
        user(json!(null)),
        json!({"messages": [{"role": "system", "content": "hi"}]}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": 1}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": 9_007_199_254_740_993_i64}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": 9_007_199_254_740_994_i64}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": u64::MAX}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": "1"}),
        json!({"messages": [{"role": "user", "content": "hi"}], "seed": true}),
        json!({"messages": [{"role": "user", "content": "hi"}], "tools": []}),
        json!({"messages": [{"role": "user", "content": "hi"}], "tools": [[]]}),
    ];
    for (i, one) in all.iter().enumerate() {
        for other in &all[i + 1..] {
            assert_ne!(chat("a", one.clone()), chat("a", other.clone()), "{one} {other}");
        }
    }
}

#[test]
fn a_messages_request_that_asks_more_than_chat_can_say_is_another() {
    let with = |body: Value, beta: Option<&str>| {
        let mut print = Fingerprint::new(&Tenant::default());
        print.messages(&object(body), beta);
        print.key()
    };
    let none = Fingerprint::new(&Tenant::default()).key();
    let plain = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {}}]}],
                       "max_tokens": 5, "system": "brief", "metadata": {"user_id": "ann"}, "thinking": null});
    assert_eq!(with(plain.clone(), None), none, "it is its chat request");
    let thinking = |kind: &str| {
        let mut body = plain.clone();
        body["thinking"] = json!({"type": kind});
        with(body, None)
    };
    let image = json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]});
    let keys = [none, with(plain.clone(), Some("beta")), thinking("disabled"), thinking("adaptive"), with(image, None)];
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}
