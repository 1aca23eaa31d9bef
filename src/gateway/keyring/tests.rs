use super::*;
use proptest::prelude::*;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn tried(keys: &[usize]) -> KeySet {
    let mut set = KeySet::default();
    keys.iter().for_each(|&key| set.insert(key));
    set
}

fn model() -> ModelId {
    ModelId::from("acme/model")
}

const NONE: KeySet = KeySet(0);

#[test]
fn keys_take_turns() {
    let (ring, now) = (KeyRing::new(3), Instant::now());
    let picks: Vec<Pick> = (0..6).map(|_| ring.pick(&model(), now, NONE)).collect();
    assert_eq!(picks, [0, 1, 2, 0, 1, 2].map(Pick::Key));
}

#[test]
fn a_limited_key_rests_as_long_as_the_provider_says() {
    let (ring, now) = (KeyRing::new(2), Instant::now());
    ring.rate_limited(0, &model(), now, Some(secs(7)));
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Key(1));
    assert_eq!(ring.pick(&model(), now + secs(6), NONE), Pick::Key(1));
    assert_eq!(ring.pick(&model(), now + secs(7), NONE), Pick::Key(0));
    ring.rate_limited(0, &model(), now, Some(Duration::MAX));
    assert_eq!(ring.pick(&model(), now + secs(3600), tried(&[1])), Pick::Key(0), "an absurd pause is cut");
}

#[test]
fn unstated_rests_double_until_the_key_works() {
    let (ring, mut now) = (KeyRing::new(1), Instant::now());
    for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
        ring.rate_limited(0, &model(), now, None);
        assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(rest) });
        now += secs(rest);
        assert_eq!(ring.pick(&model(), now, NONE), Pick::Key(0));
    }
    ring.worked(0, &model(), now);
    ring.rate_limited(0, &model(), now, None);
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(1) });
}

#[test]
fn calls_refused_together_count_once() {
    let (ring, now) = (KeyRing::new(1), Instant::now());
    (0..50).for_each(|_| ring.rate_limited(0, &model(), now, None));
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(1) });
    ring.worked(0, &model(), now);
    assert_eq!(
        ring.pick(&model(), now, NONE),
        Pick::Resting { until: now + secs(1) },
        "a late answer does not wake it"
    );
}

#[test]
fn a_limit_on_one_model_leaves_the_key_to_the_others_and_a_refusal_does_not() {
    let (ring, now, other) = (KeyRing::new(1), Instant::now(), ModelId::from("acme/other"));
    ring.rate_limited(0, &model(), now, Some(secs(7)));
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(7) });
    assert_eq!(ring.pick(&other, now, NONE), Pick::Key(0));
    assert_eq!((ring.resting_until(&model(), now), ring.resting_until(&other, now)), (Some(now + secs(7)), None));
    ring.worked(0, &other, now);
    assert_eq!(ring.resting_until(&model(), now), Some(now + secs(7)), "what the other model does is its own");
    ring.refused(0, now);
    assert_eq!(ring.pick(&other, now, NONE), Pick::Resting { until: now + secs(300) });
}

#[test]
fn a_refused_key_rests_five_minutes_and_a_429_does_not_shorten_that() {
    let (ring, now) = (KeyRing::new(1), Instant::now());
    ring.refused(0, now);
    ring.rate_limited(0, &model(), now, Some(secs(1)));
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(300) });
    assert_eq!(ring.pick(&model(), now + secs(300), NONE), Pick::Key(0));
}

#[test]
fn the_first_key_to_be_back_is_named_and_a_request_that_tried_all_is_told_so() {
    let (ring, now) = (KeyRing::new(3), Instant::now());
    ring.rate_limited(0, &model(), now, Some(secs(9)));
    ring.rate_limited(1, &model(), now, Some(secs(5)));
    ring.refused(2, now);
    assert_eq!(ring.pick(&model(), now, NONE), Pick::Resting { until: now + secs(5) });
    assert_eq!(ring.pick(&model(), now, tried(&[1])), Pick::Resting { until: now + secs(9) });
    assert_eq!(ring.pick(&model(), now + secs(5), tried(&[1])), Pick::Resting { until: now + secs(9) });
    assert_eq!(ring.pick(&model(), now, tried(&[0, 1, 2])), Pick::Exhausted);
}

#[test]
fn a_provider_without_keys_has_a_ring_of_one_and_too_many_are_cut() {
    let now = Instant::now();
    assert_eq!(KeyRing::new(0).pick(&model(), now, NONE), Pick::Key(0));
    let ring = KeyRing::new(1000);
    assert!((0..200).all(|_| matches!(ring.pick(&model(), now, NONE), Pick::Key(key) if key < MAX_KEYS)));
    ring.refused(999, now);
    assert!(!tried(&[64, 999, usize::MAX]).contains(64));
}

proptest! {
    #[test]
    fn a_pick_neither_rests_nor_was_tried(
        keys in 1..8_usize,
        events in prop::collection::vec((0..8_usize, 0..4_u8, 0..20_u64), 0..40),
        used in prop::collection::vec(0..8_usize, 0..8),
    ) {
        let (ring, mut now) = (KeyRing::new(keys), Instant::now());
        let mut back = vec![now; keys];
        for (key, event, seconds) in events {
            let key = key % keys;
            match event {
                0 => now += secs(seconds),
                1 => ring.worked(key, &model(), now),
                2 => {
                    ring.refused(key, now);
                    back[key] = back[key].max(now + secs(300));
                }
                _ => {
                    ring.rate_limited(key, &model(), now, Some(secs(seconds)));
                    back[key] = back[key].max(now + secs(seconds));
                }
            }
        }
        let used = tried(&used);
        let open: Vec<usize> = (0..keys).filter(|&key| !used.contains(key)).collect();
        match ring.pick(&model(), now, used) {
            Pick::Key(key) => prop_assert!(open.contains(&key) && back[key] <= now),
            Pick::Resting { until } => {
                prop_assert_eq!(open.iter().map(|&key| back[key]).min(), Some(until));
                prop_assert!(until > now);
            }
            Pick::Exhausted => prop_assert!(open.is_empty()),
        }
    }
}
