-- Statements of a batch at work. Locks: job_batches, jobs, credit_accounts, provider_answers, grid.

-- name: fence
SELECT first_index, record_ids::text, held FROM job_batches
WHERE job_id = $1 AND seq = $2 AND lease_token = $3 AND status = 'leased' FOR UPDATE;

-- name: job_lock
SELECT workspace_id, table_id, status, cancel_requested_at IS NOT NULL, budget_limited, cells,
       reserved - spent - refunded,
       progressed_at IS NULL OR clock_timestamp() - progressed_at > interval '250 ms'
FROM jobs WHERE id = $1 FOR UPDATE;

-- name: job_start
UPDATE jobs SET status = 'running', started_at = coalesce(started_at, clock_timestamp())
WHERE id = $1 AND status = 'queued';

-- name: batch_start
UPDATE job_batches SET held = 0, lease_until = now() + make_interval(secs => $3) WHERE job_id = $1 AND seq = $2;

-- name: batch_records
SELECT r.id, r.mask FROM job_batches b, unnest(b.record_ids, b.masks) WITH ORDINALITY AS r(id, mask, n)
WHERE b.job_id = $1 AND b.seq = $2 ORDER BY r.n;

-- name: prior_attempts
SELECT record_index, column_id, provider_slug, outcome, credits, error FROM attempts
WHERE job_id = $1 AND record_index >= $2::integer AND record_index < $3::integer;

-- name: answers
SELECT w.n, a.outcome, a.outputs::text, a.confidence
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS w(slug, hash, n)
JOIN provider_answers a ON a.workspace_id = $1 AND a.provider_slug = w.slug AND a.question_hash = decode(w.hash, 'hex')
WHERE a.expires_at > now();

-- name: store_answers
-- Returns the answers that this statement stored: those that nobody had stored before it, or long ago.
INSERT INTO provider_answers AS old
  (workspace_id, provider_slug, question_hash, outcome, outputs, confidence, created_at, expires_at)
SELECT $1, w.slug, decode(w.hash, 'hex'), w.outcome, w.outputs::jsonb, w.confidence, now(),
       now() + make_interval(secs => w.ttl)
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::real[], $7::double precision[])
  AS w(slug, hash, outcome, outputs, confidence, ttl)
ORDER BY w.slug, w.hash
ON CONFLICT (workspace_id, provider_slug, question_hash) DO UPDATE
SET outcome = excluded.outcome, outputs = excluded.outputs, confidence = excluded.confidence,
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE old.expires_at <= now()
RETURNING provider_slug, encode(question_hash, 'hex');

-- name: insert_attempts
-- Returns those that are new and cost something.
WITH made AS (
  INSERT INTO attempts (job_id, record_id, column_id, provider_slug, record_index, field_name, outcome, credits,
                        confidence, latency_ms, calls, cached, started_at, error)
  SELECT $1, record_id, column_id, slug, idx, field, outcome, credits, confidence, latency, calls, cached,
         to_timestamp(started / 1e6), error
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::integer[], $9::real[],
              $10::integer[], $11::integer[], $12::boolean[], $13::bigint[], $14::text[])
    AS a(record_id, column_id, slug, idx, field, outcome, credits, confidence, latency, calls, cached, started, error)
  ON CONFLICT DO NOTHING
  RETURNING record_index, field_name, provider_slug, credits
)
SELECT record_index, field_name, provider_slug, credits FROM made WHERE credits > 0;

-- name: job_count
UPDATE jobs SET complete = complete + $2, not_found = not_found + $3, failed = failed + $4, spent = spent + $5,
                budget_reached = budget_reached OR $6,
                progressed_at = CASE WHEN $7 THEN clock_timestamp() ELSE progressed_at END
WHERE id = $1;

-- name: batch_count
UPDATE job_batches SET held = CASE WHEN $4 THEN 0 ELSE greatest(held - $3, 0) END,
                       status = CASE WHEN $4 THEN 'done' ELSE status END,
                       lease_until = now() + make_interval(secs => $5), faults = 0
WHERE job_id = $1 AND seq = $2;

-- name: held
SELECT coalesce(sum(held), 0), coalesce(sum(held) FILTER (WHERE seq <> $2), 0) FROM job_batches WHERE job_id = $1;

-- name: claim
UPDATE job_batches SET held = held + $3 WHERE job_id = $1 AND seq = $2;

-- name: beat
UPDATE job_batches b SET lease_until = now() + make_interval(secs => $4)
FROM jobs j
WHERE b.job_id = $1 AND b.seq = $2 AND b.lease_token = $3 AND b.status = 'leased' AND j.id = b.job_id
RETURNING j.cancel_requested_at IS NOT NULL;
