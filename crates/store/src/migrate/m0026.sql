-- AI hosts that people let in: programs that registered by themselves, and grants. New, empty tables: milliseconds on any size.
-- The version before does not start with it.

CREATE TABLE mcp_clients (
  id {id} PRIMARY KEY,
  name {text} NOT NULL,
  redirects {json} NOT NULL,
  address {text} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL
){strict};
CREATE INDEX mcp_clients_address ON mcp_clients (address);
CREATE INDEX mcp_clients_expires ON mcp_clients (expires_at);

-- A grant is a token that nobody holds the text of: its rights, its end and its revocation are that row's.
CREATE TABLE mcp_grants (
  id {id} PRIMARY KEY REFERENCES api_tokens (id),
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  client {text} NOT NULL,
  client_name {text} NOT NULL,
  redirect {text} NOT NULL,
  resource {text} NOT NULL,
  scopes {json} NOT NULL,
  code_hash {bytes} NOT NULL,
  challenge {text} NOT NULL,
  code_expires_at {int} NOT NULL,
  redeemed_at {int},
  generation {int} NOT NULL,
  current_hash {bytes},
  previous_hash {bytes},
  rotated_at {int},
  created_at {int} NOT NULL
){strict};
CREATE INDEX mcp_grants_user ON mcp_grants (user_id, id);
CREATE INDEX mcp_grants_tenant ON mcp_grants (tenant_id, id);
