//! The same cases through Open Bandit Pipeline 0.4.1; written by `training/peers/ope_obp.py`.

use crate::ope::{Estimator, Evaluation, Log, Metric, Policy, Predictions, Round, WeightBound};
use satisfice::domain::{Propensity, Quality, Usd};

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    tau: f64,
    lambda: f64,
    action: Vec<usize>,
    pscore: Vec<f64>,
    reward: Vec<f64>,
    action_dist: Vec<Vec<f64>>,
    q_hat: Vec<Vec<f64>>,
    ips: f64,
    snips: f64,
    dm: f64,
    dr: f64,
    switch_dr: f64,
    dr_os: f64,
}

impl Case {
    fn log(&self) -> Log {
        let rounds = self.action.iter().zip(&self.pscore).zip(&self.reward).zip(&self.q_hat);
        let round = |(((&chosen, &pscore), &reward), q): (((&usize, &f64), &f64), &Vec<f64>)| Round {
            arms: q.len(),
            chosen,
            propensity: Propensity::new(pscore).unwrap(),
            reward: Some(Quality::new(reward).unwrap()),
            cost_usd: Usd::ZERO,
        };
        Log::new(rounds.map(round).collect()).unwrap()
    }

    fn expected(&self) -> [(Estimator, f64); 6] {
        [
            (Estimator::Ips, self.ips),
            (Estimator::Snips, self.snips),
            (Estimator::Dm, self.dm),
            (Estimator::Dr, self.dr),
            (Estimator::SwitchDr { tau: self.tau }, self.switch_dr),
            (Estimator::DrOs { lambda: self.lambda }, self.dr_os),
        ]
    }
}

#[test]
fn estimates_are_those_of_open_bandit_pipeline() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../fixtures/obp_cases.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let (log, predictions) = (case.log(), Predictions(case.q_hat.clone()));
        let policy = Policy::new(case.action_dist.clone()).unwrap();
        let bound = WeightBound::from_floor(0.001).unwrap();
        let evaluation = Evaluation::new(&log, Metric::Quality, bound, Some(&predictions)).unwrap();
        for (estimator, expected) in case.expected() {
            let ours = evaluation.terms(&policy, estimator).unwrap().mean();
            assert!((ours - expected).abs() < 1e-6, "{} {estimator:?}: ours {ours}, obp {expected}", case.name);
        }
    }
}
