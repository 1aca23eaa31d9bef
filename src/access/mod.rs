//! Who may call, how much, and for how much money.
//!
//! [`Access`] knows the keys in force, what they used in the last minute and what they spent this month; it decides in
//! memory and at once. [`KeyBook`] keeps the keys: each change is committed first and in force afterwards, without a
//! restart. Time is an argument everywhere; the only randomness is [`draw_key_bytes`].

mod admin;
mod book;
mod budget;
mod caller;
mod key;
mod month;
mod rate;
mod refusal;
mod rules;
mod scope;
mod table;
mod usage;
mod window;

pub use admin::{AdminKey, WeakAdminKey};
pub use book::{BookError, IssuedKey, KeyBook, NewKey};
pub use budget::{Account, Reservation, Stake};
pub use caller::Caller;
pub use key::{ApiKey, KEY_BYTES, NoRandomness, draw_key_bytes, is_key_id};
pub use month::Month;
pub use rate::{Allowance, Headroom, Permit};
pub use refusal::{Named, Quantity, Refusal};
pub use rules::{ModelLimits, RequireKey, Rules, TenantLimits};
pub use scope::LimitScope;
pub use usage::{KeyUsage, TenantUsage, Usage};

use crate::domain::{KeyHash, KeyId, KeyRecord, ModelId, Spent, UnixMillis};
use arc_swap::ArcSwap;
use budget::Budgets;
use rate::Rates;
use std::{net::SocketAddr, sync::Arc};
use table::KeyTable;

/// A request at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The policy or model it asks for; `auto` asks for the policy `default`.
    pub named: Named,
    /// Tokens that it will about use: its input, and as much output as it may take.
    pub tokens: u64,
    /// When.
    pub now: UnixMillis,
}

/// The address can be reached from other machines, and callers are asked for no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} can be reached from other machines, and without any API key everybody there could spend your money: make a key \
     with `satisfice keys create NAME`, or set SATISFICE_ADMIN_KEY, or listen on 127.0.0.1"
)]
pub struct OpenToAll(pub SocketAddr);

/// Decides who may call. Clones share it.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    rules: Rules,
    keys: ArcSwap<KeyTable>,
    rates: Rates,
    budgets: Budgets,
}

impl Access {
    /// Puts `keys` in force. `spent` is what the month of `now` has cost so far, summed from the log.
    #[must_use]
    pub fn new(rules: Rules, keys: Vec<KeyRecord>, spent: &[Spent], now: UnixMillis) -> Self {
        let (keys, budgets, month) = (KeyTable::new(keys), Budgets::default(), Month::of(now));
        for Spent { caller, usd } in spent {
            if let Some(key) = &caller.key {
                let root = keys.get(key).map_or(key, |entry| &entry.root);
                budgets.add_spent(LimitScope::Key(root.clone()), month, *usd);
            }
            budgets.add_spent(LimitScope::Tenant(caller.tenant.clone()), month, *usd);
        }
        let inner = Inner { rules, keys: ArcSwap::from_pointee(keys), rates: Rates::default(), budgets };
        Self { inner: Arc::new(inner) }
    }

