//! A request and its caller's limits: let in before it is decided, its money put aside before a provider is called, both
//! settled with what came of it.

use super::{Clock, Inner, ModelChoice, RouteRequest, bill::Bill, stakes::Stakes};
use crate::{
    access::{Access, Admission, Caller, Named, Permit, Refusal, Reservation, Stake},
    catalog::ModelEntry,
    config::DEFAULT_POLICY,
    domain::{Decision, ModelId, Prompt, UnixMillis, Usd},
};
use std::sync::Arc;

/// A request that was let in. Dropped before a call was prepared, it used no tokens; dropped later without an outcome, it
/// counts as estimated, as a provider may bill what nobody waited for.
pub(super) struct Admitted {
    access: Access,
    clock: Arc<dyn Clock>,
    caller: Caller,
    /// Its place within the limits of key, tenant and policy.
    place: Option<Permit>,
    /// Its place within the limits of the groups of the model that is called.
    at_model: Option<Permit>,
    /// There since a first call was prepared.
    money: Option<Reservation>,
}

impl Inner {
    /// Lets a request in. To be done before anything is spent on it, the encoding included.
    ///
    /// # Errors
    /// [`Refusal`] of what was asked for, or of so much at once.
    pub(super) fn admit(&self, request: &RouteRequest) -> Result<Admitted, Refusal> {
        self.admit_named(&request.caller, named(&request.choice), expected_tokens(&request.prompt))
    }

    /// The same for a request that needs so many tokens of what it names.
    pub(super) fn admit_named(&self, caller: &Caller, named: Named, tokens: u64) -> Result<Admitted, Refusal> {
        let (access, clock, caller) = (self.access.clone(), Arc::clone(&self.clock), caller.clone());
        let place = access.admit(&caller, &Admission { named, tokens, now: clock.now() })?;
        Ok(Admitted { access, clock, caller, place: Some(place), at_model: None, money: None })
    }
}

impl ModelChoice {
    /// Whether this caller may ask for it.
    #[must_use]
    pub fn is_open_to(&self, caller: &Caller) -> bool {
        caller.check_named(&named(self)).is_ok()
    }
}

impl Admitted {
    /// Makes room for a call of a candidate: within the limits of its groups, and for the most it may cost within the budgets.
    /// To be done before each call; the one before it has failed then, and only the dearer of their costs stays put aside.
    /// Less is put aside for the first call if the budgets hold no more: see [`Admitted::money`].
    ///
    /// # Errors
    /// [`Refusal::BudgetExhausted`], or of this model alone: do not call it.
    pub(super) fn prepare(&mut self, decision: &Decision, model: &ModelEntry, stakes: &Stakes) -> Result<(), Refusal> {
        let predicted = decision.candidate(&model.id).and_then(|c| c.predicted.as_ref());
        let output_tokens = predicted.map_or(0, |p| p.output_tokens);
        let tokens = u64::from(decision.input_tokens) + u64::from(output_tokens);
        self.make_room(&model.id, tokens, stakes.of(model, predicted))
    }

    /// The same for a call that is expected to take so many tokens and may cost so much.
    pub(super) fn make_room(&mut self, model: &ModelId, tokens: u64, stake: Stake) -> Result<(), Refusal> {
        let now = self.clock.now();
        settle(self.at_model.take(), Some(0), now);
        let at_model = self.access.admit_model(model, tokens, now)?;
        match self.put_aside(stake, now) {
            Ok(()) => {
                self.at_model = Some(at_model);
                Ok(())
            }
            Err(refusal) => {
                at_model.settle(0, now);
                Err(refusal)
            }
        }
    }

    /// What is put aside: no call must cost more. `None` before a call was prepared.
    pub(super) fn money(&self) -> Option<Usd> {
        self.money.as_ref().map(Reservation::amount)
    }

    fn put_aside(&mut self, stake: Stake, now: UnixMillis) -> Result<(), Refusal> {
        match &mut self.money {
            Some(money) => money.raise(stake, now),
            None => {
                self.money = Some(self.access.reserve(&self.caller, stake, now)?);
                Ok(())
            }
        }
    }

    /// Ends the request with its bill; without one it cost nothing. When a service starts, it sums up the bills in the log.
    pub(super) fn settle(&mut self, bill: Option<&Bill>, now: UnixMillis) {
        let tokens = Some(bill.map_or(0, Bill::token_count));
        settle(self.place.take(), tokens, now);
        settle(self.at_model.take(), tokens, now);
        if let Some(money) = self.money.take() {
            money.settle(bill.map_or(Usd::ZERO, |bill| bill.cost));
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.money.is_none() {
            settle(self.place.take(), Some(0), self.clock.now());
        }
    }
}

/// Ends a place; unknown tokens stay as they were estimated.
fn settle(place: Option<Permit>, tokens: Option<u64>, now: UnixMillis) {
    if let (Some(place), Some(tokens)) = (place, tokens) {
        place.settle(tokens, now);
    }
}

pub(super) fn named(choice: &ModelChoice) -> Named {
    match choice {
        ModelChoice::Auto => Named::Policy(DEFAULT_POLICY.to_owned()),
        ModelChoice::Policy(name) => Named::Policy(name.clone()),
        ModelChoice::Model(id) => Named::Model(ModelId::from(id.as_str())),
    }
}

/// Input, and as much output as the caller asks for; what it does not cap is counted once it is known.
pub(super) fn expected_tokens(prompt: &Prompt) -> u64 {
    let output = prompt.requirements.max_output_tokens.unwrap_or(0);
    u64::from(prompt.estimated_tokens()) + u64::from(output)
}
