//! Random histories against a model of a few maps: the store must answer as the model does, whatever shares a batch.

use super::*;
use proptest::{prelude::*, sample::select};
use std::collections::BTreeMap;

const DECISIONS: u64 = 4;

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    Feedback(NewFeedback),
    Served(u64, &'static str),
}

fn scope_of(n: u64) -> &'static str {
    if n.is_multiple_of(2) { "even" } else { "odd" }
}

fn feedback() -> impl Strategy<Value = Step> {
    let reward = select(vec![score(0.0), score(0.5), score(1.0), Reward::Revoked]);
    let key = proptest::option::of(select(vec!["k1", "k2", "k3"]));
    (1..=DECISIONS + 1, select(FeedbackSource::ALL.to_vec()), reward, key).prop_map(|(n, source, reward, key)| {
        let idempotency_key = key.map(str::to_owned);
        Step::Feedback(NewFeedback { source, idempotency_key, ..said(n, reward) })
    })
}

fn step() -> impl Strategy<Value = Step> {
    let served = (1..=DECISIONS, select(vec![SMALL, LARGE])).prop_map(|(n, model)| Step::Served(n, model));
    prop_oneof![6 => feedback(), 1 => served]
}

/// What the model answers: `None` for an error, else (number, model, applied, revised, repeated).
type Answer = Option<(Option<u64>, String, bool, bool, bool)>;

#[derive(Default)]
struct Model {
    served: BTreeMap<u64, String>,
    /// Rows of each scope: (decision, source, reward, model, supersedes).
    rows: BTreeMap<&'static str, Vec<Row>>,
    keys: BTreeMap<(u64, String), (FeedbackSource, Reward, Answer)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    n: u64,
    source: FeedbackSource,
    reward: Reward,
    model: String,
    supersedes: Option<u64>,
}

impl Model {
    fn say(&mut self, new: &NewFeedback) -> Answer {
        let n = (1..=DECISIONS).find(|&n| new.target == FeedbackTarget::Decision(id(n)))?;
        let key = new.idempotency_key.clone().map(|key| (n, key));
        if let Some((source, reward, first)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            let same = (*source, *reward) == (new.source, new.reward);
            let again = first.clone().map(|(number, model, _, revised, _)| (number, model, false, revised, true));
            return if same { again } else { None };
        }
        let answer = Some(self.settle(n, new));
        if let Some(key) = key {
            self.keys.insert(key, (new.source, new.reward, answer.clone()));
        }
        answer
    }

    fn settle(&mut self, n: u64, new: &NewFeedback) -> (Option<u64>, String, bool, bool, bool) {
        let rows = self.rows.entry(scope_of(n)).or_default();
        let standing = rows.iter().rposition(|row| row.n == n && row.source == new.source);
        let model = self.served.get(&n).cloned().unwrap_or_else(|| SMALL.to_owned());
        let supersedes = match standing {
            Some(at) if rows[at].reward == new.reward => {
                return (Some(at as u64 + 1), rows[at].model.clone(), false, rows[at].supersedes.is_some(), true);
            }
            None if new.reward == Reward::Revoked => return (None, model, false, false, false),
            standing => standing.map(|at| at as u64 + 1),
        };
        rows.push(Row { n, source: new.source, reward: new.reward, model: model.clone(), supersedes });
        (Some(rows.len() as u64), model, true, supersedes.is_some(), false)
    }

    fn step(&mut self, step: &Step) -> Answer {
        match step {
            Step::Feedback(new) => self.say(new),
            Step::Served(n, model) => {
                self.served.insert(*n, (*model).to_owned());
                None
            }
        }
    }
}

async fn answer_of(store: &Store, step: Step) -> Answer {
    match step {
        Step::Feedback(new) => {
            let receipt = store.append_feedback(new).await.ok()?;
            let model = receipt.model.as_str().to_owned();
            Some((receipt.number, model, receipt.applied, receipt.revised, receipt.repeated))
        }
        Step::Served(n, model) => {
            store.append_outcome(outcome(n, model, OutcomeStatus::Ok)).await.unwrap();
            None
        }
    }
}

/// The rows of a scope as the learner is shown them.
async fn rows_of(store: &Store, scope: &str) -> Vec<Row> {
    let events = store.learning_events(&Scope::from(scope), 0, 1000).await.unwrap();
    assert!(events.iter().zip(1..).all(|(event, number)| event.number == number), "no gaps");
    events
        .into_iter()
        .map(|e| Row {
            n: (1..=DECISIONS).find(|&n| id(n) == e.decision_id).unwrap(),
            source: e.source,
            reward: e.reward,
            model: e.model.as_str().to_owned(),
            supersedes: e.superseded.map(|s| s.number),
        })
        .collect()
}

/// Plays a history in batches: what is polled together waits together, in order, before the writer runs.
async fn play(batches: Vec<Vec<Step>>) {
    let store = Store::in_memory().await.unwrap();
    for n in 1..=DECISIONS {
        store.append_decision(decision_in(scope_of(n), n)).await.unwrap();
    }
    let mut model = Model::default();
    for batch in batches {
        let expected: Vec<Answer> = batch.iter().map(|step| model.step(step)).collect();
        let answers = join_all(batch.into_iter().map(|step| answer_of(&store, step))).await;
        assert_eq!(answers, expected);
    }
    for (scope, rows) in model.rows {
        assert_eq!(rows_of(&store, scope).await, rows);
    }
    assert!(store.check().await.unwrap().is_sound());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_history_is_answered_as_the_model_answers(
        batches in proptest::collection::vec(proptest::collection::vec(step(), 1..8), 1..12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(batches));
    }
}
