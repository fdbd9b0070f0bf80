-- Second factors, lockout that every control plane shares, and the CLI's sign-in by code. New, empty tables:
-- milliseconds on any size, and the version before does not look at them.

CREATE TABLE factors (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  kind {text} NOT NULL,
  label {text} NOT NULL,
  secret {bytes} NOT NULL,
  last_step {int} NOT NULL,
  created_at {int} NOT NULL,
  confirmed_at {int}
){strict};
CREATE UNIQUE INDEX factors_totp ON factors (user_id) WHERE kind = 'totp';
CREATE INDEX factors_user ON factors (user_id, id);

CREATE TABLE recovery_codes (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  hash {bytes} NOT NULL,
  created_at {int} NOT NULL,
  used_at {int},
  UNIQUE (user_id, hash)
){strict};

CREATE TABLE login_tickets (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  hash {bytes} NOT NULL,
  address_family {text} NOT NULL,
  attempts {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int}
){strict};
CREATE INDEX login_tickets_user ON login_tickets (user_id);
CREATE INDEX login_tickets_end ON login_tickets (expires_at);

CREATE TABLE cli_logins (
  id {id} PRIMARY KEY,
  tenant_id {id} REFERENCES tenants (id),
  user_id {id} REFERENCES users (id),
  device_hash {bytes} NOT NULL,
  user_hash {bytes} NOT NULL,
  client {text} NOT NULL,
  address {text} NOT NULL,
  state {text} NOT NULL,
  interval_secs {int} NOT NULL,
  polled_at {int},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX cli_logins_code ON cli_logins (user_hash) WHERE state = 'pending';
CREATE INDEX cli_logins_user ON cli_logins (user_id);
CREATE INDEX cli_logins_end ON cli_logins (expires_at);

CREATE TABLE sign_in_counters (
  subject {bytes} PRIMARY KEY,
  attempts {int} NOT NULL,
  last_at {int} NOT NULL,
  locked_until {int} NOT NULL
){strict};
CREATE INDEX sign_in_counters_last ON sign_in_counters (last_at);
