//! Names that the field `model` may have, and those near a name that it can't.

use super::{Inner, ModelChoice, RouteError, Router};
use crate::{access::Caller, catalog::ModelKind, domain};

/// How many names are told at most: whoever wants all of them asks for the list.
const TOLD: usize = 3;

impl Router {
    /// What a caller may have meant with a name that nothing has, nearest first. Names that it may not ask for are not told.
    #[must_use]
    pub fn names_near(&self, name: &str, caller: &Caller) -> Vec<String> {
        self.inner.names_near(name, caller, |_| true)
    }
}

impl Inner {
    /// The error for a name that nothing has, where a conversation is to be answered.
    pub(super) fn unknown(&self, name: &str, caller: &Caller) -> RouteError {
        let near = self.names_near(name, caller, |kind| kind == ModelKind::Chat);
        RouteError::UnknownModel { name: name.to_owned(), near }
    }

    fn names_near(&self, name: &str, caller: &Caller, is_wanted: impl Fn(ModelKind) -> bool) -> Vec<String> {
        let is_open = |choice: ModelChoice| choice.is_open_to(caller);
        let auto = is_open(ModelChoice::Auto).then_some("auto");
        let policies = self.policies.keys().map(String::as_str);
        let policies = policies.filter(|name| is_open(ModelChoice::Policy((*name).to_owned())));
        let models = self.fleet.all().iter().map(|model| &model.entry).filter(|entry| is_wanted(entry.kind));
        let models = models.map(|entry| entry.id.as_str());
        let models = models.filter(|id| is_open(ModelChoice::Model((*id).to_owned())));
        let near = domain::near_models(name, auto.into_iter().chain(policies).chain(models), TOLD);
        near.into_iter().map(str::to_owned).collect()
    }
}

impl RouteError {
    /// A name that nothing has, and nothing is near.
    pub(super) fn unknown(name: impl ToString) -> Self {
        Self::UnknownModel { name: name.to_string(), near: Vec::new() }
    }
}
