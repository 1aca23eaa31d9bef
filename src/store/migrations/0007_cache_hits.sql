-- Answers that were given again: nothing was decided and nobody sent a bill. The decision is the one that the answer came from.
CREATE TABLE cache_hits (
    seq          INTEGER PRIMARY KEY,
    at_ms        INTEGER NOT NULL,
    request_id   TEXT    NOT NULL,
    key_id       TEXT,             -- NULL: the service asked for none
    tenant       TEXT    NOT NULL,
    mode         TEXT    NOT NULL, -- exact or semantic
    is_stale     INTEGER NOT NULL,
    decision_id  BLOB    NOT NULL REFERENCES decisions (id),
    served_model TEXT    NOT NULL,
    similarity   REAL,             -- NULL: the same request
    saved_usd    REAL              -- NULL: the provider had not told what it cost
) STRICT;

CREATE INDEX cache_hits_by_request ON cache_hits (request_id);
