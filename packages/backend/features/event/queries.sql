-- name: publish
WITH event AS (
  INSERT INTO table_events (table_id, type, data, created_at)
  SELECT $1, $2, d.data, clock_timestamp() FROM unnest($3::text[]) WITH ORDINALITY AS d (data, n)
  ORDER BY d.n
  RETURNING id, data
)
SELECT max(id), count(pg_notify('millrace_events',
  CASE WHEN octet_length(data) < 7800 THEN concat_ws(':', $1::text, id, $2, data)
       ELSE concat_ws(':', $1::text, id) END))
FROM event;

-- name: prune
DELETE FROM table_events WHERE id IN (
  SELECT id FROM table_events WHERE created_at < now() - interval '1 hour'
  ORDER BY created_at LIMIT 2000 FOR UPDATE SKIP LOCKED);

-- name: get
SELECT id, type, data FROM table_events WHERE id = $1;

-- name: newest
SELECT coalesce(max(id), 0) FROM table_events WHERE table_id = $1;

-- name: known
SELECT created_at FROM table_events WHERE id = $2 AND table_id = $1;

-- name: replay
SELECT id, type, data FROM table_events
WHERE table_id = $1 AND id <> $2
  AND (id > $2 OR created_at > $3::timestamptz - interval '10 seconds')
ORDER BY id LIMIT $4;

-- name: watchable
SELECT id FROM tables WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL;
