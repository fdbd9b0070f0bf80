-- Deploys by push: one hook an app, and what it was sent last; keys that open apps' repositories. New, empty tables: milliseconds on any size, and the version before
-- does not look at them.

CREATE TABLE deploy_hooks (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  app_id {id} NOT NULL REFERENCES apps (id),
  owner_id {id} NOT NULL,
  settings {json} NOT NULL,
  sealed {bytes} NOT NULL,
  sealed_before {bytes},
  rotated_at {int},
  refused_at {int},
  refused_why {text},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX deploy_hooks_app ON deploy_hooks (app_id);

CREATE TABLE hook_deliveries (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  hook_id {id} NOT NULL REFERENCES deploy_hooks (id),
  delivery {text} NOT NULL,
  sender {text} NOT NULL,
  event {text} NOT NULL,
  branch {text},
  before {text},
  commit_hash {text},
  heard {bool} NOT NULL,
  outcome {text} NOT NULL,
  reason {text} NOT NULL,
  run_id {id},
  at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX hook_deliveries_once ON hook_deliveries (hook_id, delivery);
CREATE INDEX hook_deliveries_newest ON hook_deliveries (hook_id, id);

CREATE TABLE deploy_keys (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  app_id {id} NOT NULL REFERENCES apps (id),
  public_key {text} NOT NULL,
  fingerprint {text} NOT NULL,
  sealed {bytes} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX deploy_keys_app ON deploy_keys (app_id);
