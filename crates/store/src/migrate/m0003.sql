-- Roles of a team's own, roles and permissions given at objects, and what API keys are limited to.

CREATE TABLE roles (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  name {text} NOT NULL,
  description {text} NOT NULL,
  permissions {json} NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  UNIQUE (tenant_id, name)
){strict};

CREATE TABLE user_roles (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  built_in {text} NOT NULL,
  role_id {id} REFERENCES roles (id),
  object_kind {text} NOT NULL,
  object_id {text} NOT NULL,
  granted_by {id},
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX user_roles_built_in ON user_roles (user_id, built_in, object_kind, object_id)
  WHERE role_id IS NULL;
CREATE UNIQUE INDEX user_roles_own ON user_roles (user_id, role_id, object_kind, object_id)
  WHERE role_id IS NOT NULL;
CREATE INDEX user_roles_tenant ON user_roles (tenant_id, user_id);
CREATE INDEX user_roles_role ON user_roles (role_id) WHERE role_id IS NOT NULL;

ALTER TABLE user_permissions ADD COLUMN granted_by {id};
ALTER TABLE user_permissions ADD COLUMN created_at {int};

-- The first administrator had every permission there was, one by one: from now on as the owner.
INSERT INTO user_roles (id, tenant_id, user_id, built_in, object_kind, object_id, created_at)
  SELECT id, tenant_id, user_id, 'owner', '', '', 0 FROM user_permissions
  WHERE permission = 'admin:roles' AND object_kind = '';
DELETE FROM user_permissions WHERE object_kind = ''
  AND user_id IN (SELECT r.user_id FROM user_roles r WHERE r.built_in = 'owner' AND r.object_kind = '');

ALTER TABLE api_tokens ADD COLUMN project_id {id};
ALTER TABLE api_tokens ADD COLUMN last_used_from {text};

ALTER TABLE projects ADD COLUMN updated_at {int};
ALTER TABLE projects ADD COLUMN deleted_at {int};
