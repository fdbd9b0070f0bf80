-- Domains: what each shall be, and how it is by its node's word. Every name is one domain's, over the whole installation. New,
-- empty tables: milliseconds on any size, and the version before does not look at them.

CREATE TABLE proxies (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL REFERENCES tenants (id),
  project_id {id} NOT NULL REFERENCES projects (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  app_id {id} NOT NULL REFERENCES apps (id),
  domain {text} NOT NULL,
  settings {json} NOT NULL,
  generation {int} NOT NULL,
  state {text} NOT NULL,
  reason {text},
  served {json},
  certificate {json},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL
){strict};
CREATE INDEX proxies_app ON proxies (app_id, id);
CREATE INDEX proxies_node ON proxies (node_id, id);
CREATE INDEX proxies_tenant ON proxies (tenant_id, id);

CREATE TABLE proxy_names (
  name {text} PRIMARY KEY,
  proxy_id {id} NOT NULL REFERENCES proxies (id),
  tenant_id {id} NOT NULL REFERENCES tenants (id)
){strict};
CREATE INDEX proxy_names_proxy ON proxy_names (proxy_id);
