-- The log: decisions, outcomes and feedback are appended and never changed. Snapshots can be rebuilt from it.
-- A migration that was released is never edited: its checksum is verified at every start.

PRAGMA application_id = 1396790355; -- "SATS"

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES
    ('context', 'f32, little endian'),
    ('money', 'USD'),
    ('time', 'milliseconds since the Unix epoch'),
    ('ids', 'UUIDv7, 16 bytes, big endian');

CREATE TABLE decisions (
    seq                     INTEGER PRIMARY KEY,
    id                      BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    at_ms                   INTEGER NOT NULL,
    request_id              TEXT    NOT NULL,
    scope                   TEXT    NOT NULL,
    policy                  TEXT    NOT NULL,
    policy_version          INTEGER NOT NULL,
    features_version        TEXT    NOT NULL,
    mode                    TEXT    NOT NULL,
    quality_target          REAL    NOT NULL,
    kappa                   REAL    NOT NULL,
    lambda_usd              REAL    NOT NULL,
    exploration             REAL    NOT NULL,
    task                    TEXT    NOT NULL, -- the most probable one, for analysis
    tasks                   TEXT    NOT NULL, -- JSON
    difficulty              REAL    NOT NULL,
    input_tokens            INTEGER NOT NULL,
    requirements            TEXT    NOT NULL, -- JSON
    context                 BLOB    NOT NULL,
    candidates              TEXT    NOT NULL, -- JSON
    chosen                  TEXT    NOT NULL,
    greedy                  TEXT    NOT NULL,
    explored                INTEGER NOT NULL,
    fallbacks               TEXT    NOT NULL, -- JSON
    target_met              INTEGER NOT NULL,
    reason                  TEXT    NOT NULL,
    timings                 TEXT    NOT NULL, -- JSON
    -- Of the chosen model, copied out of the candidates for analysis:
    propensity              REAL    NOT NULL,
    predicted_quality       REAL,
    predicted_spread        REAL,
    predicted_cost_usd      REAL,
    predicted_latency_ms    REAL,
    predicted_output_tokens INTEGER
) STRICT;

CREATE INDEX decisions_by_request ON decisions (request_id);
CREATE INDEX decisions_by_scope ON decisions (scope, seq);

CREATE TABLE outcomes (
    seq           INTEGER PRIMARY KEY,
    decision_id   BLOB    NOT NULL REFERENCES decisions (id),
    served_model  TEXT    NOT NULL,
    completion_id TEXT,
    status        TEXT    NOT NULL,
    input_tokens  INTEGER,
    output_tokens INTEGER,
    cost_usd      REAL,
    first_byte_ms REAL,
    latency_ms    REAL    NOT NULL,
    at_ms         INTEGER NOT NULL
) STRICT;

CREATE INDEX outcomes_by_decision ON outcomes (decision_id);
CREATE INDEX outcomes_by_completion ON outcomes (completion_id) WHERE completion_id IS NOT NULL;

CREATE TABLE feedback (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    scope           TEXT    NOT NULL,
    number          INTEGER NOT NULL CHECK (number >= 1), -- 1..N without gaps within its scope
    decision_id     BLOB    NOT NULL REFERENCES decisions (id),
    source          TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    score           REAL,    -- NULL: the source takes its score back
    supersedes      INTEGER, -- number of the row, same decision and source, that this one replaces
    idempotency_key TEXT,
    comment         TEXT,
    at_ms           INTEGER NOT NULL,
    UNIQUE (scope, number)
) STRICT;

CREATE INDEX feedback_by_decision ON feedback (decision_id, source, seq);

-- Every key that was ever answered, also where the answer was "nothing to do" and no feedback row was written: a late
-- repeat of such a call must not undo what was said since.
CREATE TABLE feedback_keys (
    decision_id     BLOB    NOT NULL REFERENCES decisions (id),
    idempotency_key TEXT    NOT NULL,
    content         BLOB    NOT NULL, -- SHA-256 of source, score and comment
    model           TEXT    NOT NULL,
    number          INTEGER,          -- NULL: there was nothing to revoke
    revised         INTEGER NOT NULL,
    PRIMARY KEY (decision_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    scope   TEXT    NOT NULL,
    number  INTEGER NOT NULL, -- feedbacks folded in
    version INTEGER NOT NULL, -- of the body's format
    body    BLOB    NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (scope, number)
) STRICT;
