-- name: table_load
SELECT t.name, t.row_count, t.next_position, t.created_at, t.updated_at, c.id, c.key, c.name, c.type, c.position, c.width, c.hidden,
       c.options
FROM tables t LEFT JOIN table_columns c ON c.table_id = t.id
WHERE t.id = $1 AND t.workspace_id = $2 AND t.deleted_at IS NULL
ORDER BY c.position;

-- name: table_lock
SELECT id FROM tables
WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE;

-- name: table_insert
INSERT INTO tables (workspace_id, name, created_by) VALUES ($1, $2, $3)
RETURNING id;

-- name: table_list
SELECT id, name, row_count, created_at, updated_at, created_at::text AS cursor_time
FROM tables
WHERE workspace_id = $1 AND deleted_at IS NULL
  AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
ORDER BY created_at, id
LIMIT $4;

-- name: table_rename
UPDATE tables SET name = $2, updated_at = now() WHERE id = $1;

-- name: table_touch
UPDATE tables SET updated_at = now() WHERE id = $1;

-- name: table_delete
UPDATE tables SET deleted_at = now() WHERE id = $1;

-- name: table_rows_added
UPDATE tables SET row_count = row_count + $2, next_position = next_position + $2, updated_at = now()
WHERE id = $1 AND deleted_at IS NULL
RETURNING next_position - $2;

-- name: table_rows_removed
UPDATE tables SET row_count = row_count - $2, updated_at = now() WHERE id = $1;

-- name: column_insert
INSERT INTO table_columns (table_id, key, name, type, position, width, hidden, options)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id;

-- name: column_update
UPDATE table_columns
SET name = $2, width = $3, hidden = $4, options = $5, type = $6, key = $7, updated_at = now()
WHERE id = $1;

-- name: column_delete
DELETE FROM table_columns WHERE id = $1;

-- name: columns_arrange
UPDATE table_columns c SET position = o.position
FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, position)
WHERE c.id = o.id AND c.table_id = $1 AND c.position <> o.position;

-- name: table_in_use
SELECT j.id FROM jobs j
WHERE j.table_id = $1 AND j.status IN ('queued', 'running')
  AND ($2::uuid IS NULL OR EXISTS (SELECT FROM job_fields f
                                   WHERE f.job_id = j.id AND f.column_id = $2::uuid))
LIMIT 1;
