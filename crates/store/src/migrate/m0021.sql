-- The panel: templates with their versions, servers made from them, and the ports of nodes. New, empty tables, and one empty
-- column of runs: milliseconds on any size. The version before does not look at them.

CREATE TABLE ctrls (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  name {text} NOT NULL,
  description {text} NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX ctrls_name ON ctrls (tenant_id, name);

CREATE TABLE alts (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  ctrl_id {id} NOT NULL REFERENCES ctrls (id),
  name {text} NOT NULL,
  version {int} NOT NULL,
  hash {text} NOT NULL,
  source {text},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX alts_name ON alts (ctrl_id, name);
CREATE INDEX alts_tenant ON alts (tenant_id, id);

-- What an Alt says, a row a version; a server is pinned to one.
CREATE TABLE alt_versions (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  alt_id {id} NOT NULL REFERENCES alts (id),
  version {int} NOT NULL,
  document {json} NOT NULL,
  hash {text} NOT NULL,
  created_by {id},
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX alt_versions_version ON alt_versions (alt_id, version);

CREATE TABLE servers (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  owner_id {id} NOT NULL REFERENCES users (id),
  alt_id {id} NOT NULL REFERENCES alts (id),
  alt_version {int} NOT NULL,
  name {text} NOT NULL,
  settings {json} NOT NULL,
  suspended {bool} NOT NULL,
  generation {int} NOT NULL,
  state {text} NOT NULL,
  install {text} NOT NULL,
  report {json},
  standing {json},
  memory {int} NOT NULL,
  disk {int} NOT NULL,
  heard_at {int},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX servers_name ON servers (project_id, name);
CREATE INDEX servers_node ON servers (node_id, id);
CREATE INDEX servers_tenant ON servers (tenant_id, id);
CREATE INDEX servers_alt ON servers (alt_id, alt_version);
CREATE INDEX servers_owner ON servers (owner_id, id);

-- Ports of nodes that servers may have as their own.
CREATE TABLE allocations (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  ip {text} NOT NULL,
  port {int} NOT NULL,
  alias {text},
  note {text},
  server_id {id} REFERENCES servers (id),
  is_default {bool} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX allocations_place ON allocations (node_id, ip, port);
CREATE UNIQUE INDEX allocations_default ON allocations (server_id) WHERE is_default;
CREATE INDEX allocations_server ON allocations (server_id, port) WHERE server_id IS NOT NULL;
CREATE INDEX allocations_free ON allocations (node_id, port) WHERE server_id IS NULL;

-- Servers whose rows went while their node was silent: it is told to delete them when it is back.
CREATE TABLE server_leftovers (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  spec {json} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE INDEX server_leftovers_node ON server_leftovers (node_id, id);

ALTER TABLE runs ADD COLUMN server_id {id};
CREATE INDEX runs_server ON runs (server_id, id) WHERE server_id IS NOT NULL;
