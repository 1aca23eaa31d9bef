-- Bills: what of the input was written to the provider's prompt cache, which is billed otherwise.

ALTER TABLE outcomes ADD COLUMN cache_write_tokens INTEGER;
