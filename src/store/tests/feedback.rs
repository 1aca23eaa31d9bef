use super::*;

/// What a receipt says about the row: number, applied, revised, repeated.
fn facts(receipt: &FeedbackReceipt) -> (Option<u64>, bool, bool, bool) {
    (receipt.number, receipt.applied, receipt.revised, receipt.repeated)
}

async fn say(store: &Store, feedback: NewFeedback) -> FeedbackReceipt {
    store.append_feedback(feedback).await.unwrap()
}

#[tokio::test]
async fn feedback_for_something_unknown_is_rejected() {
    let store = store_with(1).await;
    let targets = [
        FeedbackTarget::Decision(id(2)),
        FeedbackTarget::Completion("completion-1".to_owned()),
        FeedbackTarget::Request(RequestId::from("request-2")),
    ];
    for target in targets {
        let refused = store.append_feedback(NewFeedback { target: target.clone(), ..said(1, score(1.0)) }).await;
        assert!(matches!(refused, Err(FeedbackError::UnknownDecision(unknown)) if unknown == target));
    }
    assert_eq!(store.counts().await.unwrap().feedback, 0);
}

#[tokio::test]
async fn a_decision_is_found_by_completion_and_by_request_and_the_newest_wins() {
    let store = store_with(2).await;
    store.append_decision(Decision { request_id: RequestId::from("request-1"), ..decision(3) }).await.unwrap();
    let shared = |n| Outcome { completion_id: Some("shared".to_owned()), ..outcome(n, LARGE, OutcomeStatus::Ok) };
    store.append_outcome(shared(2)).await.unwrap();
    store.append_outcome(shared(1)).await.unwrap();
    let by = |target| NewFeedback { target, ..said(0, score(1.0)) };
    assert_eq!(say(&store, by(FeedbackTarget::Completion("shared".to_owned()))).await.decision_id, id(1));
    let made = |id: &str| by(FeedbackTarget::Completion(id.to_owned()));
    assert_eq!(say(&store, made("resp_shared")).await.decision_id, id(1));
    assert_eq!(say(&store, made("msg_shared_0")).await.decision_id, id(1));
    let own = Outcome { completion_id: Some("resp_shared".to_owned()), ..outcome(2, LARGE, OutcomeStatus::Ok) };
    store.append_outcome(own).await.unwrap();
    assert_eq!(say(&store, made("resp_shared")).await.decision_id, id(2), "the provider's own name goes first");
    assert_eq!(say(&store, by(FeedbackTarget::Request(RequestId::from("request-1")))).await.decision_id, id(3));
    assert_eq!(say(&store, by(FeedbackTarget::Request(RequestId::from("request-2")))).await.decision_id, id(2));
}

#[tokio::test]
async fn a_tenant_finds_its_own_decisions_by_every_name_and_no_others() {
    let store = store_with(0).await;
    let shared = |n, tenant: &str| Decision {
        request_id: RequestId::from("same"),
        caller: Some(CallerId { key: None, tenant: Tenant::from(tenant) }),
        ..decision(n)
    };
    store.append_decision(shared(1, "acme")).await.unwrap();
    store.append_decision(shared(2, "other")).await.unwrap();
    store.append_decision(Decision { caller: None, ..decision(3) }).await.unwrap();
    for n in [1, 2] {
        let completion_id = Some("same".to_owned());
        store.append_outcome(Outcome { completion_id, ..outcome(n, LARGE, OutcomeStatus::Ok) }).await.unwrap();
    }
    let of = |tenant: &str, target| NewFeedback { target, tenant: Some(Tenant::from(tenant)), ..said(0, score(1.0)) };
    for (tenant, n, others) in [("acme", 1, 2), ("other", 2, 1)] {
        let by_name = [FeedbackTarget::Completion("same".to_owned()), FeedbackTarget::Request(RequestId::from("same"))];
        for target in by_name.into_iter().chain([FeedbackTarget::Decision(id(n))]) {
            assert_eq!(say(&store, of(tenant, target)).await.decision_id, id(n), "{tenant}");
        }
        for hidden in [others, 3] {
            let refused = store.append_feedback(of(tenant, FeedbackTarget::Decision(id(hidden)))).await;
            assert!(matches!(refused, Err(FeedbackError::UnknownDecision(_))), "{tenant} {hidden}");
        }
    }
    let stranger = of("stranger", FeedbackTarget::Completion("same".to_owned()));
    assert!(matches!(store.append_feedback(stranger).await, Err(FeedbackError::UnknownDecision(_))));
    assert_eq!(store.counts().await.unwrap().feedback, 2);
}

#[tokio::test]
async fn the_model_that_served_is_credited() {
    let store = store_with(3).await;
    store.append_outcome(outcome(2, LARGE, OutcomeStatus::Ok)).await.unwrap();
    store.append_outcome(outcome(2, BARRED, OutcomeStatus::Timeout)).await.unwrap();
    store.append_outcome(outcome(3, SMALL, OutcomeStatus::UpstreamError)).await.unwrap();
    store.append_outcome(outcome(3, LARGE, OutcomeStatus::Cancelled)).await.unwrap();
    for (n, model, why) in [
        (1, SMALL, "nothing was served: the decided one"),
        (2, LARGE, "the latest good outcome, not the failure after it"),
        (3, LARGE, "nothing good: the latest"),
    ] {
        assert_eq!(say(&store, said(n, score(0.5))).await.model, ModelId::from(model), "{why}");
    }
}

