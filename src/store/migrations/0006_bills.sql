-- Bills: what of the input was written to the provider's prompt cache, which is billed otherwise, and whether the cost is an
-- estimate. Before this, what nobody had told had no cost.

ALTER TABLE outcomes ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE outcomes ADD COLUMN cost_is_estimate   INTEGER NOT NULL DEFAULT 0;

-- Requests for embeddings: no decisions, but they are billed like others.
CREATE TABLE embeddings (
    seq              INTEGER PRIMARY KEY,
    at_ms            INTEGER NOT NULL, -- when it came: the month that it is billed in
    request_id       TEXT    NOT NULL,
    key_id           TEXT,             -- NULL: the service asked for none
    tenant           TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    status           TEXT    NOT NULL,
    input_tokens     INTEGER,          -- NULL: the provider did not say
    cost_usd         REAL,             -- NULL: no provider sends a bill
    cost_is_estimate INTEGER NOT NULL,
    attempts         TEXT    NOT NULL, -- JSON
    latency_ms       REAL    NOT NULL
) STRICT;

CREATE INDEX embeddings_by_caller ON embeddings (at_ms, tenant, key_id, cost_usd);
