//! Making, replacing and revoking keys: each change is committed first, and in force before it is acknowledged.

use super::{Access, ApiKey, KEY_BYTES, Month, Rules};
use crate::{
    domain::{KeyId, KeyLimits, KeyRecord, Tenant, UnixMillis},
    store::{KeyChange, KeyError, Store, StoreError},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Longest name of a key or tenant, characters.
const LONGEST_NAME: usize = 64;
/// Most patterns in a list.
const MOST_PATTERNS: usize = 100;

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewKey {
    /// What people will call it, 1 to 64 characters.
    pub name: String,
    /// Who pays: 1 to 64 lower-case letters, digits, `-` and `_`.
    pub tenant: Tenant,
    /// From when on it no longer counts; in the future.
    pub expires: Option<UnixMillis>,
    /// What it may do.
    pub limits: KeyLimits,
}

/// A key that was just made. The secret is here for the last time.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// For its holder.
    pub key: ApiKey,
    /// As it is kept.
    pub record: KeyRecord,
}

/// Why the keys stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The caller should correct the field.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field, as callers know it.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such key.
    #[error("no API key has the id {0}")]
    Unknown(KeyId),
    /// It has expired or was revoked: make a new one.
    #[error("API key {0} no longer counts; make a new one")]
    Ended(KeyId),
    /// It was replaced already: rotate the one that replaced it.
    #[error("API key {key} was replaced by {by}; rotate that one")]
    Replaced {
        /// The key.
        key: KeyId,
        /// Its successor.
        by: KeyId,
    },
    /// The log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for BookError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unknown(id) => Self::Unknown(id),
            KeyError::Taken(id) => Self::Invalid {
                field: "id",
                problem: format!("{id} was drawn before, once in 10¹⁸ times; try again"),
            },
            KeyError::Store(error) => Self::Store(error),
        }
    }
}

/// The keys of a log, in force in an [`Access`]. Clones share both. Changes wait for each other.
#[derive(Clone)]
pub struct KeyBook {
    store: Store,
    access: Access,
    changing: Arc<Mutex<()>>,
}

impl KeyBook {
    /// Reads the keys, and what they spent in the month of `now`.
    ///
    /// # Errors
    /// [`StoreError`] when the log can't be read.
    pub async fn load(store: Store, rules: Rules, now: UnixMillis) -> Result<Self, StoreError> {
        let keys = store.keys().await?;
        let spent = store.spent_since(Month::of(now).start()).await?;
        let access = Access::new(rules, keys, &spent, now);
        Ok(Self { store, access, changing: Arc::default() })
    }

    /// Decides by these keys, always the latest.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Makes a key from random bytes.
    ///
    /// # Errors
    /// [`BookError::Invalid`], [`BookError::Store`].
    pub async fn create(&self, new: NewKey, bytes: &[u8; KEY_BYTES], now: UnixMillis) -> Result<IssuedKey, BookError> {
        new.check(now)?;
        let turn = self.turn().await;
        let NewKey { name, tenant, expires, limits } = new;
        let key = ApiKey::from_bytes(bytes);
        let record = KeyRecord {
            id: key.id().clone(),
            hash: key.hash(),
            name,
            tenant,
            created: now,
            expires,
            revoked: None,
            rotated_from: None,
            limits,
        };
        self.commit(turn, KeyChange::Create(record.clone())).await?;
        Ok(IssuedKey { key, record })
    }

