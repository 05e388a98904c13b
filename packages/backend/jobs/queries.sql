-- name: scheduler_lock
-- One process at a time; the others find it taken and leave the work to it.
SELECT pg_try_advisory_xact_lock(7401928552);

-- name: sweep_idempotency
DELETE FROM idempotency_keys WHERE created_at < now() - interval '25 hours';

-- name: sweep_answers
DELETE FROM provider_answers WHERE expires_at < now() - interval '1 hour';
