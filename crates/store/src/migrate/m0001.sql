-- The first schema. Words in braces become the types of each database; see migrate.rs.
-- Ids are UUIDs, times are milliseconds since the epoch, rows of tenants carry tenant_id.

CREATE TABLE meta (
  key {text} PRIMARY KEY,
  value {text} NOT NULL
){strict};

CREATE TABLE tenants (
  id {id} PRIMARY KEY,
  name {text} NOT NULL,
  created_at {int} NOT NULL
){strict};

CREATE TABLE projects (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  name {text} NOT NULL,
  created_at {int} NOT NULL,
  UNIQUE (tenant_id, name)
){strict};

CREATE TABLE users (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  email {text} NOT NULL UNIQUE,
  name {text} NOT NULL,
  locale {text},
  disabled_at {int},
  created_at {int} NOT NULL,
  last_sign_in_at {int}
){strict};
CREATE INDEX users_tenant ON users (tenant_id, id);

CREATE TABLE accounts (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  provider {text} NOT NULL,
  subject {text} NOT NULL,
  secret_hash {text},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  UNIQUE (provider, subject),
  UNIQUE (user_id, provider)
){strict};

CREATE TABLE sessions (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  kind {text} NOT NULL,
  generation {int} NOT NULL,
  current_hash {bytes} NOT NULL,
  previous_hash {bytes},
  previous_valid_until {int},
  created_at {int} NOT NULL,
  last_used_at {int} NOT NULL,
  idle_expires_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  revoked_at {int},
  revoke_reason {text},
  user_agent_family {text},
  ip {text}
){strict};
CREATE INDEX sessions_user ON sessions (user_id, id);

CREATE TABLE api_tokens (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  name {text} NOT NULL,
  hash {bytes} NOT NULL,
  scopes {json},
  address_list {json},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  last_used_at {int},
  revoked_at {int}
){strict};
CREATE INDEX api_tokens_user ON api_tokens (user_id, id);

CREATE TABLE permissions (
  name {text} PRIMARY KEY
){strict};

CREATE TABLE user_permissions (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  object_kind {text} NOT NULL,
  object_id {text} NOT NULL,
  permission {text} NOT NULL REFERENCES permissions (name),
  UNIQUE (user_id, object_kind, object_id, permission)
){strict};

CREATE TABLE nodes (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} REFERENCES projects (id),
  name {text} NOT NULL,
  public_key {bytes} NOT NULL,
  key_id {bytes} NOT NULL,
  status {text} NOT NULL,
  facts {json},
  agent_version {text} NOT NULL,
  epoch {int} NOT NULL,
  next_sequence {int} NOT NULL,
  events_seen {int} NOT NULL,
  join_confirmed {int} NOT NULL,
  join_pending {int},
  binding {text} NOT NULL,
  last_seen_at {int},
  connected_at {int},
  connection_id {id},
  locked_reason {text},
  created_at {int} NOT NULL,
  removed_at {int}
){strict};
CREATE UNIQUE INDEX nodes_name ON nodes (tenant_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX nodes_key ON nodes (key_id) WHERE removed_at IS NULL;

CREATE TABLE node_keys (
  key_id {bytes} NOT NULL,
  node_id {id} NOT NULL REFERENCES nodes (id),
  tenant_id {id} NOT NULL,
  public_key {bytes} NOT NULL,
  created_at {int} NOT NULL,
  retired_at {int},
  PRIMARY KEY (node_id, key_id)
){rowless};

CREATE TABLE enrol_tokens (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  verifier {bytes} NOT NULL,
  name {text},
  created_by {id},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int},
  node_id {id}
){strict};

CREATE TABLE device_codes (
  id {id} PRIMARY KEY,
  code_hash {bytes} NOT NULL,
  public_key {bytes} NOT NULL,
  host {text} NOT NULL,
  address {text} NOT NULL,
  facts {json} NOT NULL,
  key_words {text} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  attempts {int} NOT NULL,
  state {text} NOT NULL,
  tenant_id {id},
  node_id {id},
  name {text}
){strict};
CREATE UNIQUE INDEX device_codes_open ON device_codes (code_hash) WHERE state = 'pending';

