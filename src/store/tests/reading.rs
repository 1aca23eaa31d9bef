use super::*;

#[tokio::test]
async fn learning_events_carry_context_prior_and_what_they_replace() {
    let store = store_with(1).await;
    store.append_feedback(said(1, score(0.25))).await.unwrap();
    store.append_outcome(outcome(1, LARGE, OutcomeStatus::Ok)).await.unwrap();
    store.append_feedback(said(1, score(0.75))).await.unwrap();
    store.append_feedback(said(1, Reward::Revoked)).await.unwrap();
    let events = store.learning_events(&Scope::default(), 0, 10).await.unwrap();
    let first = &events[0];
    assert_eq!((first.number, first.model.as_str(), first.reward, first.prior), (1, SMALL, score(0.25), Some(0.7)));
    assert_eq!(
        (&first.context, first.difficulty, first.explored),
        (&decision(1).context, decision(1).difficulty, true)
    );
    assert_eq!((first.source, first.decision_id, &first.superseded), (FeedbackSource::User, id(1), &None));
    let (model, prior) = (ModelId::from(SMALL), Some(0.7));
    assert_eq!(events[1].superseded, Some(Superseded { number: 1, model, reward: score(0.25), prior }));
    assert_eq!((events[1].model.as_str(), events[1].prior), (LARGE, Some(0.1 + 0.7)), "exactly the stored prior");
    assert_eq!(
        (events[2].reward, events[2].superseded.as_ref().map(|s| s.reward)),
        (Reward::Revoked, Some(score(0.75)))
    );
}

#[tokio::test]
async fn a_model_that_was_excluded_or_no_candidate_has_no_prior() {
    let store = store_with(2).await;
    store.append_outcome(outcome(1, BARRED, OutcomeStatus::Ok)).await.unwrap();
    store.append_outcome(outcome(2, "acme/stranger", OutcomeStatus::Ok)).await.unwrap();
    for n in 1..=2 {
        store.append_feedback(said(n, score(0.5))).await.unwrap();
    }
    let events = store.learning_events(&Scope::default(), 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|e| e.prior).collect::<Vec<_>>(), [None, None]);
}

#[tokio::test]
async fn learning_events_come_by_number_page_by_page_and_of_one_scope() {
    let store = store_with(5).await;
    store.append_decision(decision_in("tenant", 9)).await.unwrap();
    for n in [5, 9, 1, 4, 2, 3] {
        store.append_feedback(said(n, score(0.5))).await.unwrap();
    }
    let scope = Scope::default();
    let mut seen = Vec::new();
    loop {
        let after = seen.last().map_or(0, |&(number, _)| number);
        let page = store.learning_events(&scope, after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|e| (e.number, e.decision_id)));
    }
    assert_eq!(seen, [(1, id(5)), (2, id(1)), (3, id(4)), (4, id(2)), (5, id(3))]);
}

#[tokio::test]
async fn only_the_newest_three_snapshots_of_a_scope_are_kept() {
    let store = store_with(0).await;
    let snapshot = |scope: &str, number: u64| Snapshot {
        scope: Scope::from(scope),
        number,
        version: 7,
        body: vec![0, 255, 10],
        at: UnixMillis(3),
    };
    assert_eq!(store.latest_snapshot(&Scope::default()).await.unwrap(), None);
    store.save_snapshot(snapshot("tenant", 1)).await.unwrap();
    for number in [10, 20, 40, 30, 50] {
        store.save_snapshot(snapshot("default", number)).await.unwrap();
    }
    let again = Snapshot { body: vec![1], ..snapshot("default", 50) };
    store.save_snapshot(again.clone()).await.unwrap();
    assert_eq!(store.latest_snapshot(&Scope::default()).await.unwrap(), Some(again));
    assert_eq!(store.latest_snapshot(&Scope::from("tenant")).await.unwrap(), Some(snapshot("tenant", 1)));
    assert_eq!(store.counts().await.unwrap().snapshots, 4);
}