    /// Makes a key that takes over from another, which still counts for `grace`. The new one has the name, tenant, limits
    /// and length of life of the old; both share one budget.
    ///
    /// # Errors
    /// [`BookError::Unknown`], [`BookError::Ended`], [`BookError::Replaced`], [`BookError::Store`].
    pub async fn rotate(
        &self,
        id: &KeyId,
        grace: Duration,
        bytes: &[u8; KEY_BYTES],
        now: UnixMillis,
    ) -> Result<IssuedKey, BookError> {
        let turn = self.turn().await;
        let old = self.replaceable(id, now)?;
        let key = ApiKey::from_bytes(bytes);
        let lifetime = old.expires.map(|expires| expires.0.saturating_sub(old.created.0));
        let until = later(now, i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
        let new = KeyRecord {
            id: key.id().clone(),
            hash: key.hash(),
            created: now,
            expires: lifetime.map(|lifetime| later(now, lifetime)),
            rotated_from: Some(old.id.clone()),
            ..old.clone()
        };
        let old_expires = old.expires.map_or(until, |expires| expires.min(until));
        self.commit(turn, KeyChange::Rotate { new: new.clone(), old_expires }).await?;
        Ok(IssuedKey { key, record: new })
    }

    /// Takes a key back, from now on. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`BookError::Unknown`], [`BookError::Store`].
    pub async fn revoke(&self, id: &KeyId, now: UnixMillis) -> Result<KeyRecord, BookError> {
        let turn = self.turn().await;
        let record = self.access.key(id).ok_or_else(|| BookError::Unknown(id.clone()))?;
        if record.revoked.is_some() {
            return Ok(record);
        }
        self.commit(turn, KeyChange::Revoke { id: id.clone(), at: now }).await?;
        Ok(KeyRecord { revoked: Some(now), ..record })
    }

    async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.changing).lock_owned().await
    }

    fn replaceable(&self, id: &KeyId, now: UnixMillis) -> Result<KeyRecord, BookError> {
        let keys = self.access.keys();
        let old = keys.iter().find(|key| key.id == *id).ok_or_else(|| BookError::Unknown(id.clone()))?;
        if let Some(successor) = keys.iter().find(|key| key.rotated_from.as_ref() == Some(id)) {
            return Err(BookError::Replaced { key: id.clone(), by: successor.id.clone() });
        }
        if !old.counts_at(now) {
            return Err(BookError::Ended(id.clone()));
        }
        Ok(old.clone())
    }

    /// Commits a change and puts it in force. In a task of its own, as whoever asked may leave in between: a key that was
    /// revoked in the log must not go on counting.
    async fn commit(&self, turn: OwnedMutexGuard<()>, change: KeyChange) -> Result<(), BookError> {
        let book = self.clone();
        let done = tokio::spawn(async move {
            let mut keys = book.access.keys();
            book.store.change_key(change.clone()).await?;
            change.apply(&mut keys);
            book.access.replace_keys(keys);
            drop(turn);
            Ok(())
        });
        // The task is only lost with the runtime, that is when the service ends.
        done.await.unwrap_or(Err(BookError::Store(StoreError::Closed)))
    }
}

fn later(now: UnixMillis, milliseconds: i64) -> UnixMillis {
    UnixMillis(now.0.saturating_add(milliseconds))
}

impl NewKey {
    /// Checks what comes from outside.
    fn check(&self, now: UnixMillis) -> Result<(), BookError> {
        let KeyLimits { rates, models, policies, .. } = &self.limits;
        check_name(&self.name)?;
        check_tenant(self.tenant.as_str())?;
        if self.expires.is_some_and(|at| at <= now) {
            return Err(invalid("expires_at", "it is in the past; give a time to come"));
        }
        check_limit("requests_per_minute", rates.requests_per_minute)?;
        check_limit("tokens_per_minute", rates.tokens_per_minute)?;
        check_limit("max_concurrent", rates.max_concurrent)?;
        check_patterns("models", models)?;
        check_patterns("policies", policies)
    }
}

fn check_name(name: &str) -> Result<(), BookError> {
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(invalid("name", format!("give 1 to {LONGEST_NAME} visible characters")));
    }
    Ok(())
}

/// The same names as those of `[tenants.NAME]`, so that each can be given limits.
fn check_tenant(name: &str) -> Result<(), BookError> {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(fits) {
        return Err(invalid("tenant", format!("give 1 to {LONGEST_NAME} lower-case letters, digits, - and _")));
    }
    Ok(())
}

fn check_limit(field: &'static str, limit: Option<u64>) -> Result<(), BookError> {
    match limit {
        Some(limit) if !(1..=i64::MAX as u64).contains(&limit) => {
            Err(invalid(field, format!("{limit} is out of range; give at least 1, or leave it out")))
        }
        _ => Ok(()),
    }
}

fn check_patterns(field: &'static str, patterns: &[String]) -> Result<(), BookError> {
    if patterns.len() > MOST_PATTERNS {
        return Err(invalid(field, format!("{} patterns are too many; give at most {MOST_PATTERNS}", patterns.len())));
    }
    match patterns.iter().find(|pattern| pattern.is_empty() || pattern.contains(is_unseen)) {
        Some(bad) => Err(invalid(field, format!("{bad:?} is not a pattern such as \"anthropic/*\""))),
        None => Ok(()),
    }
}

fn is_unseen(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn invalid(field: &'static str, problem: impl Into<String>) -> BookError {
    BookError::Invalid { field, problem: problem.into() }
}
