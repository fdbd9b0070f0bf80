-- Monitoring of panel servers: samples and their history as of nodes and apps (see step 19), rules that judge them, and what the rules
-- have raised. New, empty tables: milliseconds on any size. The version before does not look at them.

CREATE TABLE server_metrics (
  server_id {id} NOT NULL,
  at {int} NOT NULL,
  sample {text} NOT NULL,
  came_at {int} NOT NULL DEFAULT 0,
  folded {bool} NOT NULL DEFAULT FALSE,
  PRIMARY KEY (server_id, at)
){rowless};
CREATE INDEX server_metrics_unfolded ON server_metrics (server_id, at) WHERE NOT folded;

CREATE TABLE server_history (
  server_id {id} NOT NULL,
  step_secs {int} NOT NULL,
  at {int} NOT NULL,
  last_at {int} NOT NULL,
  samples {int} NOT NULL,
  up_sum {int} NOT NULL,
  cpu_sum {int} NOT NULL,
  cpu_low {int} NOT NULL,
  cpu_high {int} NOT NULL,
  memory_sum {int} NOT NULL,
  memory_low {int} NOT NULL,
  memory_high {int} NOT NULL,
  processes_sum {int} NOT NULL,
  processes_low {int} NOT NULL,
  processes_high {int} NOT NULL,
  disk_sum {int} NOT NULL,
  disk_low {int} NOT NULL,
  disk_high {int} NOT NULL,
  received_sum {int} NOT NULL,
  received_high {int} NOT NULL,
  sent_sum {int} NOT NULL,
  sent_high {int} NOT NULL,
  network_high {int} NOT NULL,
  uptime_last {int} NOT NULL,
  state_last {text} NOT NULL,
  PRIMARY KEY (server_id, step_secs, at)
){rowless};

-- Where a rule holds: at one of these, or in the whole team where all are empty. A server's rule has its project beside it.
CREATE TABLE alert_rules (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} REFERENCES projects (id),
  node_id {id} REFERENCES nodes (id),
  alt_id {id} REFERENCES alts (id),
  server_id {id} REFERENCES servers (id),
  name {text} NOT NULL,
  settings {json} NOT NULL,
  enabled {bool} NOT NULL,
  created_by {id},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX alert_rules_name ON alert_rules (tenant_id, name);
CREATE INDEX alert_rules_tenant ON alert_rules (tenant_id, id);

-- What rules raised. Outlives its rule and its server, whose names it keeps.
CREATE TABLE alerts (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL,
  node_id {id} NOT NULL,
  server_id {id} NOT NULL,
  rule_id {id} NOT NULL,
  server_name {text} NOT NULL,
  rule_name {text} NOT NULL,
  settings {json} NOT NULL,
  line {int} NOT NULL,
  value {int} NOT NULL,
  peak {int} NOT NULL,
  since {int} NOT NULL,
  raised_at {int} NOT NULL,
  cleared_at {int},
  cleared_by {text}
){strict};
CREATE UNIQUE INDEX alerts_open ON alerts (rule_id, server_id) WHERE cleared_at IS NULL;
CREATE INDEX alerts_node ON alerts (node_id, id) WHERE cleared_at IS NULL;
CREATE INDEX alerts_tenant ON alerts (tenant_id, id);
CREATE INDEX alerts_server ON alerts (server_id, id);
CREATE INDEX alerts_last ON alerts (rule_id, server_id, cleared_at);
CREATE INDEX alerts_cleared ON alerts (cleared_at) WHERE cleared_at IS NOT NULL;
