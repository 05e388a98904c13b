-- name: user_insert
INSERT INTO users (email, name, password_hash, platform_admin) VALUES ($1, $2, $3, $4)
RETURNING id, email, name, platform_admin, created_at;

-- name: user_by_email
SELECT id, email, name, platform_admin, created_at, password_hash FROM users
WHERE lower(email) = lower($1);

-- name: user_by_id
SELECT id, email, name, platform_admin, created_at FROM users WHERE id = $1;

-- name: user_first_admin
SELECT id, email, name, platform_admin, created_at FROM users
ORDER BY platform_admin DESC, created_at, id LIMIT 1;

-- name: users_lock
-- Two that find no user at the same time must not both make the first one.
SELECT pg_advisory_xact_lock(7401928551);

-- name: user_set_password
UPDATE users SET password_hash = $2, updated_at = now() WHERE id = $1;

-- name: session_insert
INSERT INTO sessions (user_id) VALUES ($1) RETURNING id;

-- name: session_revoke
UPDATE sessions SET revoked_at = now(), revoked_reason = $2 WHERE id = $1 AND revoked_at IS NULL
RETURNING user_id;

-- name: sessions_revoke_all
UPDATE sessions SET revoked_at = now(), revoked_reason = $2
WHERE user_id = $1 AND revoked_at IS NULL RETURNING id;

-- name: sessions_live
SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL;

-- name: refresh_insert
INSERT INTO refresh_tokens (session_id, token_hash, expires_at)
VALUES ($1, $2, now() + interval '7 days');

-- name: refresh_lock
SELECT r.id, r.session_id, s.user_id, r.spent_at IS NOT NULL AS spent,
       r.expires_at <= now() AS expired, s.revoked_at IS NOT NULL AS revoked
FROM refresh_tokens r
JOIN sessions s ON s.id = r.session_id
WHERE r.token_hash = $1
FOR UPDATE OF r;

-- name: refresh_spend
UPDATE refresh_tokens SET spent_at = now() WHERE id = $1;

-- name: refresh_session
SELECT session_id FROM refresh_tokens WHERE token_hash = $1;

-- name: once_drop
DELETE FROM one_time_tokens WHERE purpose = $2 AND used_at IS NULL
  AND user_id = (SELECT id FROM users WHERE lower(email) = lower($1));

-- name: once_insert_by_email
INSERT INTO one_time_tokens (user_id, purpose, token_hash, expires_at)
SELECT id, $2, $3, now() + $4::interval FROM users WHERE lower(email) = lower($1)
RETURNING user_id;

-- name: once_take
UPDATE one_time_tokens SET used_at = now()
WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > now()
RETURNING user_id;

-- name: sweep_sessions
-- A session whose last refresh token has expired cannot be used again.
DELETE FROM sessions s WHERE s.created_at < now() - interval '7 days' AND NOT EXISTS (
  SELECT FROM refresh_tokens r WHERE r.session_id = s.id AND r.expires_at > now());

-- name: sweep_refresh
DELETE FROM refresh_tokens WHERE expires_at < now() - interval '1 day';

-- name: sweep_once
DELETE FROM one_time_tokens WHERE expires_at < now() - interval '1 day';
