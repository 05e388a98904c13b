-- Statements of the command line, where it works on the database itself.

-- name: actor_oldest
SELECT u.id, u.email
  FROM users u
 WHERE $1::text IS NULL OR lower(u.email) = lower($1)
 ORDER BY u.platform_admin DESC, u.created_at, u.id
 LIMIT 1

-- name: session_begin
INSERT INTO sessions (user_id) VALUES ($1::uuid) RETURNING id

-- name: session_end
UPDATE sessions SET revoked_at = now(), revoked_reason = 'command line ended'
 WHERE id = $1::uuid AND revoked_at IS NULL

-- name: user_list
SELECT u.id, u.email, u.name, u.platform_admin,
       to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (SELECT count(*) FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
         WHERE m.user_id = u.id AND w.deleted_at IS NULL)
  FROM users u
 ORDER BY u.created_at, u.id

-- name: user_set_admin
UPDATE users SET platform_admin = $2::boolean, updated_at = now()
 WHERE lower(email) = lower($1) RETURNING id

-- name: workspace_find
SELECT w.id, w.name FROM workspaces w
 WHERE w.deleted_at IS NULL AND (w.id::text = lower($1) OR w.name = $1)
 ORDER BY w.created_at LIMIT 2

-- name: server_version
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       pg_size_pretty(pg_database_size(current_database()))
