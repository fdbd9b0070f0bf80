-- Alerts: since when a machine's disk is full, and apps that are down found at once. An empty column and a small index:
-- milliseconds for the column, one reading of `apps` for the index. The version before looks at neither.

ALTER TABLE nodes ADD COLUMN disk_full_at {int};
CREATE INDEX apps_down ON apps (tenant_id, id) WHERE state = 'failed' AND deleted_at IS NULL;
