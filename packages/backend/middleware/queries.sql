-- name: actor_find
SELECT u.email, u.platform_admin, m.role
FROM users u
JOIN sessions s ON s.user_id = u.id AND s.id = $2 AND s.revoked_at IS NULL
LEFT JOIN (workspace_members m JOIN workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL)
  ON m.user_id = u.id AND m.workspace_id = $3
WHERE u.id = $1;

-- name: idempotency_claim
INSERT INTO idempotency_keys (caller, key, route, body_hash)
VALUES ($1, $2, $3, $4)
ON CONFLICT (caller, key) DO UPDATE
  SET route = excluded.route, body_hash = excluded.body_hash, status = NULL, response = NULL,
      created_at = now()
  WHERE idempotency_keys.created_at < now() - interval '24 hours'
RETURNING true;

-- name: idempotency_find
SELECT route, body_hash, status, response FROM idempotency_keys WHERE caller = $1 AND key = $2;

-- name: idempotency_store
UPDATE idempotency_keys SET status = $3, response = $4 WHERE caller = $1 AND key = $2;

-- name: idempotency_drop
DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2;
