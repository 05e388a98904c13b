-- Statements of CSV imports.

-- name: insert
INSERT INTO imports (workspace_id, table_id, file_name, file_bytes, spool_name, dialect, columns,
                     faults, fault_count, rows_total, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
RETURNING id;

-- name: get
SELECT id, table_id, CASE status WHEN 'queued' THEN 'importing' ELSE status END AS status,
       file_name, file_bytes, rows_total, rows_read, rows_imported, rows_rejected, faults, fault_count,
       error, created_at AT TIME ZONE 'UTC' AS created_at,
       finished_at AT TIME ZONE 'UTC' AS finished_at
FROM imports WHERE id = $1 AND workspace_id = $2;

-- name: read_preview
SELECT status, table_id, file_name, columns
FROM imports WHERE id = $1 AND workspace_id = $2 FOR UPDATE;

-- name: queue
UPDATE imports SET status = 'queued', commit_options = $2, faults = '[]', fault_count = 0 WHERE id = $1;

-- name: open
SELECT id FROM imports WHERE status IN ('queued', 'importing') ORDER BY created_at LIMIT 100;

-- name: claim
-- Whoever holds the lock loads the import; it is freed with the transaction, however that ends.
SELECT pg_try_advisory_xact_lock(hashtextextended('import ' || $1::text, 0));

-- name: read_job
SELECT id, workspace_id, table_id, created_by, file_name, spool_name, dialect, columns,
       commit_options, created_at < now() - interval '1 hour' AS old
FROM imports WHERE id = $1 AND status IN ('queued', 'importing');

-- name: begin
UPDATE imports SET status = 'importing', rows_read = 0 WHERE id = $1 AND status IN ('queued', 'importing');

-- name: progress
UPDATE imports SET rows_read = $2 WHERE id = $1 AND status = 'importing';

-- name: complete
UPDATE imports
SET status = 'completed', table_id = $2, rows_read = $3, rows_imported = $4, rows_rejected = $5,
    rows_total = $3, faults = $6, fault_count = $7, spool_name = NULL, finished_at = now()
WHERE id = $1;

-- name: fail
UPDATE imports
SET status = 'failed', error = $2, rows_read = $3, rows_imported = 0, rows_rejected = $4, faults = $5,
    fault_count = $6, spool_name = NULL, finished_at = now()
WHERE id = $1 AND status IN ('queued', 'importing');

-- name: purge
-- Previews that nobody committed within a day.
DELETE FROM imports WHERE status = 'previewed' AND created_at < now() - interval '1 day'
RETURNING spool_name;

-- name: spool_known
SELECT EXISTS (SELECT 1 FROM imports WHERE spool_name = $1);

-- name: workspace_of
SELECT workspace_id FROM tables WHERE id = $1;
