-- name: attempts
SELECT a.column_id, a.job_id, a.record_index, a.field_name, a.provider_slug, a.outcome, a.credits,
       a.confidence, a.latency_ms, a.cached, a.started_at, a.error
FROM unnest($2::uuid[], $3::uuid[]) AS cell (column_id, job_id)
JOIN attempts a ON a.job_id = cell.job_id AND a.record_id = $1 AND a.column_id = cell.column_id
LEFT JOIN job_fields f ON f.job_id = a.job_id AND f.column_id = a.column_id
LEFT JOIN LATERAL (
  SELECT w.n FROM jsonb_array_elements(f.waterfall) WITH ORDINALITY AS w (step, n)
  WHERE w.step->>'provider' = a.provider_slug LIMIT 1
) step ON true
ORDER BY a.column_id, step.n NULLS LAST, a.started_at;
