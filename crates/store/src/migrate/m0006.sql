-- Secrets: names and versions. A value is sealed under the master key and bound to its tenant, secret and version; one
-- that waits for a person is bound to its run.

CREATE TABLE secrets (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  name {text} NOT NULL,
  description {text} NOT NULL,
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  created_by {id},
  updated_at {int} NOT NULL,
  updated_by {id},
  deleted_at {int}
){strict};
CREATE UNIQUE INDEX secrets_name ON secrets (project_id, name) WHERE deleted_at IS NULL;

CREATE TABLE secret_versions (
  secret_id {id} NOT NULL REFERENCES secrets (id),
  version {int} NOT NULL,
  tenant_id {id} NOT NULL,
  project_id {id} NOT NULL,
  sealed {bytes} NOT NULL,
  created_at {int} NOT NULL,
  created_by {id},
  PRIMARY KEY (secret_id, version)
){strict};

CREATE TABLE secrets_waiting (
  run_id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL,
  sealed {bytes} NOT NULL,
  created_at {int} NOT NULL
){strict};
