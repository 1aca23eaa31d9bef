//! Which answers an operator means.

use super::Served;
use crate::domain::Tenant;

/// Answers of a tenant, of a policy, by a model; what is `None` covers all, so the default covers everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheFilter {
    /// Whose.
    pub tenant: Option<Tenant>,
    /// Decided by this policy.
    pub policy: Option<String>,
    /// Given by this model, or by those that a pattern such as `anthropic/*` covers.
    pub model: Option<String>,
}

impl CacheFilter {
    /// Whether it covers an answer.
    #[must_use]
    pub fn covers(&self, served: &Served) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == served.tenant)
            && self.policy.as_ref().is_none_or(|policy| *policy == served.policy)
            && self.model.as_ref().is_none_or(|pattern| served.model.matches(pattern))
    }
}
