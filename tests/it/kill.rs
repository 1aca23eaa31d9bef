//! kill -9 under concurrent routing and feedback: nothing acknowledged is lost, nothing is applied twice, and the posterior
//! after a restart is the fold of the log to the bit.
//!
//! `KILL_ROUNDS` sets the number of rounds (default 8 in the suite; `just kill-test` runs 200).

use satisfice::{
    domain::{Reward, Scope},
    policy::LearningRates,
    router::{LearnerStatus, fold_log},
    store::{Reader, Store},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What the service said it had done.
#[derive(Default)]
struct Told {
    /// Scores by decision.
    feedback: BTreeMap<String, f64>,
    /// Decisions.
    decided: BTreeSet<String>,
    /// Decisions whose answers came whole.
    answered: BTreeSet<String>,
}

type Acknowledged = Arc<Mutex<Told>>;

struct Service {
    child: Child,
    base: String,
}

impl Service {
    /// Starts the binary on a free port and waits until it is ready.
    async fn start(client: &reqwest::Client, data: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let base = format!("http://127.0.0.1:{port}");
        let child = Command::new(env!("CARGO_BIN_EXE_satisfice"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(data)
            // Answers come within a round.
            .env("SATISFICE_SIMULATED_SPEED", "1000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the service starts");
        let mut service = Self { child, base };
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let ready = client.get(format!("{}/readyz", service.base)).send().await;
            if ready.is_ok_and(|r| r.status().is_success()) {
                return service;
            }
            let gone = service.child.try_wait().expect("its state can be asked");
            assert!(gone.is_none(), "the service ended: {gone:?}");
            assert!(Instant::now() < deadline, "the service is not ready after 60 s");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn learner(&self, client: &reqwest::Client) -> Value {
        let ready = client.get(format!("{}/readyz", self.base)).send().await.expect("it answers");
        ready.json::<Value>().await.expect("JSON")["scopes"][0].clone()
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL can be sent");
        self.child.wait().expect("it is gone");
    }
}

/// Routes and scores until the service is gone; remembers what was acknowledged.
async fn traffic(client: reqwest::Client, base: String, seed: u64, acknowledged: Acknowledged) {
    for n in 0.. {
        let body = json!({"input": format!("What is {seed} plus {n}?")});
        let Ok(answer) = client.post(format!("{base}/v1/route")).json(&body).send().await else { return };
        let Ok(decision) = answer.json::<Value>().await else { return };
        let Some(id) = decision["decision_id"].as_str() else { continue };
        acknowledged.lock().expect("no panic held it").decided.insert(id.to_owned());
        let score = ((seed + n) % 11) as f64 / 10.0;
        let feedback = json!({"decision_id": id, "score": score, "source": "tests"});
        let sent = client.post(format!("{base}/v1/feedback")).json(&feedback).send().await;
        match sent {
            Ok(answer) if answer.status().is_success() => {
                acknowledged.lock().expect("no panic held it").feedback.insert(id.to_owned(), score);
            }
            Ok(_) => {}
            Err(_) => return,
        }
        let body = json!({"messages": [{"role": "user", "content": format!("Say {n}.")}]});
        let Ok(answer) = client.post(format!("{base}/v1/chat/completions")).json(&body).send().await else { return };
        let id = answer.headers().get("x-satisfice-decision-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let is_good = answer.status().is_success();
        if let (Some(id), true, Ok(_)) = (id, is_good, answer.json::<Value>().await) {
            acknowledged.lock().expect("no panic held it").answered.insert(id);
        }
    }
}

/// What was told stands in the log: every score with its value, every decision, and one outcome of each whole answer.
fn check_told(
    told: &Told,
    rows: &BTreeMap<String, Vec<Reward>>,
    decided: &BTreeSet<String>,
    answered: &BTreeMap<String, usize>,
) {
    let lost: Vec<_> = told.decided.union(&told.answered).filter(|id| !decided.contains(*id)).collect();
    assert!(lost.is_empty(), "decisions that were told and are lost: {lost:?}");
    for id in &told.answered {
        assert_eq!(answered.get(id), Some(&1), "outcomes of {id}, whose answer came whole");
    }
    assert!(answered.values().all(|&outcomes| outcomes == 1), "an outcome stands in the log twice");
    for (id, score) in &told.feedback {
        let found = rows.get(id).map(Vec::as_slice);
        assert!(
            matches!(found, Some([Reward::Score(q)]) if q.get() == *score),
            "acknowledged {id} = {score}, in the log: {found:?}"
        );
    }
}

/// Every acknowledged score stands in the log once, with its value; the log is sound.
async fn check_log(log: &Path, acknowledged: &Acknowledged) -> (u64, LearnerStatus) {
    let reader = Store::open_read_only(log).await.expect("the log opens");
    let report = reader.check().await.expect("the log can be checked");
    assert!(report.is_sound(), "{report:?}");
    let (mut rows, mut after) = (BTreeMap::<String, Vec<Reward>>::new(), 0);
    loop {
        let page = reader.feedback_after(after, 5000).await.expect("the log reads");
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, row) in page {
            rows.entry(row.feedback.decision_id.to_string()).or_default().push(row.feedback.reward);
        }
    }
    let (decided, answered) = (ids(&reader).await, served(&reader).await);
    check_told(&acknowledged.lock().expect("no panic held it"), &rows, &decided, &answered);
    assert!(rows.values().all(|r| r.len() == 1), "a feedback stands in the log twice");
    let scope = Scope::default();
    let fresh = satisfice::policy::Posterior::new(LearningRates::default());
    let whole = fold_log(&reader, &scope, fresh).await.expect("the log folds");
    (rows.len() as u64, LearnerStatus::of(&scope, &whole))
}

/// Every decision in the log.
async fn ids(reader: &Reader) -> BTreeSet<String> {
    let (mut ids, mut after) = (BTreeSet::new(), 0);
    loop {
        let page = reader.decisions_after(after, 5000).await.expect("the log reads");
        let Some((last, _)) = page.last() else { return ids };
        after = *last;
        ids.extend(page.iter().map(|(_, decision)| decision.id.to_string()));
    }
}

/// How many outcomes each decision has.
async fn served(reader: &Reader) -> BTreeMap<String, usize> {
    let (mut served, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = reader.outcomes_after(after, 5000).await.expect("the log reads");
        let Some((last, _)) = page.last() else { return served };
        after = *last;
        for (_, outcome) in page {
            *served.entry(outcome.decision_id.to_string()).or_default() += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_replay_equals_live_after_kill_9() {
    let rounds: u64 = std::env::var("KILL_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(8);
    // The real encoder must be in the cache before the clock of the first round runs.
    let _ = crate::support::real_encoder();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    let data = tempfile::tempdir().expect("a temporary folder");
    let log = data.path().join("satisfice.db");
    let acknowledged = Acknowledged::default();
    for round in 0..rounds {
        let service = Service::start(&client, data.path()).await;
        if round > 0 {
            let (rows, replayed) = check_log(&log, &acknowledged).await;
            let live = service.learner(&client).await;
            assert_eq!(live["version"].as_u64(), Some(replayed.version), "round {round}, {rows} rows");
            assert_eq!(
                live["digest"].as_str(),
                Some(replayed.digest.as_str()),
                "round {round}: live is not the replay"
            );
        }
        let workers: Vec<_> = (0..6)
            .map(|w| {
                let (base, seed) = (service.base.clone(), round * 100 + w);
                tokio::spawn(traffic(client.clone(), base, seed, Arc::clone(&acknowledged)))
            })
            .collect();
        // A different moment in every round.
        tokio::time::sleep(Duration::from_millis(120 + (round * 37) % 180)).await;
        service.kill();
        for worker in workers {
            worker.await.expect("no worker panics");
        }
    }
    // What the last one left in its journal is taken over at the next start.
    Service::start(&client, data.path()).await.kill();
    let (rows, replayed) = check_log(&log, &acknowledged).await;
    let told = acknowledged.lock().expect("no panic held it");
    let Told { feedback, decided, answered } = &*told;
    let (count, decided, answered) = (feedback.len(), decided.len(), answered.len());
    println!(
        "{rounds} kills: {count} feedbacks acknowledged, {rows} in the log, posterior {}; {decided} decisions and {answered} \
         answers told, all in the log, each once",
        replayed.digest
    );
    assert!(count.min(answered) as u64 >= rounds, "there was traffic");
}
