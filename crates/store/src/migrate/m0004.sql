-- People come by invitation and choose new passwords by mail. Both are links that are good once; only their hashes are
-- kept.

CREATE TABLE invitations (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  email {text} NOT NULL,
  role {text} NOT NULL,
  object_kind {text} NOT NULL,
  object_id {text} NOT NULL,
  hash {bytes} NOT NULL,
  invited_by {id},
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int},
  withdrawn_at {int},
  user_id {id} REFERENCES users (id)
){strict};
CREATE UNIQUE INDEX invitations_open ON invitations (tenant_id, email) WHERE used_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX invitations_tenant ON invitations (tenant_id, id);
CREATE INDEX invitations_email ON invitations (tenant_id, email, created_at);
CREATE INDEX invitations_user ON invitations (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE password_resets (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} NOT NULL REFERENCES users (id),
  hash {bytes} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int}
){strict};
CREATE INDEX password_resets_user ON password_resets (user_id, created_at);
