-- Schedules: what nodes run for apps by the clock, and how the last runs of each went. New, empty tables: milliseconds on any
-- size, and the version before does not look at them.

CREATE TABLE schedules (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  app_id {id} NOT NULL REFERENCES apps (id),
  name {text} NOT NULL,
  settings {json} NOT NULL,
  generation {int} NOT NULL,
  state {text} NOT NULL,
  reason {text},
  standing {json},
  troubled_at {int},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX schedules_name ON schedules (app_id, name);
CREATE INDEX schedules_node ON schedules (node_id, id);
CREATE INDEX schedules_tenant ON schedules (tenant_id, id);
CREATE INDEX schedules_troubled ON schedules (troubled_at);

CREATE TABLE schedule_runs (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  schedule_id {id} NOT NULL REFERENCES schedules (id),
  state {text} NOT NULL,
  report {json} NOT NULL,
  due_at {int} NOT NULL
){strict};
CREATE INDEX schedule_runs_newest ON schedule_runs (schedule_id, id);
