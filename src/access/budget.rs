//! Money: what keys and tenants have spent and reserved in a calendar month, against what they may.
//!
//! The most that a call may come to is reserved before a provider is called and replaced by the bill afterwards, so that any
//! number of requests at once stays within the budget. Where so much is not left, less is reserved, and whoever calls bounds
//! the answer by that.

use super::{LimitScope, Month, Refusal};
use crate::domain::{UnixMillis, Usd};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Trillionths of a dollar. Whole numbers, so that a million small sums are exactly what they should be: in floating
/// point, a hundred thousand times $0.0001 is not $10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Picodollars(u128);

const PICO: f64 = 1e12;

impl Picodollars {
    fn nearest(usd: Usd) -> Self {
        Self((usd.get() * PICO).round() as u128)
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn usd(self) -> Usd {
        Usd::new(self.0 as f64 / PICO).unwrap_or(Usd::ZERO)
    }
}

/// What a call may come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stake {
    /// Probably. It counts as spent if nobody hears what became of the call.
    pub expected: Usd,
    /// The least that must be put aside: the answer that is expected, if the input is as dear as it can be.
    pub least: Usd,
    /// The most.
    pub most: Usd,
}

impl From<Usd> for Stake {
    /// Of a call whose cost is known.
    fn from(cost: Usd) -> Self {
        Self { expected: cost, least: cost, most: cost }
    }
}

/// A ledger that a request spends from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Purse {
    pub(super) scope: LimitScope,
    /// The budget for a month; without one, spending is only counted.
    pub(super) limit: Option<Usd>,
}

/// What a ledger holds for a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    /// Billed, or taken as billed.
    pub spent: Usd,
    /// Reserved for requests that still run.
    pub reserved: Usd,
}

/// Every ledger by month. Clones share it. One lock is held for a reservation on all ledgers that apply.
#[derive(Clone, Default)]
pub(super) struct Budgets(Arc<Mutex<Ledgers>>);

#[derive(Default)]
struct Ledgers {
    /// The latest month that was spent in.
    latest: Option<Month>,
    by_month: HashMap<(LimitScope, Month), Ledger>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Ledger {
    spent: Picodollars,
    reserved: Picodollars,
}

/// Where the most that calls may come to does not fit any more, each puts aside the share of what is left that lets so many
/// run at once.
const AT_ONCE: u128 = 8;

/// Money put aside for a request, in the month in which it was put aside. [`Reservation::settle`] replaces it by the bill,
/// [`Reservation::release`] gives it back. **Dropped without either, what was expected counts as spent:** a provider that was
/// called may send a bill even when its answer was lost.
#[must_use = "dropped, it counts as spent"]
pub struct Reservation {
    budgets: Budgets,
    purses: Vec<Purse>,
    month: Month,
    amount: Picodollars,
    expected: Picodollars,
}

impl Budgets {
    /// Enters what was spent before this process began.
    pub(super) fn add_spent(&self, scope: LimitScope, month: Month, usd: Usd) {
        let mut ledgers = self.lock();
        let ledger = ledgers.by_month.entry((scope, month)).or_default();
        ledger.spent = ledger.spent.plus(Picodollars::nearest(usd));
    }

    /// Puts money aside on all ledgers, or on none: the most that the call may come to, or less where that is not left.
    ///
    /// # Errors
    /// [`Refusal::BudgetExhausted`].
    pub(super) fn reserve(&self, purses: Vec<Purse>, stake: Stake, now: UnixMillis) -> Result<Reservation, Refusal> {
        let (month, least) = (Month::of(now), Picodollars::nearest(stake.least));
        let most = Picodollars::nearest(stake.most).max(least);
        let mut ledgers = self.lock();
        ledgers.reach(month);
        let amount = match ledgers.left(&purses, month) {
            Some(left) if left < most => least.max(Picodollars(left.0 / AT_ONCE)),
            _ => most,
        };
        ledgers.check(&purses, month, amount, now)?;
        ledgers.each(&purses, month, |ledger| ledger.reserved = ledger.reserved.plus(amount));
        drop(ledgers);
        let expected = Picodollars::nearest(stake.expected).min(amount);
        Ok(Reservation { budgets: self.clone(), purses, month, amount, expected })
    }

