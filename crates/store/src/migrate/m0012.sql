-- People in the loop: rules of routing, what was learnt, votes, deputies, reviews, and what a person has put aside.
-- New, empty tables and one column without a default: milliseconds on any size.

CREATE TABLE routing_rules (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} REFERENCES projects (id) ON DELETE CASCADE,
  rules {json} NOT NULL,
  version {int} NOT NULL,
  updated_by {id},
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX routing_rules_tenant ON routing_rules (tenant_id) WHERE project_id IS NULL;
CREATE UNIQUE INDEX routing_rules_project ON routing_rules (project_id) WHERE project_id IS NOT NULL;

CREATE TABLE learning_states (
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  level {text} NOT NULL,
  state {json} NOT NULL,
  updated_at {int} NOT NULL,
  PRIMARY KEY (tenant_id, level)
){rowless};

CREATE TABLE learning_samples (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id},
  run_id {id} NOT NULL,
  source {text} NOT NULL,
  action {text} NOT NULL,
  agent_id {id} NOT NULL,
  tool {text},
  score {int},
  confidence {int},
  estimate {int},
  good {bool} NOT NULL,
  at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX learning_samples_run ON learning_samples (run_id, source);
CREATE INDEX learning_samples_action ON learning_samples (tenant_id, action, id);
CREATE INDEX learning_samples_agent ON learning_samples (tenant_id, agent_id, id);

ALTER TABLE approvals ADD COLUMN terms {json};
ALTER TABLE approvals ADD COLUMN held_until {int};

CREATE TABLE approval_votes (
  approval_id {id} NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
  tenant_id {id} NOT NULL,
  voice_id {id} NOT NULL,
  user_id {id} NOT NULL,
  verdict {text} NOT NULL,
  comment {text},
  at {int} NOT NULL,
  PRIMARY KEY (approval_id, voice_id)
){rowless};

CREATE TABLE deputies (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  from_user {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  to_user {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  starts_at {int} NOT NULL,
  ends_at {int} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE INDEX deputies_from ON deputies (from_user, ends_at);
CREATE INDEX deputies_to ON deputies (to_user, ends_at);

CREATE TABLE reviews (
  run_id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id},
  opened_at {int} NOT NULL,
  good {bool},
  comment {text},
  reviewed_by {id},
  reviewed_at {int}
){strict};
CREATE INDEX reviews_open ON reviews (tenant_id, run_id) WHERE reviewed_at IS NULL;

CREATE TABLE inbox_marks (
  user_id {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  card_id {id} NOT NULL,
  seen_at {int} NOT NULL,
  until {int},
  PRIMARY KEY (user_id, card_id)
){rowless};
CREATE INDEX inbox_marks_age ON inbox_marks (seen_at);

CREATE INDEX runs_broken ON runs (tenant_id, id) WHERE done IN ('failed', 'rolledBack');
CREATE INDEX approvals_waiting ON approvals (tenant_id, id) WHERE state IN ('open', 'escalated');