    /// Lets everybody in, without limits: for tests and for a service that nobody else can reach.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Rules::default(), Vec::new(), &[], UnixMillis(0))
    }

    /// Puts other keys in force; what the old ones used and spent stays counted. Requests that run go on.
    pub fn replace_keys(&self, keys: Vec<KeyRecord>) {
        self.inner.keys.store(Arc::new(KeyTable::new(keys)));
    }

    /// Whether callers need no key. A service that ever had a key stays closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Rules { require_key, has_admin, .. } = self.inner.rules;
        require_key == RequireKey::Auto && !has_admin && self.inner.keys.load().is_empty()
    }

    /// Whether the service may listen there: one without keys only where no other machine can reach it.
    ///
    /// # Errors
    /// [`OpenToAll`], whose sentence tells the operator what to do; do not start.
    pub fn may_listen_on(&self, address: SocketAddr) -> Result<(), OpenToAll> {
        let reachable = !address.ip().to_canonical().is_loopback();
        if reachable && self.is_open() { Err(OpenToAll(address)) } else { Ok(()) }
    }

    /// For the operator, in a line: what callers need.
    #[must_use]
    pub fn summary(&self, now: UnixMillis) -> String {
        let keys = self.inner.keys.load();
        match keys.all().filter(|entry| entry.record.counts_at(now)).count() {
            _ if self.is_open() => {
                "need no API key until one is made; nobody but this machine may reach the service".to_owned()
            }
            0 => "need an API key, and none counts; `satisfice keys create NAME` makes one".to_owned(),
            1 => "need an API key; 1 counts".to_owned(),
            count => format!("need an API key; {count} count"),
        }
    }

    /// Finds out who calls. Where no key is asked for, whatever is shown is let in: many clients can't send nothing.
    ///
    /// # Errors
    /// [`Refusal::NoKey`], [`Refusal::UnknownKey`], [`Refusal::Expired`], [`Refusal::Revoked`]; the last two are told only
    /// to whoever has the secret.
    pub fn authenticate(&self, presented: Option<&str>, now: UnixMillis) -> Result<Caller, Refusal> {
        if self.is_open() {
            return Ok(Caller::default());
        }
        let key = ApiKey::parse(presented.ok_or(Refusal::NoKey)?).ok_or(Refusal::UnknownKey)?;
        let keys = self.inner.keys.load();
        let entry = keys.get(key.id());
        // An unknown key is compared as well, so that time does not tell which public parts exist.
        let expected = entry.map_or(KeyHash([0; 32]), |entry| entry.record.hash);
        match entry {
            Some(entry) if key::same(&expected, &key.hash()) => {
                let caller = Caller::of(Arc::clone(entry));
                caller.check_time(now).map(|()| caller)
            }
            _ => Err(Refusal::UnknownKey),
        }
    }

    /// Lets a request in, through the limits of its key, tenant and policy; its caller knows then how they stand.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`], [`Refusal::TooLarge`], [`Refusal::RateLimited`], [`Refusal::TooManyConcurrent`].
    pub fn admit(&self, caller: &Caller, admission: &Admission) -> Result<Permit, Refusal> {
        let Admission { named, tokens, now } = admission;
        caller.check_named(named)?;
        let mut claims = caller.claims(&self.inner.rules);
        if let Named::Policy(name) = named {
            claims.extend(self.inner.rules.policy(name));
        }
        let permit = self.inner.rates.admit(claims, *tokens, *now)?;
        caller.let_in(*permit.headroom());
        Ok(permit)
    }

    /// Lets a call of a model through the limits of its groups: before each attempt, once the model is known. A refusal
    /// is about that model alone; another one may serve.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::RateLimited`], [`Refusal::TooManyConcurrent`].
    pub fn admit_model(&self, model: &ModelId, tokens: u64, now: UnixMillis) -> Result<Permit, Refusal> {
        self.inner.rates.admit(self.inner.rules.groups_of(model), tokens, now)
    }

    /// Puts aside what a call may come to, on the budgets of its key and tenant or on neither.
    ///
    /// # Errors
    /// [`Refusal::BudgetExhausted`].
    pub fn reserve(&self, caller: &Caller, stake: impl Into<Stake>, now: UnixMillis) -> Result<Reservation, Refusal> {
        self.inner.budgets.reserve(caller.purses(&self.inner.rules), stake.into(), now)
    }

    /// The keys in force, and those that no longer count; oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyRecord> {
        self.inner.keys.load().all().map(|entry| entry.record.clone()).collect()
    }

    /// One of them.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<KeyRecord> {
        self.inner.keys.load().get(id).map(|entry| entry.record.clone())
    }

    /// What the month of `now` has cost.
    #[must_use]
    pub fn usage(&self, now: UnixMillis) -> Usage {
        let Inner { rules, keys, budgets, .. } = &*self.inner;
        usage::of(rules, &keys.load(), budgets, Month::of(now))
    }
}

#[cfg(test)]
mod tests;
