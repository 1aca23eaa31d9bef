-- Who may call, and who called. Keys are never deleted: what they did stays in the log.
CREATE TABLE api_keys (
    seq                  INTEGER PRIMARY KEY,
    id                   TEXT    NOT NULL UNIQUE, -- the public part
    hash                 BLOB    NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the whole key
    name                 TEXT    NOT NULL,
    tenant               TEXT    NOT NULL,
    created_ms           INTEGER NOT NULL,
    expires_ms           INTEGER,
    revoked_ms           INTEGER,
    rotated_from         TEXT    REFERENCES api_keys (id),
    -- NULL is no limit:
    requests_per_minute  INTEGER,
    tokens_per_minute    INTEGER,
    max_concurrent       INTEGER,
    budget_usd_per_month REAL,
    models               TEXT    NOT NULL, -- JSON; empty means all
    policies             TEXT    NOT NULL  -- JSON; empty means all
) STRICT;

-- NULL tenant: logged before callers were known. NULL key: the service asked for none.
ALTER TABLE decisions ADD COLUMN key_id TEXT;
ALTER TABLE decisions ADD COLUMN tenant TEXT;

-- Sums a month's spending without a look at the wide rows themselves.
CREATE INDEX decisions_by_caller ON decisions (at_ms, tenant, key_id, id, predicted_cost_usd) WHERE tenant IS NOT NULL;
