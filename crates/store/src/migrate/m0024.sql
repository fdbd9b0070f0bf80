-- A schedule is an app's or a server's. Both tables are made anew, since a column that had to be there need not be any more: a
-- second for ten thousand schedules with fifty runs each. The version before does not start with it.

CREATE TABLE schedules_next (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  app_id {id} REFERENCES apps (id),
  server_id {id} REFERENCES servers (id),
  name {text} NOT NULL,
  settings {json} NOT NULL,
  generation {int} NOT NULL,
  state {text} NOT NULL,
  reason {text},
  standing {json},
  troubled_at {int},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  CHECK ((app_id IS NULL) <> (server_id IS NULL))
){strict};
INSERT INTO schedules_next (id, tenant_id, project_id, node_id, app_id, name, settings, generation, state, reason, standing,
  troubled_at, created_at, updated_at)
SELECT id, tenant_id, project_id, node_id, app_id, name, settings, generation, state, reason, standing, troubled_at,
  created_at, updated_at FROM schedules;

CREATE TABLE schedule_runs_next (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  schedule_id {id} NOT NULL REFERENCES schedules_next (id),
  state {text} NOT NULL,
  report {json} NOT NULL,
  due_at {int} NOT NULL
){strict};
INSERT INTO schedule_runs_next SELECT id, tenant_id, project_id, schedule_id, state, report, due_at FROM schedule_runs;

DROP TABLE schedule_runs;
DROP TABLE schedules;
ALTER TABLE schedules_next RENAME TO schedules;
ALTER TABLE schedule_runs_next RENAME TO schedule_runs;

CREATE UNIQUE INDEX schedules_name ON schedules (app_id, name) WHERE app_id IS NOT NULL;
CREATE UNIQUE INDEX schedules_server_name ON schedules (server_id, name) WHERE server_id IS NOT NULL;
CREATE INDEX schedules_node ON schedules (node_id, id);
CREATE INDEX schedules_tenant ON schedules (tenant_id, id);
CREATE INDEX schedules_troubled ON schedules (troubled_at);
CREATE INDEX schedule_runs_newest ON schedule_runs (schedule_id, id);