    /// Every ledger of a month that was used.
    pub(super) fn accounts(&self, month: Month) -> HashMap<LimitScope, Account> {
        let ledgers = self.lock();
        let of_month = ledgers.by_month.iter().filter(|((_, of), _)| *of == month);
        of_month.map(|((scope, _), ledger)| (scope.clone(), ledger.account())).collect()
    }

    /// Ledgers are whole between any two operations, so a panic elsewhere does no harm.
    fn lock(&self) -> MutexGuard<'_, Ledgers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn account(&self) -> Account {
        Account { spent: self.spent.usd(), reserved: self.reserved.usd() }
    }
}

impl Ledgers {
    /// Ends ledgers when a new month begins. Those of the two months before stay, as running requests settle with the month
    /// they began in, and as a clock that was wrong for a moment must not wipe a month.
    fn reach(&mut self, month: Month) {
        if self.latest.is_none_or(|latest| latest < month) {
            self.latest = Some(month);
            self.by_month.retain(|(_, of), _| of.next().next() >= month);
        }
    }

    /// What the tightest of the budgets has left; `None` without budgets.
    fn left(&self, purses: &[Purse], month: Month) -> Option<Picodollars> {
        let left = purses.iter().filter_map(|Purse { scope, limit }| {
            let ledger = self.by_month.get(&(scope.clone(), month)).copied().unwrap_or_default();
            Some(Picodollars::nearest((*limit)?).minus(ledger.spent.plus(ledger.reserved)))
        });
        left.min()
    }

    fn check(&self, purses: &[Purse], month: Month, more: Picodollars, now: UnixMillis) -> Result<(), Refusal> {
        for Purse { scope, limit } in purses {
            let Some(limit_usd) = *limit else { continue };
            let ledger = self.by_month.get(&(scope.clone(), month)).copied().unwrap_or_default();
            let used = ledger.spent.plus(ledger.reserved);
            if used.plus(more) > Picodollars::nearest(limit_usd) {
                let (scope, spent_usd, resets_at) = (scope.clone(), used.usd(), month.next().start());
                let wait = u64::try_from(resets_at.0.saturating_sub(now.0)).unwrap_or(0);
                let retry_after = Duration::from_millis(wait);
                return Err(Refusal::BudgetExhausted { scope, limit_usd, spent_usd, resets_at, retry_after });
            }
        }
        Ok(())
    }

    fn each(&mut self, purses: &[Purse], month: Month, change: impl Fn(&mut Ledger)) {
        for purse in purses {
            change(self.by_month.entry((purse.scope.clone(), month)).or_default());
        }
    }
}

impl Reservation {
    /// What is put aside: the call must not cost more.
    #[must_use]
    pub fn amount(&self) -> Usd {
        self.amount.usd()
    }

    /// Puts aside the most that another call may come to, if that is more: before a dearer model is tried.
    ///
    /// # Errors
    /// [`Refusal::BudgetExhausted`]; what was put aside stays so.
    pub fn raise(&mut self, stake: impl Into<Stake>, now: UnixMillis) -> Result<(), Refusal> {
        let stake = stake.into();
        let more = Picodollars::nearest(stake.most).minus(self.amount);
        let mut ledgers = self.budgets.lock();
        ledgers.check(&self.purses, self.month, more, now)?;
        ledgers.each(&self.purses, self.month, |ledger| ledger.reserved = ledger.reserved.plus(more));
        drop(ledgers);
        self.amount = self.amount.plus(more);
        self.expected = self.expected.max(Picodollars::nearest(stake.expected)).min(self.amount);
        Ok(())
    }

    /// The bill is known.
    pub fn settle(mut self, actual: Usd) {
        self.end(Picodollars::nearest(actual));
    }

    /// No provider can send a bill: none was called, or it refused.
    pub fn release(mut self) {
        self.end(Picodollars::default());
    }

    /// Ends it once; what drops afterwards finds no ledger left to change.
    fn end(&mut self, spent: Picodollars) {
        let (purses, reserved) = (std::mem::take(&mut self.purses), self.amount);
        self.budgets.lock().each(&purses, self.month, |ledger| {
            ledger.reserved = ledger.reserved.minus(reserved);
            ledger.spent = ledger.spent.plus(spent);
        });
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.end(self.expected);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purses, month, amount, .. } = self;
        f.debug_struct("Reservation").field("purses", purses).field("month", month).field("amount", amount).finish()
    }
}
