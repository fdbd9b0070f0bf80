-- Calls of tools by AI hosts: one new, empty table. The version before may be started on it; it would not know what an agent has
-- read.

CREATE TABLE mcp_calls (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL,
  token_id {id} NOT NULL,
  client {text} NOT NULL,
  tool {text} NOT NULL,
  digest {bytes} NOT NULL,
  decision {text} NOT NULL,
  code {text},
  run_id {id},
  approval_id {id},
  untrusted {bool} NOT NULL,
  duration_us {int} NOT NULL,
  at {int} NOT NULL
){strict};
CREATE INDEX mcp_calls_tenant ON mcp_calls (tenant_id, id);
CREATE INDEX mcp_calls_untrusted ON mcp_calls (token_id, at) WHERE untrusted;
CREATE INDEX mcp_calls_at ON mcp_calls (at);
