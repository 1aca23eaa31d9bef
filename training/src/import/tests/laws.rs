//! What holds for any observations and scales.

use crate::import::{Scale, intake::Observation, merge::merge};
use proptest::prelude::*;

/// Few queries, texts and models, so that many coincide. Scores are quarters: their sums are exact in any order.
fn observation() -> impl Strategy<Value = Observation> {
    (0..6u32, 0..3u32, 0..=4u32).prop_map(|(query, model, quarters)| Observation {
        query_id: format!("q{query}"),
        // Two ids a text.
        query: format!("text {}", query / 2).into(),
        model: format!("m{model}"),
        score: f64::from(quarters) / 4.0,
        ..Observation::default()
    })
}

fn scale() -> impl Strategy<Value = (f64, f64)> {
    (-100.0..100.0, 0.1..100.0).prop_map(|(worst, width)| (worst, worst + width))
}

proptest! {
    #[test]
    fn merging_does_not_depend_on_the_order(all in prop::collection::vec(observation(), 1..40)) {
        let reversed: Vec<Observation> = all.iter().rev().cloned().collect();
        let (one, other) = (merge(&all, true).unwrap(), merge(&reversed, true).unwrap());
        prop_assert_eq!(&one.rows, &other.rows);
        prop_assert_eq!(&one.queries, &other.queries);
        prop_assert_eq!(one.rows.len() + one.duplicates, all.len());
    }

    #[test]
    fn every_row_has_its_query_and_a_score_between_0_and_1(all in prop::collection::vec(observation(), 1..40), by_text: bool) {
        let merged = merge(&all, by_text).unwrap();
        for ((id, _), row) in &merged.rows {
            prop_assert!(merged.queries.contains_key(id));
            prop_assert!((0.0..=1.0).contains(&row.score.mean().unwrap()));
        }
    }

    #[test]
    fn a_scale_maps_its_ends_to_0_and_1_and_keeps_the_order((worst, best) in scale(), a in 0.0..=1.0f64, b in 0.0..=1.0f64) {
        let scale: Scale = format!("{worst}..{best}").parse().unwrap();
        prop_assert_eq!((scale.unit(worst), scale.unit(best)), (Some(0.0), Some(1.0)));
        let at = |share: f64| scale.unit((worst + share * (best - worst)).min(best)).unwrap();
        prop_assert!((a <= b) == (at(a) <= at(b)) || at(a) == at(b));
        prop_assert!((0.0..=1.0).contains(&at(a)));
    }
}
