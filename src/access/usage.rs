//! What keys and tenants have spent in a month.

use super::{
    LimitScope, Month, Rules,
    budget::{Account, Budgets},
    table::KeyTable,
};
use crate::domain::{KeyId, Tenant, UnixMillis, Usd};
use std::collections::{BTreeSet, HashMap};

/// Spending in a calendar month (UTC).
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// When the month began.
    pub since: UnixMillis,
    /// When the next one begins.
    pub resets_at: UnixMillis,
    /// Of each key, oldest first. A key that was rotated is counted with the one that replaced it.
    pub keys: Vec<KeyUsage>,
    /// Of each tenant that has keys, limits or spending, by name.
    pub tenants: Vec<TenantUsage>,
}

/// What a key has spent.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyUsage {
    /// Its public part.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Who pays.
    pub tenant: Tenant,
    /// Spent and reserved.
    pub account: Account,
    /// What it may spend in a month.
    pub budget: Option<Usd>,
}

/// What a tenant has spent.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantUsage {
    /// Its name.
    pub tenant: Tenant,
    /// Spent and reserved.
    pub account: Account,
    /// What it may spend in a month.
    pub budget: Option<Usd>,
}

pub(super) fn of(rules: &Rules, keys: &KeyTable, budgets: &Budgets, month: Month) -> Usage {
    let accounts = budgets.accounts(month);
    Usage {
        since: month.start(),
        resets_at: month.next().start(),
        keys: of_keys(keys, &accounts),
        tenants: of_tenants(rules, keys, &accounts),
    }
}

type Accounts = HashMap<LimitScope, Account>;

fn account(accounts: &Accounts, scope: &LimitScope) -> Account {
    accounts.get(scope).copied().unwrap_or(Account { spent: Usd::ZERO, reserved: Usd::ZERO })
}

fn of_keys(keys: &KeyTable, accounts: &Accounts) -> Vec<KeyUsage> {
    let usage = keys.heads().into_iter().map(|entry| KeyUsage {
        id: entry.record.id.clone(),
        name: entry.record.name.clone(),
        tenant: entry.record.tenant.clone(),
        account: account(accounts, &LimitScope::Key(entry.root.clone())),
        budget: entry.record.limits.budget_usd_per_month,
    });
    usage.collect()
}

fn of_tenants(rules: &Rules, keys: &KeyTable, accounts: &Accounts) -> Vec<TenantUsage> {
    let spending = accounts.keys().filter_map(|scope| match scope {
        LimitScope::Tenant(tenant) => Some(tenant),
        _ => None,
    });
    let of_keys = keys.all().map(|entry| &entry.record.tenant);
    let tenants: BTreeSet<&Tenant> = rules.tenants.keys().chain(of_keys).chain(spending).collect();
    let usage = tenants.into_iter().map(|tenant| TenantUsage {
        tenant: tenant.clone(),
        account: account(accounts, &LimitScope::Tenant(tenant.clone())),
        budget: rules.tenant(tenant).budget_usd_per_month,
    });
    usage.collect()
}
