-- name: audit_insert
INSERT INTO audit_log (workspace_id, user_id, action, entity_type, entity_id, details, ip, request_id)
VALUES ($1, $2, $3, $4, $5, coalesce($6::jsonb, '{}'), $7, $8);
