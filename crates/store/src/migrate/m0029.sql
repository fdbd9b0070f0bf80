-- Calls of tools by AI hosts that a rate limit refused stand in one row for many. At once, however many rows there are; the version
-- before still reads them, and writes rows that stand for one.

ALTER TABLE mcp_calls ADD COLUMN times {int} NOT NULL DEFAULT 1;