CREATE TABLE apps (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  name {text} NOT NULL,
  settings {json} NOT NULL,
  generation {int} NOT NULL,
  desired {text} NOT NULL,
  state {text} NOT NULL,
  live_release {id},
  stable_port {int},
  detected_ports {json} NOT NULL,
  state_reason {text},
  restarts {int} NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  deleted_at {int}
){strict};
CREATE UNIQUE INDEX apps_name ON apps (project_id, name) WHERE deleted_at IS NULL;
CREATE INDEX apps_node ON apps (node_id);

CREATE TABLE releases (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  app_id {id} NOT NULL REFERENCES apps (id),
  number {int} NOT NULL,
  run_id {id},
  commit_hash {text},
  subject {text},
  reference {text},
  builder {text},
  state {text} NOT NULL,
  created_at {int} NOT NULL,
  live_at {int},
  timings {json} NOT NULL,
  UNIQUE (app_id, number)
){strict};

CREATE TABLE runs (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id},
  action_name {text} NOT NULL,
  action {json} NOT NULL,
  actor {json} NOT NULL,
  user_id {id},
  request_id {id} NOT NULL,
  target_kind {text} NOT NULL,
  target_id {text} NOT NULL,
  node_id {id},
  app_id {id},
  state {text} NOT NULL,
  done {text},
  stale {bool} NOT NULL,
  step {text},
  fault {json},
  outcome {json},
  policy {json} NOT NULL,
  guard {json} NOT NULL,
  command_id {id},
  version {int} NOT NULL,
  opened_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  closed_at {int},
  deadline_at {int} NOT NULL
){strict};
CREATE INDEX runs_tenant ON runs (tenant_id, id);
CREATE INDEX runs_app ON runs (app_id, id) WHERE app_id IS NOT NULL;
CREATE INDEX runs_user ON runs (user_id, opened_at);
CREATE INDEX runs_open ON runs (node_id, id) WHERE closed_at IS NULL;

CREATE TABLE run_steps (
  run_id {id} NOT NULL REFERENCES runs (id),
  seq {int} NOT NULL,
  tenant_id {id} NOT NULL,
  at {int} NOT NULL,
  kind {text} NOT NULL,
  step {text},
  state {text},
  note {text} NOT NULL,
  PRIMARY KEY (run_id, seq)
){rowless};

CREATE TABLE commands (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL,
  run_id {id} NOT NULL REFERENCES runs (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  epoch {int} NOT NULL,
  sequence {int} NOT NULL,
  kind {text} NOT NULL,
  payload {bytes} NOT NULL,
  signature {bytes} NOT NULL,
  key_id {bytes} NOT NULL,
  delegation_id {id} NOT NULL,
  state {text} NOT NULL,
  not_before {int} NOT NULL,
  expires_at {int} NOT NULL,
  created_at {int} NOT NULL,
  sent_at {int},
  acked_at {int},
  done_at {int},
  accepted {json},
  result {json}
){strict};
CREATE UNIQUE INDEX commands_number ON commands (node_id, epoch, sequence) WHERE state <> 'void';
CREATE INDEX commands_waiting ON commands (node_id, epoch, sequence) WHERE state IN ('ready', 'sent');
CREATE INDEX commands_run ON commands (run_id);

CREATE TABLE delegations (
  id {id} PRIMARY KEY,
  key_id {bytes} NOT NULL,
  signed {json} NOT NULL,
  epoch {int} NOT NULL,
  not_before {int} NOT NULL,
  not_after {int} NOT NULL,
  created_at {int} NOT NULL
){strict};

CREATE TABLE approvals (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id},
  subject_kind {text} NOT NULL,
  subject_id {id} NOT NULL,
  hash {text} NOT NULL,
  guard {json} NOT NULL,
  diff {json} NOT NULL,
  state {text} NOT NULL,
  decision {text},
  decided_by {id},
  comment {text},
  opened_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  decided_at {int}
){strict};
CREATE UNIQUE INDEX approvals_open ON approvals (subject_kind, subject_id) WHERE state = 'open';
CREATE INDEX approvals_subject ON approvals (subject_id);
CREATE INDEX approvals_tenant ON approvals (tenant_id, id);

