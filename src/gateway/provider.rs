//! A provider as the gateway knows it: how to reach it, whose turn it is among its keys, whether it can be reached.

use super::{
    ProviderAccess,
    address::Address,
    breaker::{Breaker, BreakerRules},
    keyring::KeyRing,
};

/// What is kept of a provider.
pub(super) struct ProviderState {
    pub(super) access: ProviderAccess,
    pub(super) address: Address,
    pub(super) keys: KeyRing,
    /// Opens when connections can't be made; failures of one model are that model's.
    pub(super) breaker: Breaker,
}

impl ProviderState {
    pub(super) fn new(access: ProviderAccess, rules: BreakerRules) -> Self {
        let (address, keys) = (Address::of(&access), KeyRing::new(access.keys.count()));
        Self { access, address, keys, breaker: Breaker::new(rules) }
    }
}
