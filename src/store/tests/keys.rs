use super::*;
use crate::domain::{KeyHash, KeyLimits, KeyRecord, RateLimits, Spent};

const AT: UnixMillis = UnixMillis(1_760_000_000_000);

fn key(id: &str) -> KeyRecord {
    KeyRecord {
        id: KeyId::from(id),
        hash: KeyHash([7; 32]),
        name: "the \"first\" ☂".to_owned(),
        tenant: Tenant::from("acme"),
        created: AT,
        expires: Some(UnixMillis(AT.0 + 5)),
        revoked: None,
        rotated_from: None,
        limits: KeyLimits {
            rates: RateLimits {
                requests_per_minute: Some(1),
                tokens_per_minute: Some(i64::MAX as u64),
                max_concurrent: None,
            },
            budget_usd_per_month: Some(Usd::new(0.1 + 0.2).unwrap()),
            models: vec!["a/*".to_owned(), "b/\"c\"".to_owned()],
            policies: vec![],
        },
    }
}

fn unlimited(id: &str) -> KeyRecord {
    KeyRecord { limits: KeyLimits::default(), expires: None, ..key(id) }
}

async fn with_keys(keys: &[KeyRecord]) -> Store {
    let store = store_with(0).await;
    for key in keys {
        store.change_key(KeyChange::Create(key.clone())).await.unwrap();
    }
    store
}

#[tokio::test]
async fn keys_come_back_as_they_were_kept_oldest_first() {
    let keys = [key("second"), unlimited("first")];
    assert_eq!(with_keys(&keys).await.keys().await.unwrap(), keys);
    assert_eq!(with_keys(&[]).await.keys().await.unwrap(), []);
}

#[tokio::test]
async fn the_log_changes_as_keys_in_memory_do() {
    let store = store_with(0).await;
    let successor = KeyRecord { rotated_from: Some(KeyId::from("a")), ..unlimited("b") };
    let changes = [
        KeyChange::Create(unlimited("a")),
        KeyChange::Create(key("c")),
        KeyChange::Rotate { new: successor, old_expires: UnixMillis(99) },
        KeyChange::Revoke { id: KeyId::from("c"), at: AT },
    ];
    let mut memory = Vec::new();
    for change in changes {
        store.change_key(change.clone()).await.unwrap();
        change.apply(&mut memory);
        assert_eq!(store.keys().await.unwrap(), memory);
    }
    assert_eq!((memory[0].expires, memory[1].revoked), (Some(UnixMillis(99)), Some(AT)));
}

#[tokio::test]
async fn a_change_that_is_refused_changes_nothing_and_fails_alone() {
    let store = with_keys(&[unlimited("a"), KeyRecord { revoked: Some(AT), ..unlimited("gone") }]).await;
    let before = store.keys().await.unwrap();
    let rotate = |from: &str, to: &str| KeyChange::Rotate {
        new: KeyRecord { rotated_from: Some(KeyId::from(from)), ..unlimited(to) },
        old_expires: UnixMillis(1),
    };
    let revoke = |id: &str| KeyChange::Revoke { id: KeyId::from(id), at: AT };
    let taken = [KeyChange::Create(key("a")), rotate("a", "gone")];
    for refused in join_all(taken.map(|change| store.change_key(change))).await {
        assert!(matches!(refused, Err(KeyError::Taken(_))), "{refused:?}");
    }
    let unknown = [rotate("gone", "b"), rotate("nobody", "b"), revoke("gone"), revoke("nobody")];
    for refused in join_all(unknown.map(|change| store.change_key(change))).await {
        assert!(matches!(refused, Err(KeyError::Unknown(_))), "{refused:?}");
    }
    let huge = RateLimits { requests_per_minute: Some(u64::MAX), ..RateLimits::default() };
    let huge = KeyRecord { limits: KeyLimits { rates: huge, ..KeyLimits::default() }, ..unlimited("huge") };
    let (refused, kept) = tokio::join!(store.change_key(KeyChange::Create(huge)), store.append_decision(decision(1)));
    assert!(matches!(refused, Err(KeyError::Store(StoreError::Unstorable { what: "requests_per_minute", .. }))));
    assert!(kept.is_ok());
    assert_eq!(store.keys().await.unwrap(), before);
}

