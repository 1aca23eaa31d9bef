-- What an outcome took: every call to a provider as JSON, and which of its tokens are billed otherwise.

ALTER TABLE outcomes ADD COLUMN cached_tokens    INTEGER;
ALTER TABLE outcomes ADD COLUMN reasoning_tokens INTEGER;
ALTER TABLE outcomes ADD COLUMN attempts         TEXT;
