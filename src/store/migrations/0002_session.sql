-- The caller's name for the conversation that a decision belongs to; NULL when it gave none.
ALTER TABLE decisions ADD COLUMN session_id TEXT;
