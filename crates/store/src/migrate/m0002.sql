-- Approvals are held on the run itself; an app keeps the settings its node has taken; and commands that keep a node in
-- step belong to no run.

ALTER TABLE runs ADD COLUMN held_until {int};
ALTER TABLE apps ADD COLUMN applied {json};

CREATE TABLE commands_next (
  id {id} PRIMARY KEY,
  tenant_id {id} NOT NULL,
  run_id {id} REFERENCES runs (id),
  node_id {id} NOT NULL REFERENCES nodes (id),
  epoch {int} NOT NULL,
  sequence {int} NOT NULL,
  kind {text} NOT NULL,
  payload {bytes} NOT NULL,
  signature {bytes} NOT NULL,
  key_id {bytes} NOT NULL,
  delegation_id {id} NOT NULL,
  state {text} NOT NULL,
  not_before {int} NOT NULL,
  expires_at {int} NOT NULL,
  created_at {int} NOT NULL,
  sent_at {int},
  acked_at {int},
  done_at {int},
  accepted {json},
  result {json}
){strict};
INSERT INTO commands_next SELECT * FROM commands;
DROP TABLE commands;
ALTER TABLE commands_next RENAME TO commands;
CREATE UNIQUE INDEX commands_number ON commands (node_id, epoch, sequence) WHERE state <> 'void';
CREATE INDEX commands_waiting ON commands (node_id, epoch, sequence) WHERE state IN ('ready', 'sent');
CREATE INDEX commands_run ON commands (run_id);
