-- Statements of jobs. Rows are locked in the order job_batches, jobs, credit_accounts, grid.

-- name: own_providers
SELECT definition::text FROM workspace_providers WHERE workspace_id = $1 ORDER BY slug;

-- name: credential_slugs
SELECT DISTINCT provider_slug FROM credentials WHERE workspace_id = $1;

-- name: fields
SELECT ordinal, column_id, output_key, field_name, only_if_empty, min_confidence, waterfall::text
FROM job_fields WHERE job_id = $1 ORDER BY ordinal;

-- name: masks
SELECT m, count(*) FROM job_batches b, unnest(b.masks) AS m WHERE b.job_id = $1 GROUP BY m;

-- name: hit_rates
-- Of each provider's last 2000 attempts that were really asked: hits, and all that were answered.
SELECT w.slug, count(*) FILTER (WHERE a.outcome = 'hit'),
       count(*) FILTER (WHERE a.outcome IN ('hit', 'miss', 'low_confidence'))
FROM unnest($1::text[]) AS w(slug), LATERAL (
  SELECT outcome FROM attempts WHERE provider_slug = w.slug AND started_at > now() - interval '90 days'
  ORDER BY started_at DESC LIMIT 2000) a
GROUP BY w.slug;

-- name: insert
INSERT INTO jobs (workspace_id, table_id, engine, retry_of, budget, created_by)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: insert_fields
INSERT INTO job_fields (job_id, ordinal, column_id, output_key, field_name, only_if_empty, min_confidence, waterfall)
SELECT $1, o, c, k, n, e, m, w::jsonb
FROM unnest($2::integer[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::real[], $8::text[])
  AS f(o, c, k, n, e, m, w);

-- name: set_scope
UPDATE jobs SET cells = $2, reserved = $3, budget_limited = $4 WHERE id = $1;

-- name: batch_cells
-- Records and masks of a job, for marking its cells.
SELECT record_ids, masks FROM job_batches WHERE job_id = $1 ORDER BY seq;

-- name: mark_list
SELECT r.id FROM job_batches b, unnest(b.record_ids, b.masks) AS r(id, mask)
WHERE b.job_id = $1 AND b.seq = $2 AND r.mask & (1 << $3::integer) <> 0 ORDER BY r.id;

-- name: batch_count
SELECT count(*) FROM job_batches WHERE job_id = $1;

-- name: notify
SELECT pg_notify($1, $2);

-- name: get
SELECT id, workspace_id, table_id, status, engine, retry_of, error, cells, complete, not_found, failed, skipped,
       reserved, spent, refunded, budget, budget_reached, created_by, created_at, started_at, finished_at,
       cancel_requested_at, created_at::text AS cursor_at
FROM jobs WHERE id = $1;

-- name: list
SELECT id, workspace_id, table_id, status, engine, retry_of, error, cells, complete, not_found, failed, skipped,
       reserved, spent, refunded, budget, budget_reached, created_by, created_at, started_at, finished_at,
       cancel_requested_at, created_at::text AS cursor_at
FROM jobs
WHERE workspace_id = $1 AND ($2::uuid IS NULL OR table_id = $2)
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
ORDER BY created_at DESC, id DESC LIMIT $5;

-- name: lock
SELECT status, workspace_id, table_id, cancel_requested_at IS NOT NULL, cells - complete - not_found - failed,
       reserved - spent - refunded, complete, not_found, failed, budget_reached, error
FROM jobs WHERE id = $1 FOR UPDATE;

-- name: open_batches
SELECT count(*) FROM job_batches WHERE job_id = $1 AND status <> 'done';

-- name: close_queued_batches
UPDATE job_batches SET status = 'done' WHERE job_id = $1 AND status = 'queued';

-- name: ask_cancel
UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()), error = coalesce($2, error)
WHERE id = $1 AND status IN ('queued', 'running');

-- name: finish
UPDATE jobs SET status = $2, skipped = $3, refunded = refunded + $4, finished_at = clock_timestamp(),
                started_at = coalesce(started_at, clock_timestamp())
WHERE id = $1;

-- name: attempts_page
-- Keyset over (record_index, field_name, provider_slug).
SELECT job_id || ':' || record_index || ':' || field_name || ':' || provider_slug AS idempotency_key,
       record_id, column_id, provider_slug AS provider, outcome, credits, latency_ms, calls, cached, started_at,
       confidence, error, record_index, field_name
FROM attempts
WHERE job_id = $1
  AND ($2::integer IS NULL OR (record_index, field_name, provider_slug) > ($2, $3::text, $4::text))
  AND ($5::uuid IS NULL OR record_id = $5)
ORDER BY record_index, field_name, provider_slug LIMIT $6;
