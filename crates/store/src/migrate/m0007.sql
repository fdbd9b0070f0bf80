-- Which node has seen which head of an audit chain.

CREATE TABLE audit_witnesses (
  instance_id {id} NOT NULL,
  node_id {id} NOT NULL REFERENCES nodes (id),
  tenant_id {id} NOT NULL,
  size {int} NOT NULL,
  hash {bytes} NOT NULL,
  at {int} NOT NULL,
  epoch {int} NOT NULL,
  signed {json} NOT NULL,
  PRIMARY KEY (instance_id, node_id)
){rowless};
