-- Tokens that an AI agent speaks by: what is learnt of an agent is kept by its token from now on (the column agent_id of
-- learning_samples), and no program before this one let an agent in. One column with a constant default: milliseconds on
-- any size. The version before cannot be started on it, and must not be: it would take an agent for its person.

ALTER TABLE api_tokens ADD COLUMN speaks_for {text} NOT NULL DEFAULT 'person';
