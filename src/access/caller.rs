//! Who sent a request.

use super::{Headroom, LimitScope, Named, Refusal, budget::Purse, rate::Claim, rules::Rules, table::Entry};
use crate::domain::{CallerId, KeyId, ModelId, Tenant, UnixMillis};
use std::sync::{Arc, OnceLock};

/// Who sent a request, once that is known: one for each request. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caller {
    /// The key, as it was when it was shown; `None` where the service asks for none.
    entry: Option<Arc<Entry>>,
    /// For whoever answers, whatever the answer is; clones share it.
    headroom: Arc<OnceLock<Headroom>>,
}

impl Caller {
    pub(super) fn of(entry: Arc<Entry>) -> Self {
        Self { entry: Some(entry), headroom: Arc::default() }
    }

    /// The request was let in through limits that then stood like this.
    pub(super) fn let_in(&self, headroom: Headroom) {
        // A request is let in once; if it were twice, the first time is what its caller should know.
        let _ = self.headroom.set(headroom);
    }

    /// How the limits stood once the request was let in; `None` if it was not, or none hold for what it asks.
    #[must_use]
    pub fn headroom(&self) -> Option<&Headroom> {
        self.headroom.get()
    }

    /// Whether the key counts at this time.
    pub(super) fn check_time(&self, now: UnixMillis) -> Result<(), Refusal> {
        let Some(entry) = &self.entry else { return Ok(()) };
        let (record, key) = (&entry.record, || entry.record.id.clone());
        match (record.revoked, record.expires) {
            (Some(at), _) => Err(Refusal::Revoked { key: key(), at }),
            (None, Some(at)) if at <= now => Err(Refusal::Expired { key: key(), at }),
            _ => Ok(()),
        }
    }

    /// For the log.
    #[must_use]
    pub fn id(&self) -> CallerId {
        CallerId { key: self.key().cloned(), tenant: self.tenant() }
    }

    /// The public part of the key.
    #[must_use]
    pub fn key(&self) -> Option<&KeyId> {
        self.entry.as_ref().map(|entry| &entry.record.id)
    }

    /// Who pays; the tenant `default` where the service asks for no key.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.entry.as_ref().map(|entry| entry.record.tenant.clone()).unwrap_or_default()
    }

    /// Whether this model may serve the caller's requests: what is not must not become a candidate.
    #[must_use]
    pub fn may_be_served_by(&self, model: &ModelId) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry.record.limits.allows_model(model))
    }

    /// Whether the caller may ask for this by name.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub fn check_named(&self, named: &Named) -> Result<(), Refusal> {
        let Some(entry) = &self.entry else { return Ok(()) };
        let limits = &entry.record.limits;
        let allowed = match named {
            Named::Policy(name) => limits.allows_policy(name),
            Named::Model(model) => limits.allows_naming(model),
        };
        if allowed { Ok(()) } else { Err(Refusal::NotAllowed { key: entry.record.id.clone(), named: named.clone() }) }
    }

    /// Whose decisions the caller may look at and score: those of its tenant; `None`, everybody's, where the service asks for
    /// no key. Decisions from before callers were known are nobody's.
    #[must_use]
    pub fn sees(&self) -> Option<&Tenant> {
        self.entry.as_ref().map(|entry| &entry.record.tenant)
    }

    /// Whether that includes what was decided for another.
    #[must_use]
    pub fn may_see(&self, other: Option<&CallerId>) -> bool {
        self.sees().is_none_or(|tenant| other.is_some_and(|other| other.tenant == *tenant))
    }

    /// Limits of key and tenant.
    pub(super) fn claims(&self, rules: &Rules) -> Vec<Claim> {
        let of_key = self
            .entry
            .as_ref()
            .map(|entry| Claim { scope: LimitScope::Key(entry.root.clone()), limits: entry.record.limits.rates });
        let tenant = self.tenant();
        let limits = rules.tenant(&tenant).rates;
        of_key.into_iter().chain([Claim { scope: LimitScope::Tenant(tenant), limits }]).collect()
    }

    /// Ledgers of key and tenant.
    pub(super) fn purses(&self, rules: &Rules) -> Vec<Purse> {
        let of_key = self.entry.as_ref().map(|entry| Purse {
            scope: LimitScope::Key(entry.root.clone()),
            limit: entry.record.limits.budget_usd_per_month,
        });
        let tenant = self.tenant();
        let limit = rules.tenant(&tenant).budget_usd_per_month;
        of_key.into_iter().chain([Purse { scope: LimitScope::Tenant(tenant), limit }]).collect()
    }
}
