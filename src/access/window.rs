//! What went through in the last minute: an exact log, neither an average nor a minute of the clock.

use std::collections::VecDeque;

/// How long what went through counts, milliseconds.
pub(super) const MINUTE_MS: i64 = 60_000;

/// Amounts by the millisecond. What is recorded at `t` counts from `t` until just before `t + 60 s`.
///
/// Amounts of one millisecond are summed. Times have no finer grain, so no window can tell the difference, and there are
/// never more than 60 000 entries.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// By time, which never repeats.
    entries: VecDeque<Entry>,
    sum: u64,
}

#[derive(Debug)]
struct Entry {
    at: i64,
    amount: u64,
}

impl Window {
    /// Forgets what no longer counts at `now`.
    pub(super) fn slide(&mut self, now: i64) {
        while let Some(entry) = self.entries.pop_front_if(|entry| now.saturating_sub(entry.at) >= MINUTE_MS) {
            self.sum -= entry.amount;
        }
    }

    /// Moves everything to earlier times, after the clock was set back.
    pub(super) fn set_back(&mut self, by: i64) {
        for entry in &mut self.entries {
            entry.at = entry.at.saturating_sub(by);
        }
    }

    /// What counts now.
    pub(super) const fn sum(&self) -> u64 {
        self.sum
    }

    /// Milliseconds until `amount` more stays within `limit`, 0 if it does now; `None` if it never will.
    pub(super) fn wait(&self, now: i64, amount: u64, limit: u64) -> Option<i64> {
        if amount > limit {
            return None;
        }
        let mut excess = self.sum.saturating_add(amount).saturating_sub(limit);
        for entry in &self.entries {
            if excess == 0 {
                break;
            }
            if entry.amount >= excess {
                return Some(entry.at.saturating_add(MINUTE_MS).saturating_sub(now));
            }
            excess -= entry.amount;
        }
        Some(0)
    }

    /// Milliseconds until nothing counts any more.
    pub(super) fn empty_in(&self, now: i64) -> i64 {
        self.entries.back().map_or(0, |newest| newest.at.saturating_add(MINUTE_MS).saturating_sub(now))
    }

    /// Records; `at` is not before anything recorded.
    pub(super) fn add(&mut self, at: i64, amount: u64) {
        let amount = amount.min(u64::MAX - self.sum);
        match self.entries.back_mut() {
            _ if amount == 0 => {}
            Some(newest) if newest.at == at => newest.amount += amount,
            _ => self.entries.push_back(Entry { at, amount }),
        }
        self.sum += amount;
    }

    /// Takes back a part of what was recorded at `at`, if it still counts.
    pub(super) fn take_back(&mut self, at: i64, amount: u64) {
        if let Ok(place) = self.entries.binary_search_by_key(&at, |entry| entry.at) {
            let entry = &mut self.entries[place];
            let amount = amount.min(entry.amount);
            entry.amount -= amount;
            self.sum -= amount;
        }
    }
}