CREATE TABLE outbox (
  id {id} PRIMARY KEY,
  tenant_id {id},
  lane {text} NOT NULL,
  kind {text} NOT NULL,
  payload {json} NOT NULL,
  due_at {int} NOT NULL,
  leased_until {int},
  attempts {int} NOT NULL,
  last_error {text},
  created_at {int} NOT NULL
){strict};
CREATE INDEX outbox_due ON outbox (lane, due_at);

CREATE TABLE idempotency_keys (
  tenant_id {id} NOT NULL,
  principal {text} NOT NULL,
  key {text} NOT NULL,
  request_hash {bytes} NOT NULL,
  run_id {id},
  response {json},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (tenant_id, principal, key)
){rowless};
CREATE INDEX idempotency_expiry ON idempotency_keys (expires_at);

CREATE TABLE events (
  seq {int} PRIMARY KEY,
  tenant_id {id},
  project_id {id},
  topics {text} NOT NULL,
  name {text} NOT NULL,
  data {text} NOT NULL,
  at {int} NOT NULL
){strict};

CREATE TABLE activity_logs (
  instance_id {id} NOT NULL,
  seq {int} NOT NULL,
  tenant_id {id},
  project_id {id},
  at {int} NOT NULL,
  actor_kind {text} NOT NULL,
  actor_ref {text} NOT NULL,
  action {text} NOT NULL,
  target_kind {text} NOT NULL,
  target_id {text} NOT NULL,
  run_id {id},
  request_id {id},
  outcome {text} NOT NULL,
  fields {text} NOT NULL,
  personal {text} NOT NULL,
  prev_hash {bytes} NOT NULL,
  entry_hash {bytes} NOT NULL,
  PRIMARY KEY (instance_id, seq)
){rowless};
CREATE INDEX activity_tenant ON activity_logs (tenant_id, at);

CREATE TABLE activity_personal (
  instance_id {id} NOT NULL,
  seq {int} NOT NULL,
  field {text} NOT NULL,
  subject_id {text} NOT NULL,
  salt {bytes} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (instance_id, seq, field)
){rowless};
CREATE INDEX activity_personal_subject ON activity_personal (subject_id);

CREATE TABLE audit_heads (
  instance_id {id} PRIMARY KEY,
  seq {int} NOT NULL,
  hash {bytes} NOT NULL
){strict};

CREATE TABLE audit_checkpoints (
  instance_id {id} NOT NULL,
  size {int} NOT NULL,
  hash {bytes} NOT NULL,
  at {int} NOT NULL,
  signed {json} NOT NULL,
  PRIMARY KEY (instance_id, size)
){rowless};

CREATE TABLE log_cursors (
  source_kind {text} NOT NULL,
  source_id {id} NOT NULL,
  tenant_id {id} NOT NULL,
  project_id {id},
  app_id {id},
  up_to {int} NOT NULL,
  first_kept {int} NOT NULL,
  dropped {int} NOT NULL,
  updated_at {int} NOT NULL,
  PRIMARY KEY (source_kind, source_id)
){rowless};

CREATE INDEX log_cursors_app ON log_cursors (app_id) WHERE app_id IS NOT NULL;

CREATE TABLE log_lines (
  source_kind {text} NOT NULL,
  source_id {id} NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  stream {text} NOT NULL,
  text {text} NOT NULL,
  PRIMARY KEY (source_kind, source_id, seq)
){rowless};

CREATE TABLE node_metrics (
  node_id {id} NOT NULL,
  at {int} NOT NULL,
  sample {text} NOT NULL,
  PRIMARY KEY (node_id, at)
){rowless};

CREATE TABLE app_metrics (
  app_id {id} NOT NULL,
  at {int} NOT NULL,
  sample {text} NOT NULL,
  PRIMARY KEY (app_id, at)
){rowless};
