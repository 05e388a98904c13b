-- name: workspace_insert
INSERT INTO workspaces (name, created_by) VALUES ($1, $2) RETURNING id, name, created_at;

-- name: workspace_list
SELECT w.id, w.name, m.role, w.created_at,
       coalesce(sum(a.balance) FILTER (WHERE a.kind = 'available'), 0)::bigint AS available,
       coalesce(sum(a.balance) FILTER (WHERE a.kind = 'reserved'), 0)::bigint AS reserved,
       coalesce(sum(a.balance) FILTER (WHERE a.kind = 'spent'), 0)::bigint AS spent
FROM workspace_members m
JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
LEFT JOIN credit_accounts a ON a.workspace_id = w.id
WHERE m.user_id = $1
  AND ($2::timestamptz IS NULL OR (w.created_at, w.id) > ($2::timestamptz, $3::uuid))
GROUP BY w.id, m.role
ORDER BY w.created_at, w.id
LIMIT $4;

-- name: workspace_config
SELECT name, created_at FROM workspaces WHERE id = $1 AND deleted_at IS NULL;

-- name: workspace_role
SELECT role FROM workspace_members WHERE workspace_id = $1 AND user_id = $2;

-- name: workspace_rename
UPDATE workspaces SET name = $2, updated_at = now() WHERE id = $1 AND deleted_at IS NULL;

-- name: workspace_delete
UPDATE workspaces SET deleted_at = now(), updated_at = now() WHERE id = $1 AND deleted_at IS NULL;

-- name: workspace_member_ids
SELECT user_id FROM workspace_members WHERE workspace_id = $1;

-- name: member_list
SELECT m.user_id, u.email, u.name, m.role, m.created_at AS joined_at
FROM workspace_members m
JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = $1
  AND ($2::timestamptz IS NULL OR (m.created_at, m.user_id) > ($2::timestamptz, $3::uuid))
ORDER BY m.created_at, m.user_id
LIMIT $4;

-- name: member_get
SELECT m.user_id, u.email, u.name, m.role, m.created_at AS joined_at
FROM workspace_members m
JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = $1 AND m.user_id = $2;

-- name: member_insert
INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- name: member_lock_owners
-- Whoever changes owners waits here for whoever does so at the same time.
SELECT user_id FROM workspace_members WHERE workspace_id = $1 AND role = 'owner'
ORDER BY user_id FOR UPDATE;

-- name: member_lock
SELECT role FROM workspace_members WHERE workspace_id = $1 AND user_id = $2 FOR UPDATE;

-- name: member_update
UPDATE workspace_members SET role = $3 WHERE workspace_id = $1 AND user_id = $2;

-- name: member_delete
DELETE FROM workspace_members WHERE workspace_id = $1 AND user_id = $2;

-- name: workspace_open_jobs
SELECT id FROM jobs WHERE workspace_id = $1 AND status IN ('queued', 'running') ORDER BY id;