#[tokio::test]
async fn scopes_are_listed_once_whether_they_have_decisions_or_snapshots() {
    let store = store_with(2).await;
    for (n, scope) in [(3, "b"), (4, "a"), (5, "b")] {
        store.append_decision(decision_in(scope, n)).await.unwrap();
    }
    let snapshot = Snapshot { scope: Scope::from("z"), number: 0, version: 1, body: vec![], at: UnixMillis(0) };
    store.save_snapshot(snapshot).await.unwrap();
    let scopes = store.scopes().await.unwrap();
    assert_eq!(scopes, ["a", "b", "default", "z"].map(Scope::from));
    assert_eq!(store_with(0).await.scopes().await.unwrap(), []);
}

#[tokio::test]
async fn an_export_pages_through_every_row_in_order() {
    let store = store_with(5).await;
    for n in 1..=5 {
        store.append_outcome(outcome(n, SMALL, OutcomeStatus::Ok)).await.unwrap();
        store.append_feedback(said(n, score(0.5))).await.unwrap();
    }
    let ids = |page: Vec<(u64, Decision)>| page.into_iter().map(|(seq, d)| (seq, d.id)).collect::<Vec<_>>();
    assert_eq!(ids(store.decisions_after(0, 2).await.unwrap()), [(1, id(1)), (2, id(2))]);
    assert_eq!(ids(store.decisions_after(2, 9).await.unwrap()), [(3, id(3)), (4, id(4)), (5, id(5))]);
    let outcomes = store.outcomes_after(4, 9).await.unwrap();
    assert_eq!(outcomes, [(5, outcome(5, SMALL, OutcomeStatus::Ok))]);
    let feedback = store.feedback_after(4, 9).await.unwrap();
    assert_eq!((feedback.len(), feedback[0].0, feedback[0].1.number), (1, 5, 5));
}

#[tokio::test]
async fn recent_decisions_come_newest_first_and_of_one_scope() {
    let store = store_with(3).await;
    store.append_decision(decision_in("tenant", 4)).await.unwrap();
    let recent = store.recent_decisions(&Scope::default(), 2).await.unwrap();
    assert_eq!(recent.iter().map(|d| d.id).collect::<Vec<_>>(), [id(3), id(2)]);
}

#[tokio::test]
async fn an_unknown_decision_reads_as_none() {
    assert_eq!(store_with(1).await.decision(id(2)).await.unwrap(), None);
}

#[tokio::test]
async fn every_variant_is_stored_under_a_name_that_reads_back() {
    let store = store_with(0).await;
    for (n, mode) in [(1, DecisionMode::Floor), (2, DecisionMode::Average), (3, DecisionMode::Budget)] {
        let mut given = decision(n);
        given.rule.mode = mode;
        store.append_decision(given.clone()).await.unwrap();
        assert_eq!(store.decision(id(n)).await.unwrap().unwrap().decision, given);
    }
    use OutcomeStatus::{Cancelled, Ok, Timeout, UpstreamError};
    for status in [Ok, UpstreamError, Timeout, Cancelled] {
        store.append_outcome(outcome(1, SMALL, status)).await.unwrap();
    }
    for source in FeedbackSource::ALL {
        store.append_feedback(NewFeedback { source, ..said(1, score(1.0)) }).await.unwrap();
    }
    let record = store.decision(id(1)).await.unwrap().unwrap();
    assert_eq!(record.outcomes.iter().map(|o| o.status).collect::<Vec<_>>(), [Ok, UpstreamError, Timeout, Cancelled]);
    assert_eq!(record.feedback.iter().map(|f| f.feedback.source).collect::<Vec<_>>(), FeedbackSource::ALL);
}

#[tokio::test]
async fn the_file_says_what_its_numbers_mean() {
    let meta = store_with(0).await.meta().await.unwrap();
    assert!(meta.contains(&("time".to_owned(), "milliseconds since the Unix epoch".to_owned())));
}
