-- name: credential_new_id
SELECT gen_random_uuid();

-- name: credential_list
SELECT id, provider_slug AS provider, name, last4, created_at, updated_at FROM credentials
WHERE workspace_id = $1
  AND ($2::timestamptz IS NULL OR (created_at, id) > ($2::timestamptz, $3::uuid))
ORDER BY created_at, id
LIMIT $4;

-- name: credential_insert
INSERT INTO credentials (id, workspace_id, provider_slug, name, ciphertext, last4, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, provider_slug AS provider, name, last4, created_at, updated_at;

-- name: credential_lock
SELECT id, provider_slug AS provider, name, last4, ciphertext FROM credentials
WHERE workspace_id = $1 AND id = $2 FOR UPDATE;

-- name: credential_get
SELECT id, provider_slug, ciphertext FROM credentials WHERE workspace_id = $1 AND id = $2;

-- name: credential_update
UPDATE credentials SET name = $2, ciphertext = $3, last4 = $4, updated_at = now() WHERE id = $1
RETURNING id, provider_slug AS provider, name, last4, created_at, updated_at;

-- name: credential_delete
DELETE FROM credentials WHERE workspace_id = $1 AND id = $2 RETURNING provider_slug, name;

-- name: credential_newest
SELECT id, ciphertext FROM credentials WHERE workspace_id = $1 AND provider_slug = $2
ORDER BY created_at DESC, id LIMIT 1;

-- name: credential_by_id
SELECT c.id, c.workspace_id, c.provider_slug, c.ciphertext
FROM credentials c JOIN workspaces w ON w.id = c.workspace_id AND w.deleted_at IS NULL
WHERE c.id = $1;

-- name: credential_reseal_page
SELECT id, workspace_id, ciphertext FROM credentials
WHERE $1::uuid IS NULL OR id > $1::uuid ORDER BY id LIMIT 1000 FOR UPDATE;

-- name: credential_reseal
UPDATE credentials c SET ciphertext = n.ciphertext
FROM unnest($1::uuid[], $2::text[]) AS t(id, hex),
     LATERAL (SELECT decode(t.hex, 'hex') AS ciphertext) n
WHERE c.id = t.id;
