-- name: invitation_list
SELECT i.id, i.email, i.role, i.created_at, i.expires_at, i.answered_at, u.name AS invited_by,
       CASE WHEN i.status = 'pending' AND i.expires_at <= now() THEN 'expired' ELSE i.status END
         AS status
FROM invitations i
LEFT JOIN users u ON u.id = i.invited_by
WHERE i.workspace_id = $1
  AND ($2::timestamptz IS NULL OR (i.created_at, i.id) > ($2::timestamptz, $3::uuid))
ORDER BY i.created_at, i.id
LIMIT $4;

-- name: invitation_expire
-- Makes room for a new invitation of the same address.
UPDATE invitations SET status = 'revoked', answered_at = now()
WHERE workspace_id = $1 AND lower(email) = lower($2) AND status = 'pending' AND expires_at <= now();

-- name: invitation_is_member
SELECT 1 FROM workspace_members m JOIN users u ON u.id = m.user_id
WHERE m.workspace_id = $1 AND lower(u.email) = lower($2);

-- name: invitation_insert
INSERT INTO invitations (workspace_id, email, role, token_hash, invited_by)
VALUES ($1, $2, $3, $4, $5)
RETURNING id, email, role, status, created_at, expires_at;

-- name: invitation_revoke
UPDATE invitations SET status = 'revoked', answered_at = now()
WHERE workspace_id = $1 AND id = $2 AND status = 'pending'
RETURNING email, role;

-- name: invitation_open
SELECT i.id, i.workspace_id, i.email, i.role, i.status, i.created_at, i.expires_at,
       u.name AS invited_by, w.name AS workspace_name
FROM invitations i
JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
LEFT JOIN users u ON u.id = i.invited_by
WHERE i.token_hash = $1 AND i.status = 'pending' AND i.expires_at > now();

-- name: invitation_lock
SELECT i.id, i.workspace_id, i.email, i.role
FROM invitations i
JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
WHERE i.token_hash = $1 AND i.status = 'pending' AND i.expires_at > now()
FOR UPDATE OF i;

-- name: invitation_answer
UPDATE invitations SET status = $2, answered_at = now() WHERE id = $1;

-- name: audit_list
SELECT a.id, a.seq, a.action, a.entity_type, a.entity_id, a.user_id, u.name AS user_name,
       u.email AS user_email, a.details, a.ip, a.request_id, a.created_at
FROM audit_log a
LEFT JOIN users u ON u.id = a.user_id
WHERE a.workspace_id = $1
  AND ($2::bigint IS NULL OR a.seq < $2::bigint)
  AND ($3::uuid IS NULL OR a.user_id = $3::uuid)
  AND ($4::text IS NULL OR a.action = $4 OR (right($4, 1) = '.' AND starts_with(a.action, $4)))
  AND ($5::text IS NULL OR a.entity_type = $5)
  AND ($6::timestamptz IS NULL OR a.created_at >= $6::timestamptz)
  AND ($7::timestamptz IS NULL OR a.created_at < $7::timestamptz)
  AND (NOT $8::boolean OR a.entity_type NOT IN ('credential', 'webhook', 'session'))
ORDER BY a.seq DESC
LIMIT $9;
