use super::*;

fn at(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

#[test]
fn months_begin_at_midnight_in_utc() {
    let month = Month::of(at("2026-12-31T23:59:59.999Z"));
    assert_eq!((month.start(), month.next().start()), (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z")));
    assert_eq!(Month::of(at("2027-01-01T00:00:00Z")), month.next());
    assert_eq!(Month::of(at("2028-02-29T12:00:00Z")).next().start(), at("2028-03-01T00:00:00Z"));
    assert!(month < month.next());
}

#[test]
fn no_time_is_out_of_the_calendar() {
    for odd in [i64::MIN, -1, 0, i64::MAX] {
        let month = Month::of(UnixMillis(odd));
        assert!(month <= month.next(), "{odd}");
    }
}