#[tokio::test]
async fn the_same_key_and_content_gets_the_first_receipt_again() {
    let store = store_with(1).await;
    let first = say(&store, keyed(1, score(0.5), "k")).await;
    assert_eq!(facts(&first), (Some(1), true, false, false));
    say(&store, said(1, score(0.9))).await;
    let later = NewFeedback { at: UnixMillis(1_770_000_000_000), ..keyed(1, score(0.5), "k") };
    let again = say(&store, later).await;
    assert_eq!(again, FeedbackReceipt { applied: false, repeated: true, ..first });
    assert_eq!(store.counts().await.unwrap().feedback, 2);
}

#[tokio::test]
async fn a_key_with_another_content_is_refused() {
    let store = store_with(2).await;
    say(&store, keyed(1, score(0.5), "k")).await;
    let judge = NewFeedback { source: FeedbackSource::Judge, ..keyed(1, score(0.5), "k") };
    let comment = NewFeedback { comment: Some("fine".to_owned()), ..keyed(1, score(0.5), "k") };
    for other in [keyed(1, score(0.6), "k"), keyed(1, Reward::Revoked, "k"), judge, comment] {
        let refused = store.append_feedback(other).await;
        assert!(matches!(refused, Err(FeedbackError::KeyReused { key, .. }) if key == "k"));
    }
    assert_eq!(facts(&say(&store, keyed(2, score(0.6), "k")).await), (Some(2), true, false, false), "another decision");
}

#[tokio::test]
async fn a_late_repeat_of_a_call_that_changed_nothing_does_not_undo_what_came_after() {
    let store = store_with(1).await;
    say(&store, said(1, score(0.5))).await;
    assert_eq!(facts(&say(&store, keyed(1, score(0.5), "k")).await), (Some(1), false, false, true));
    say(&store, said(1, score(0.9))).await;
    assert_eq!(facts(&say(&store, keyed(1, score(0.5), "k")).await), (Some(1), false, false, true));
    let rows = store.decision(id(1)).await.unwrap().unwrap().feedback;
    assert_eq!(rows.last().unwrap().feedback.reward, score(0.9));
}

#[tokio::test]
async fn a_new_score_of_the_same_source_revises_and_of_another_source_does_not() {
    let store = store_with(1).await;
    assert_eq!(facts(&say(&store, said(1, score(0.5))).await), (Some(1), true, false, false));
    assert_eq!(facts(&say(&store, said(1, score(0.5))).await), (Some(1), false, false, true));
    let judge = NewFeedback { source: FeedbackSource::Judge, ..said(1, score(0.5)) };
    assert_eq!(facts(&say(&store, judge).await), (Some(2), true, false, false));
    assert_eq!(facts(&say(&store, said(1, score(0.6))).await), (Some(3), true, true, false));
    assert_eq!(facts(&say(&store, said(1, score(0.6))).await), (Some(3), false, true, true));
    let rows = store.decision(id(1)).await.unwrap().unwrap().feedback;
    assert_eq!(
        rows.iter().map(|row| (row.number, row.supersedes)).collect::<Vec<_>>(),
        [(1, None), (2, None), (3, Some(1))]
    );
}

#[tokio::test]
async fn a_score_can_be_revoked_once_and_given_again() {
    let store = store_with(1).await;
    assert_eq!(facts(&say(&store, said(1, Reward::Revoked)).await), (None, false, false, false), "nothing to revoke");
    assert_eq!(facts(&say(&store, keyed(1, Reward::Revoked, "k")).await), (None, false, false, false));
    assert_eq!(facts(&say(&store, said(1, score(0.5))).await), (Some(1), true, false, false));
    assert_eq!(facts(&say(&store, keyed(1, Reward::Revoked, "k")).await), (None, false, false, true), "a late repeat");
    assert_eq!(facts(&say(&store, said(1, Reward::Revoked)).await), (Some(2), true, true, false));
    assert_eq!(facts(&say(&store, said(1, Reward::Revoked)).await), (Some(2), false, true, true));
    assert_eq!(facts(&say(&store, said(1, score(0.5))).await), (Some(3), true, true, false));
}

#[tokio::test]
async fn repeats_within_one_batch_are_seen() {
    let store = store_with(1).await;
    let answers = join_all((0..8).map(|_| store.append_feedback(keyed(1, score(0.5), "k")))).await;
    let answers: Vec<FeedbackReceipt> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(*store.feedback_committed().borrow(), 1, "it was one batch");
    assert!(answers[0].applied && answers[1..].iter().all(|a| !a.applied && a.repeated && a.number == Some(1)));
    let (up, down) =
        tokio::join!(store.append_feedback(said(1, score(1.0))), store.append_feedback(said(1, score(0.0))));
    assert_eq!(
        (facts(&up.unwrap()), facts(&down.unwrap())),
        ((Some(2), true, true, false), (Some(3), true, true, false))
    );
}

#[tokio::test]
async fn numbers_count_each_scope_by_itself() {
    let store = store_with(2).await;
    store.append_decision(decision_in("tenant", 3)).await.unwrap();
    let mut numbers = Vec::new();
    for n in [1, 3, 2] {
        numbers.push(say(&store, said(n, score(0.5))).await.number.unwrap());
    }
    assert_eq!(numbers, [1, 1, 2]);
}
