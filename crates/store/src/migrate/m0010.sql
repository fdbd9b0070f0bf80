-- Workflows: what they are, what starts them, and what happened in each execution.

CREATE TABLE workflows (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  name {text} NOT NULL,
  description {text},
  version {int} NOT NULL,
  hash {text} NOT NULL,
  enabled {bool} NOT NULL,
  owner_id {id} NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX workflows_name ON workflows (project_id, name);
CREATE INDEX workflows_tenant ON workflows (tenant_id, id);

CREATE TABLE workflow_versions (
  workflow_id {id} NOT NULL REFERENCES workflows (id),
  version {int} NOT NULL,
  tenant_id {id} NOT NULL,
  hash {text} NOT NULL,
  document {text} NOT NULL,
  created_by {id},
  created_at {int} NOT NULL,
  PRIMARY KEY (workflow_id, version)
){rowless};

CREATE TABLE workflow_triggers (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL,
  project_id {id} NOT NULL,
  workflow_id {id} NOT NULL REFERENCES workflows (id),
  name {text} NOT NULL,
  kind {text} NOT NULL,
  next_at {int},
  last_at {int},
  missed {int} NOT NULL,
  last_fault {json},
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX workflow_triggers_name ON workflow_triggers (workflow_id, name);
CREATE INDEX workflow_triggers_due ON workflow_triggers (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE workflow_executions (
  run_id {id} PRIMARY KEY REFERENCES runs (id),
  tenant_id {id} NOT NULL,
  project_id {id} NOT NULL,
  workflow_id {id} NOT NULL,
  version {int} NOT NULL,
  state {text} NOT NULL,
  engine_id {id},
  wake_at {int},
  concurrency_key {text},
  forked_from {id},
  forked_step {text},
  trigger_id {id},
  steps_ended {int} NOT NULL,
  steps_known {int} NOT NULL,
  first_fault {json},
  poison {bool} NOT NULL,
  opened_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  closed_at {int}
){strict};
CREATE INDEX workflow_executions_workflow ON workflow_executions (workflow_id, run_id);
CREATE INDEX workflow_executions_tenant ON workflow_executions (tenant_id, run_id);
CREATE INDEX workflow_executions_open ON workflow_executions (engine_id, state) WHERE closed_at IS NULL;
CREATE INDEX workflow_executions_key ON workflow_executions (workflow_id, concurrency_key) WHERE closed_at IS NULL;
CREATE INDEX workflow_executions_forks ON workflow_executions (forked_from) WHERE forked_from IS NOT NULL;

CREATE TABLE workflow_journal (
  run_id {id} NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  facts {text} NOT NULL,
  PRIMARY KEY (run_id, seq)
){rowless};

CREATE TABLE workflow_blobs (
  run_id {id} NOT NULL,
  hash {bytes} NOT NULL,
  value {text} NOT NULL,
  PRIMARY KEY (run_id, hash)
){rowless};

CREATE TABLE workflow_inbox (
  id {id} PRIMARY KEY,
  run_id {id} NOT NULL,
  event {json} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE INDEX workflow_inbox_run ON workflow_inbox (run_id, id);

CREATE TABLE workflow_engines (
  instance_id {id} PRIMARY KEY,
  fence {int} NOT NULL,
  leased_until {int} NOT NULL
){strict};

ALTER TABLE runs ADD COLUMN parent_run {id};
ALTER TABLE runs ADD COLUMN parent_step {text};
ALTER TABLE runs ADD COLUMN parent_attempt {int};
CREATE UNIQUE INDEX runs_parent ON runs (parent_run, parent_step, parent_attempt) WHERE parent_run IS NOT NULL;

ALTER TABLE approvals ADD COLUMN run_id {id};
ALTER TABLE approvals ADD COLUMN step {text};
ALTER TABLE approvals ADD COLUMN escalated_at {int};
UPDATE approvals SET run_id = subject_id;
DROP INDEX approvals_open;
CREATE UNIQUE INDEX approvals_open ON approvals (subject_kind, subject_id) WHERE state IN ('open', 'escalated');
CREATE INDEX approvals_run ON approvals (run_id) WHERE run_id IS NOT NULL;
