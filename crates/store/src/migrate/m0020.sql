-- Previews: apps of their own for branches, and what of an environment is theirs. An empty column and an index of apps, one
-- column with a constant default (what there is stays production's), and new, empty tables: milliseconds on any size. The
-- version before must not be started on it: it would give previews what is production's.

-- No reference: a table that refers to itself has no order in which a backup could be put back.
ALTER TABLE apps ADD COLUMN preview_of {id};
CREATE INDEX apps_preview_of ON apps (preview_of) WHERE preview_of IS NOT NULL AND deleted_at IS NULL;

ALTER TABLE secrets ADD COLUMN environment {text} NOT NULL DEFAULT 'production';

CREATE TABLE preview_settings (
  app_id {id} PRIMARY KEY REFERENCES apps (id),
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  owner_id {id} NOT NULL,
  base {text} NOT NULL,
  settings {json} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE INDEX preview_settings_base ON preview_settings (base);

CREATE TABLE previews (
  app_id {id} PRIMARY KEY REFERENCES apps (id),
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  parent_id {id} NOT NULL REFERENCES apps (id),
  branch {text} NOT NULL,
  domain {text} NOT NULL,
  certificate {text} NOT NULL,
  commit_hash {text},
  user_id {id} NOT NULL,
  trigger_id {id} NOT NULL,
  site_owner_id {id} NOT NULL,
  pushed_at {int} NOT NULL,
  deployed_at {int},
  site_at {int},
  expires_at {int} NOT NULL,
  ends_why {text},
  ended_at {int},
  problem {text},
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX previews_branch ON previews (parent_id, branch);
CREATE UNIQUE INDEX previews_domain ON previews (domain);
