//! Calendar months, UTC.

use crate::domain::UnixMillis;
use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{Offset, TimeZone},
};

/// A calendar month in UTC. Orders by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month of a moment. Moments beyond the years that the calendar knows (±9999) count to its nearest month.
    #[must_use]
    pub fn of(at: UnixMillis) -> Self {
        let nearest = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let at = Timestamp::from_millisecond(at.0).unwrap_or(nearest);
        Self(Offset::UTC.to_datetime(at).date().first_of_month())
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> UnixMillis {
        let midnight = self.0.to_zoned(TimeZone::UTC);
        UnixMillis(midnight.map_or(i64::MIN, |midnight| midnight.timestamp().as_millisecond()))
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1.month()).first_of_month())
    }
}
