-- Bills: what of the input was written to the provider's prompt cache, which is billed otherwise, and whether the cost is an
-- estimate. Before this, what nobody had told had no cost.

ALTER TABLE outcomes ADD COLUMN cache_write_tokens INTEGER;
ALTER TABLE outcomes ADD COLUMN cost_is_estimate   INTEGER NOT NULL DEFAULT 0;
