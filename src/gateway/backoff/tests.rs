use super::*;
use proptest::prelude::*;

const BACKOFF: Backoff = Backoff::new(Duration::from_millis(500));

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn pauses_double_up_to_the_cap_and_are_spread_by_a_fifth() {
    let now = Instant::now();
    let pauses = |uniform| -> Vec<u128> {
        (0..6).filter_map(|n| BACKOFF.pause(n, uniform, None, now, None)).map(|p| p.as_millis()).collect()
    };
    assert_eq!(pauses(0.5), [500, 1000, 2000, 4000, 5000, 5000]);
    assert_eq!(pauses(0.0), [400, 800, 1600, 3200, 4000, 4000]);
    assert_eq!(pauses(1.0), [600, 1200, 2400, 4800, 6000, 6000]);
}

#[test]
fn a_stated_pause_is_kept_and_one_beyond_the_cap_is_not_waited_for() {
    let now = Instant::now();
    let pause = |stated| BACKOFF.pause(0, 0.5, Some(ms(stated)), now, None);
    assert_eq!(pause(3000), Some(ms(3000)));
    assert_eq!(pause(100), Some(ms(500)));
    assert_eq!(pause(5001), None);
}

#[test]
fn a_pause_that_would_not_end_before_the_deadline_is_not_begun() {
    let now = Instant::now();
    let pause = |left| BACKOFF.pause(0, 0.5, None, now, Some(now + ms(left)));
    assert_eq!(pause(501), Some(ms(500)));
    assert_eq!(pause(500), None);
    assert_eq!(BACKOFF.pause(0, 0.5, Some(ms(600)), now, Some(now + ms(550))), None);
}

#[test]
fn without_pauses_retries_follow_at_once() {
    let now = Instant::now();
    assert_eq!(Backoff::new(Duration::ZERO).pause(9, 0.7, None, now, None), Some(Duration::ZERO));
}

proptest! {
    #[test]
    fn no_numbers_break_it_and_the_deadline_holds(
        base in any::<u64>(), n in any::<u32>(), uniform in any::<f64>(), stated in any::<Option<u64>>(), left in 0..100_000_u64,
    ) {
        let now = Instant::now();
        let backoff = Backoff::new(Duration::from_millis(base));
        let stated = stated.map(Duration::from_millis);
        if let Some(pause) = backoff.pause(n, uniform, stated, now, Some(now + ms(left))) {
            prop_assert!(pause < ms(left));
            prop_assert!(stated.is_none_or(|stated| pause >= stated));
        }
    }
}
