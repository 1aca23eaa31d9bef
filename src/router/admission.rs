//! A request and its caller's limits: let in before it is decided, its money put aside before a provider is called, both
//! settled with what came of it.

use super::{Clock, Inner, ModelChoice, RouteRequest, bill::Bill, stakes::Stakes};
use crate::{
    access::{Access, Admission, Caller, Named, Permit, Refusal, Reservation, Stake},
    catalog::ModelEntry,
    config::DEFAULT_POLICY,
    domain::{Decision, ModelId, Prompt, UnixMillis, Usd},
    gateway::Ticket,
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
    /// Those that were prepared, in their order.
    calls: Vec<Call>,
    /// There since a first call was prepared.
    money: Option<Reservation>,
}

/// A call of a model.
struct Call {
    model: ModelId,
    /// Its place within the limits of the model's groups, until it is over.
    place: Option<Permit>,
    /// The least that must be put aside for it.
    least: Usd,
    /// The most that it may cost.
    most: Usd,
    ticket: Ticket,
}

impl Call {
    /// What must stay put aside for it: all it may cost while it goes on, and afterwards what it counts as if its provider may
    /// bill it though nobody heard its answer.
    fn hold(&self) -> Usd {
        match (self.ticket.is_over(), self.ticket.may_be_billed()) {
            (_, false) => Usd::ZERO,
            (true, true) => self.least,
            (false, true) => self.most,
        }
    }
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
        Ok(Admitted { access, clock, caller, place: Some(place), calls: Vec::new(), money: None })
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
    /// Makes room for a call of a candidate: within the limits of its groups, and for the most it may cost within the budgets,
    /// beside the calls that go on. To be done before each call; of those before it that failed, only what their providers may
    /// bill stays put aside. Less is put aside for the first call if the budgets hold no more: see [`Admitted::money`].
    ///
    /// # Errors
    /// [`Refusal::BudgetExhausted`], or of this model alone: do not call it.
    pub(super) fn prepare(
        &mut self,
        decision: &Decision,
        model: &ModelEntry,
        stakes: &Stakes,
    ) -> Result<Ticket, Refusal> {
        let predicted = decision.candidate(&model.id).and_then(|c| c.predicted.as_ref());
        let output_tokens = predicted.map_or(0, |p| p.output_tokens);
        let tokens = u64::from(decision.input_tokens) + u64::from(output_tokens);
        self.make_room(&model.id, tokens, stakes.of(model, predicted))
    }

    /// The same for a call that is expected to take so many tokens and may cost so much.
    pub(super) fn make_room(&mut self, model: &ModelId, tokens: u64, stake: Stake) -> Result<Ticket, Refusal> {
        let now = self.clock.now();
        for call in self.calls.iter_mut().filter(|call| call.ticket.is_over()) {
            let tokens = if call.ticket.may_be_billed() { None } else { Some(0) };
            settle(call.place.take(), tokens, now);
        }
        let place = self.access.admit_model(model, tokens, now)?;
        if let Err(refusal) = self.put_aside(stake, now) {
            place.settle(0, now);
            return Err(refusal);
        }
        let ticket = Ticket::default();
        let Stake { least, mut most, .. } = stake;
        if let Some(money) = self.money.as_ref().filter(|_| self.calls.is_empty()) {
            // The budgets may hold less, which bounds the call.
            most = Usd::new(most.get().min(money.amount().get())).unwrap_or(most);
        }
        let (model, place) = (model.clone(), Some(place));
        self.calls.push(Call { model, place, least, most, ticket: ticket.clone() });
        Ok(ticket)
    }

    /// What is put aside for the call that was prepared last: it must not cost more. `None` before a call was prepared.
    pub(super) fn money(&self) -> Option<Usd> {
        let amount = self.money.as_ref()?.amount();
        let (_, others) = self.calls.split_last()?;
        let held = held(others);
        Some(Usd::new(amount.get() - held.get()).unwrap_or(Usd::ZERO))
    }

    /// The models of calls that their providers may bill, but for one that answered: by the model that did.
    pub(super) fn unanswered(&self, answered: Option<&ModelId>) -> Vec<ModelId> {
        let served = answered.and_then(|model| self.served(model));
        let billed = self.calls.iter().enumerate().filter(|(_, call)| call.ticket.may_be_billed());
        billed.filter(|(at, _)| Some(*at) != served).map(|(_, call)| call.model.clone()).collect()
    }

    /// The place of the call that this model answered.
    fn served(&self, model: &ModelId) -> Option<usize> {
        self.calls.iter().rposition(|call| call.model == *model && call.ticket.may_be_billed())
    }

    fn put_aside(&mut self, stake: Stake, now: UnixMillis) -> Result<(), Refusal> {
        let held = held(&self.calls);
        let Stake { expected, least, most } = stake;
        let stake = Stake { expected: held + expected, least: held + least, most: held + most };
        match &mut self.money {
            Some(money) => money.raise(stake, now),
            None => {
                self.money = Some(self.access.reserve(&self.caller, stake, now)?);
                Ok(())
            }
        }
    }

    /// Ends the request with its bill and the model that served; without a bill it cost nothing. When a service starts, it
    /// sums up the bills in the log.
    pub(super) fn settle(&mut self, bill: Option<&Bill>, served: &ModelId, now: UnixMillis) {
        let tokens = Some(bill.map_or(0, Bill::token_count));
        settle(self.place.take(), tokens, now);
        let served = self.served(served);
        for (at, call) in self.calls.drain(..).enumerate() {
            let is_lost = Some(at) != served && call.ticket.may_be_billed();
            settle(call.place, if is_lost { None } else { tokens.filter(|_| Some(at) == served).or(Some(0)) }, now);
        }
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

/// What stays put aside for all of them.
fn held(calls: &[Call]) -> Usd {
    calls.iter().fold(Usd::ZERO, |sum, call| sum + call.hold())
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

#[cfg(test)]
mod tests;