fn caller(key: Option<&str>) -> CallerId {
    CallerId { key: key.map(KeyId::from), tenant: Tenant::from("acme") }
}

#[tokio::test]
async fn spending_is_summed_by_key_and_tenant_since_a_moment() {
    let store = store_with(3).await;
    let early = Decision { at: UnixMillis(decision(1).at.0 - 1), ..decision(4) };
    let unknown = Decision { caller: None, ..decision(5) };
    for decision in [early, unknown] {
        store.append_decision(decision).await.unwrap();
    }
    for (n, sum) in [(1, 0.5), (3, 0.25), (1, 0.25), (2, 0.125), (4, 100.0), (5, 100.0)] {
        let bill = Outcome { cost_usd: Some(Usd::new(sum).unwrap()), ..outcome(n, SMALL, OutcomeStatus::Ok) };
        store.append_outcome(bill).await.unwrap();
    }
    let spent = store.spent_since(decision(1).at).await.unwrap();
    let sum = |key, usd| Spent { caller: caller(key), usd: Usd::new(usd).unwrap() };
    assert_eq!(spent, [sum(None, 0.125), sum(Some("k1"), 1.0)]);
    assert_eq!(store.spent_since(UnixMillis(i64::MAX)).await.unwrap(), []);
}

#[tokio::test]
async fn embeddings_come_back_as_they_were_kept_and_are_spending_too() {
    let store = store_with(2).await;
    let bill = Outcome { cost_usd: Some(Usd::new(0.5).unwrap()), ..outcome(1, SMALL, OutcomeStatus::Ok) };
    store.append_outcome(bill).await.unwrap();
    let of_key = EmbeddingRecord { caller: caller(Some("k1")), ..embedding("acme", Some(0.25)) };
    let early = EmbeddingRecord { at: UnixMillis(decision(1).at.0 - 1), ..embedding("acme", Some(100.0)) };
    let kept = [of_key, embedding("acme", Some(0.125)), embedding("other", None), early];
    for record in &kept {
        store.append_embedding(record.clone()).await.unwrap();
    }
    let numbered: Vec<_> = (1..).zip(kept).collect();
    assert_eq!(store.embeddings_after(0, 9).await.unwrap(), numbered);
    assert_eq!(store.counts().await.unwrap().embeddings, 4);
    let sum = |key, tenant: &str, usd| Spent {
        caller: CallerId { tenant: Tenant::from(tenant), ..caller(key) },
        usd: Usd::new(usd).unwrap(),
    };
    let expected = [sum(None, "acme", 0.125), sum(Some("k1"), "acme", 0.75), sum(None, "other", 0.0)];
    assert_eq!(store.spent_since(decision(1).at).await.unwrap(), expected);
    let odd = EmbeddingRecord { latency_ms: f64::NAN, ..embedding("acme", None) };
    assert!(matches!(store.append_embedding(odd).await, Err(StoreError::Unstorable { what: "latency_ms", .. })));
}

#[tokio::test]
async fn a_bill_that_never_came_counts_at_its_prediction_unless_the_provider_refused() {
    use OutcomeStatus::{Cancelled, Timeout, UpstreamError};
    let predicted = decision(1).candidates[0].predicted.unwrap().cost_usd;
    let cases = [
        (Cancelled, None, predicted),
        (Timeout, None, predicted),
        (UpstreamError, Some(1.0), predicted),
        (UpstreamError, None, Usd::ZERO),
    ];
    for (status, first_byte_ms, expected) in cases {
        let store = store_with(1).await;
        let bill = Outcome { cost_usd: None, first_byte_ms, ..outcome(1, SMALL, status) };
        store.append_outcome(bill).await.unwrap();
        let spent = store.spent_since(UnixMillis(0)).await.unwrap();
        assert_eq!(spent, [Spent { caller: caller(Some("k1")), usd: expected }], "{status:?}");
    }
}
