-- Notifications: where they go, what each person wants to be told, and what waits to go with others. New, empty tables:
-- milliseconds on any size, and the version before does not look at them.

CREATE TABLE notification_channels (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} REFERENCES users (id),
  kind {text} NOT NULL,
  name {text} NOT NULL,
  sealed {bytes} NOT NULL,
  fingerprint {bytes} NOT NULL,
  hint {text} NOT NULL,
  kinds {json} NOT NULL,
  projects {json},
  enabled {bool} NOT NULL,
  last_sent_at {int},
  last_error {text},
  last_error_at {int},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE INDEX notification_channels_tenant ON notification_channels (tenant_id, user_id, id);
CREATE INDEX notification_channels_user ON notification_channels (user_id, id);

CREATE TABLE notification_preferences (
  user_id {id} PRIMARY KEY REFERENCES users (id),
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  preferences {json} NOT NULL,
  updated_at {int} NOT NULL
){strict};

CREATE TABLE notices_held (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  user_id {id} REFERENCES users (id),
  channel_id {id} NOT NULL REFERENCES notification_channels (id),
  notice {json} NOT NULL,
  due_at {int} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE INDEX notices_held_due ON notices_held (channel_id, due_at, id);
CREATE INDEX notices_held_user ON notices_held (user_id);
