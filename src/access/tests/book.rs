use super::*;
use crate::store::Store;

async fn book() -> KeyBook {
    KeyBook::load(Store::in_memory().await.unwrap(), Rules::default(), NOON).await.unwrap()
}

fn named(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

fn bytes(n: u8) -> [u8; KEY_BYTES] {
    [n; KEY_BYTES]
}

fn opens(book: &KeyBook, issued: &IssuedKey, now: UnixMillis) -> Result<(), Refusal> {
    book.access().authenticate(Some(issued.key.expose()), now).map(drop)
}

#[tokio::test]
async fn a_key_counts_as_soon_as_it_is_made_and_no_longer_once_it_is_revoked() {
    let book = book().await;
    assert!(book.access().is_open());
    let issued = book.create(named("first"), &bytes(1), NOON).await.unwrap();
    assert!(!book.access().is_open());
    assert_eq!(opens(&book, &issued, NOON), Ok(()));
    let revoked = book.revoke(&issued.record.id, after(5)).await.unwrap();
    assert_eq!(revoked.revoked, Some(after(5)));
    assert!(matches!(opens(&book, &issued, after(5)), Err(Refusal::Revoked { .. })));
    let again = book.revoke(&issued.record.id, after(9)).await.unwrap();
    assert_eq!(again.revoked, Some(after(5)), "the first time counts");
}

#[tokio::test]
async fn a_rotated_key_works_beside_its_successor_for_a_while() {
    let book = book().await;
    let limits = with_budget(5.0);
    let expires = Some(after(1_000_000));
    let new = NewKey { tenant: Tenant::from("acme"), limits: limits.clone(), expires, ..named("app") };
    let old = book.create(new, &bytes(1), NOON).await.unwrap();
    let new = book.rotate(&old.record.id, Duration::from_millis(100), &bytes(2), after(10)).await.unwrap();
    let IssuedKey { record, .. } = &new;
    assert_eq!((record.name.as_str(), record.tenant.as_str(), &record.limits), ("app", "acme", &limits));
    assert_eq!((record.expires, record.rotated_from.as_ref()), (Some(after(1_000_010)), Some(&old.record.id)));
    assert_eq!((opens(&book, &old, after(109)), opens(&book, &new, after(109))), (Ok(()), Ok(())));
    assert!(matches!(opens(&book, &old, after(110)), Err(Refusal::Expired { .. })));
    assert_eq!(opens(&book, &new, after(110)), Ok(()));
}

#[tokio::test]
async fn grace_never_prolongs_a_key() {
    let book = book().await;
    let old = book.create(NewKey { expires: Some(after(50)), ..named("app") }, &bytes(1), NOON).await.unwrap();
    book.rotate(&old.record.id, Duration::from_secs(3600), &bytes(2), NOON).await.unwrap();
    assert_eq!(book.access().key(&old.record.id).unwrap().expires, Some(after(50)));
}

#[tokio::test]
async fn what_can_not_be_rotated_says_why() {
    let book = book().await;
    let first = book.create(named("first"), &bytes(1), NOON).await.unwrap().record.id;
    let second = book.rotate(&first, Duration::ZERO, &bytes(2), NOON).await.unwrap().record.id;
    let rotate = async |id: &KeyId| book.rotate(id, Duration::ZERO, &bytes(3), NOON).await.unwrap_err();
    assert!(matches!(rotate(&first).await, BookError::Replaced { by, .. } if by == second));
    book.revoke(&second, NOON).await.unwrap();
    assert!(matches!(rotate(&second).await, BookError::Ended(id) if id == second));
    assert!(matches!(rotate(&KeyId::from("nobody")).await, BookError::Unknown(_)));
    assert!(matches!(book.revoke(&KeyId::from("nobody"), NOON).await, Err(BookError::Unknown(_))));
    assert_eq!(book.access().keys().len(), 2);
}

#[tokio::test]
async fn keys_are_there_after_a_restart() {
    let store = Store::in_memory().await.unwrap();
    let book = KeyBook::load(store.clone(), Rules::default(), NOON).await.unwrap();
    let limits =
        KeyLimits { models: vec!["a/*".to_owned()], policies: vec!["p".to_owned()], ..with_rates(requests(7)) };
    let first = book.create(NewKey { limits, ..named("first") }, &bytes(1), NOON).await.unwrap();
    book.rotate(&first.record.id, Duration::ZERO, &bytes(2), after(1)).await.unwrap();
    let third = book.create(named("third"), &bytes(3), after(2)).await.unwrap();
    book.revoke(&third.record.id, after(3)).await.unwrap();
    let again = KeyBook::load(store, Rules::default(), after(4)).await.unwrap();
    assert_eq!(again.access().keys(), book.access().keys());
}

#[tokio::test]
async fn the_same_bytes_make_no_second_key() {
    let book = book().await;
    book.create(named("first"), &bytes(1), NOON).await.unwrap();
    assert!(matches!(book.create(named("second"), &bytes(1), NOON).await, Err(BookError::Invalid { field: "id", .. })));
    assert_eq!(book.access().keys().len(), 1);
}

#[tokio::test]
async fn wrong_wishes_are_refused_by_field() {
    let book = book().await;
    let list = |item: &str| vec![item.to_owned()];
    let limits = |limits: KeyLimits| NewKey { limits, ..named("x") };
    let cases = [
        (named(""), "name"),
        (named(" "), "name"),
        (named(&"x".repeat(65)), "name"),
        (named("a\nb"), "name"),
        (NewKey { tenant: Tenant::from("Acme Inc"), ..named("x") }, "tenant"),
        (NewKey { expires: Some(NOON), ..named("x") }, "expires_at"),
        (limits(with_rates(requests(0))), "requests_per_minute"),
        (limits(KeyLimits { models: list("a b"), ..KeyLimits::default() }), "models"),
        (limits(KeyLimits { policies: list(""), ..KeyLimits::default() }), "policies"),
        (limits(KeyLimits { policies: list("a\u{1c}"), ..KeyLimits::default() }), "policies"),
    ];
    for (new, expected) in cases {
        let refused = book.create(new, &bytes(1), NOON).await;
        assert!(
            matches!(&refused, Err(BookError::Invalid { field, .. }) if *field == expected),
            "{expected}: {refused:?}"
        );
    }
    assert!(book.access().is_open(), "nothing was made");
}

#[tokio::test]
async fn a_change_is_made_to_its_end_when_whoever_asked_has_left() {
    let book = book().await;
    let issued = book.create(named("first"), &bytes(1), NOON).await.unwrap();
    let mut asking = Box::pin(book.revoke(&issued.record.id, NOON));
    let polled = futures_poll(asking.as_mut()).await;
    assert!(!polled, "it waits for the commit");
    drop(asking);
    // The next change waits for the one that was left alone.
    book.create(named("second"), &bytes(2), NOON).await.unwrap();
    assert!(matches!(opens(&book, &issued, NOON), Err(Refusal::Revoked { .. })));
}

/// Polls once; whether it is done.
async fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    let mut future = Some(future);
    std::future::poll_fn(|cx| {
        let done = future.take().is_none_or(|future| future.poll(cx).is_ready());
        std::task::Poll::Ready(done)
    })
    .await
}

#[tokio::test]
async fn changes_at_once_are_all_in_force() {
    let book = book().await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let book = book.clone();
            tokio::spawn(async move { book.create(named("x"), &bytes(n), NOON).await.unwrap() })
        })
        .collect();
    for task in tasks {
        let issued = task.await.unwrap();
        assert_eq!(opens(&book, &issued, NOON), Ok(()));
    }
    assert_eq!(book.access().keys().len(), 20);
}
