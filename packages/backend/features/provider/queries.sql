-- Statements of the provider feature: a workspace's own definitions.

-- name: own_list
SELECT slug, definition::text AS definition FROM workspace_providers WHERE workspace_id = $1 ORDER BY slug;

-- name: own_get
SELECT id, slug, definition::text AS definition FROM workspace_providers WHERE workspace_id = $1 AND slug = $2;

-- name: own_lock
SELECT id, slug, definition::text AS definition FROM workspace_providers WHERE workspace_id = $1 AND slug = $2 FOR UPDATE;

-- name: own_count
SELECT count(*) FROM workspace_providers WHERE workspace_id = $1;

-- name: own_insert
INSERT INTO workspace_providers (workspace_id, slug, definition, created_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (workspace_id, slug) DO NOTHING RETURNING id;

-- name: own_update
UPDATE workspace_providers SET definition = $2, updated_at = now() WHERE id = $1;

-- name: own_delete
DELETE FROM workspace_providers WHERE id = $1;

-- name: provider_credential_slugs
SELECT DISTINCT provider_slug FROM credentials WHERE workspace_id = $1;
