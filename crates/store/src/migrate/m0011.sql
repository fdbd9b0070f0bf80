-- What has come in for an execution has a place of its own: ids of one millisecond have no order.

ALTER TABLE workflow_inbox ADD COLUMN seq {int} NOT NULL DEFAULT 0;
DROP INDEX workflow_inbox_run;
CREATE INDEX workflow_inbox_order ON workflow_inbox (run_id, seq, id);
