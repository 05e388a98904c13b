-- Statements of the engine: instances and leases.

-- name: register
INSERT INTO worker_instances (host, pid) VALUES ($1, $2) RETURNING id;

-- name: unregister
DELETE FROM worker_instances WHERE id = $1;

-- name: forget_dead
-- Rows of processes that ended without saying so.
DELETE FROM worker_instances w
WHERE w.started_at < now() - interval '5 minutes' AND w.id <> $1
  AND NOT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = 1297305428 AND l.objid = w.id::bigint::oid AND l.objsubid = 2
      AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()));

-- name: lease
-- The next free batch, from the job that has the fewest leased; a lease is free when its time has
-- passed or its owner's lock is not held.
WITH alive AS MATERIALIZED (
  SELECT l.objid::bigint AS id FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.classid = 1297305428 AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
), busy AS MATERIALIZED (
  SELECT job_id, count(*) AS n FROM job_batches
  WHERE status = 'leased' AND lease_until >= now() AND lease_owner IN (SELECT id FROM alive) GROUP BY job_id
), next AS (
  SELECT b.job_id, b.seq
  FROM job_batches b JOIN jobs j ON j.id = b.job_id LEFT JOIN busy ON busy.job_id = b.job_id
  WHERE j.engine = 'local' AND j.status IN ('queued', 'running')
    AND (b.not_before IS NULL OR b.not_before <= now())
    AND (b.status = 'queued'
         OR b.status = 'leased' AND (b.lease_until < now() OR b.lease_owner NOT IN (SELECT id FROM alive)))
  ORDER BY coalesce(busy.n, 0), j.created_at, b.seq
  LIMIT 1 FOR UPDATE OF b SKIP LOCKED
)
UPDATE job_batches b
SET status = 'leased', lease_owner = $1, lease_token = gen_random_uuid(),
    lease_until = now() + make_interval(secs => $2), tries = b.tries + 1, not_before = NULL
FROM next WHERE b.job_id = next.job_id AND b.seq = next.seq
RETURNING b.job_id, b.seq, b.lease_token, b.faults, b.tries;

-- name: next_look
-- Milliseconds until a batch may come free by time alone; null when none can.
SELECT (extract(epoch FROM min(CASE WHEN b.status = 'leased' THEN b.lease_until ELSE b.not_before END) - now()) * 1000)::bigint
FROM job_batches b JOIN jobs j ON j.id = b.job_id
WHERE b.status <> 'done' AND j.engine = 'local' AND j.status IN ('queued', 'running')
  AND (b.status = 'leased' OR b.not_before IS NOT NULL);

-- name: release
UPDATE job_batches
SET status = 'queued', lease_owner = NULL, lease_token = NULL, lease_until = NULL, held = 0,
    faults = faults + CASE WHEN $4 > 0 THEN 1 ELSE 0 END,
    not_before = CASE WHEN $4 > 0 THEN now() + make_interval(secs => $4) END
WHERE job_id = $1 AND seq = $2 AND lease_token = $3 AND status = 'leased';

-- name: wake
SELECT pg_notify('millrace_jobs', '');

-- name: progress
SELECT j.status, count(b.*), count(b.*) FILTER (WHERE b.status <> 'done'),
       count(b.*) FILTER (WHERE b.status = 'leased')
FROM jobs j LEFT JOIN job_batches b ON b.job_id = j.id WHERE j.id = $1 GROUP BY j.status;
