-- Statements of the credit ledger. Account rows are locked in the order of their kind.

-- name: account_open
INSERT INTO credit_accounts (workspace_id, kind)
SELECT $1::uuid, kind FROM unnest(ARRAY['available', 'issued', 'reserved', 'spent']) AS kind
ON CONFLICT (workspace_id, kind) DO NOTHING;

-- name: lock
SELECT kind, id, balance FROM credit_accounts WHERE workspace_id = $1 ORDER BY kind FOR UPDATE;

-- name: read
SELECT kind, id, balance FROM credit_accounts WHERE workspace_id = $1 ORDER BY kind;

-- name: examine
-- Of the wanted transfers ($4 amounts, $5 keys): how many clash with what is there or with each
-- other, and how much is new. $1 debit, $2 credit, $3 kind.
WITH wanted AS (
  SELECT DISTINCT amount, key FROM unnest($4::bigint[], $5::text[]) AS w(amount, key)
)
SELECT count(*) FILTER (WHERE t.amount <> w.amount OR t.kind <> $3
                        OR t.debit_account_id <> $1 OR t.credit_account_id <> $2)
       + (count(*) - count(DISTINCT w.key)) AS clashes,
       coalesce(sum(w.amount) FILTER (WHERE t.id IS NULL), 0) AS fresh,
       count(*) FILTER (WHERE t.id IS NULL) AS fresh_count
FROM wanted w LEFT JOIN credit_transfers t ON t.idempotency_key = w.key;

-- name: transfer
-- Moves what is new. $1 debit, $2 credit, $3 kind, $4 amounts, $5 keys, $6 jobs, $7 memo.
WITH made AS (
  INSERT INTO credit_transfers (debit_account_id, credit_account_id, kind, amount, idempotency_key, job_id, memo)
  SELECT $1::uuid, $2::uuid, $3::text, w.amount, w.key, w.job, $7::text
  FROM unnest($4::bigint[], $5::text[], $6::uuid[]) WITH ORDINALITY AS w(amount, key, job, n) ORDER BY n
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING amount
), total AS (
  SELECT coalesce(sum(amount), 0)::bigint AS amount, count(*) AS n FROM made
), moved AS (
  UPDATE credit_accounts a
  SET balance = balance + CASE WHEN a.id = $1 THEN -total.amount ELSE total.amount END
  FROM total WHERE a.id IN ($1, $2) AND total.n > 0
)
SELECT amount, n FROM total;

-- name: totals
SELECT (SELECT count(*) FROM workspaces), (SELECT count(*) FROM credit_accounts),
       (SELECT count(*) FROM credit_transfers), (SELECT count(*) FROM jobs),
       (SELECT count(*) FROM attempts);

-- name: reconcile
WITH flow AS (
  SELECT account, sum(amount) AS amount FROM (
    SELECT debit_account_id AS account, -amount AS amount FROM credit_transfers
    UNION ALL SELECT credit_account_id, amount FROM credit_transfers) f GROUP BY account
), job_flow AS (
  SELECT t.job_id, a.workspace_id,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'reserve'), 0) AS reserved,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'spend'), 0) AS spent,
         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'refund'), 0) AS refunded
  FROM credit_transfers t JOIN credit_accounts a ON a.id = t.debit_account_id
  WHERE t.job_id IS NOT NULL GROUP BY 1, 2
), asked AS (
  SELECT a.job_id, sum(a.credits) AS credits FROM attempts a GROUP BY 1
), charged AS (
  SELECT j.workspace_id, a.credits,
         a.job_id || ':' || a.record_index || ':' || a.field_name || ':' || a.provider_slug AS key
  FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.credits > 0
), held AS (
  SELECT job_id, count(*) FILTER (WHERE status <> 'done') AS open, sum(held) AS held,
         coalesce(sum(held) FILTER (WHERE status = 'done'), 0) AS held_done
  FROM job_batches GROUP BY 1
)
SELECT 'account_balance', a.workspace_id::text, a.kind, coalesce(f.amount, 0)::text, a.balance::text
FROM credit_accounts a LEFT JOIN flow f ON f.account = a.id WHERE a.balance <> coalesce(f.amount, 0)
UNION ALL
SELECT 'workspace_sum', workspace_id::text, 'all accounts', '0', sum(balance)::text
FROM credit_accounts GROUP BY workspace_id HAVING sum(balance) <> 0
UNION ALL
SELECT 'negative_balance', workspace_id::text, kind, '>= 0', balance::text
FROM credit_accounts WHERE kind <> 'issued' AND balance < 0
UNION ALL
SELECT 'accounts_missing', w.id::text, 'accounts', '4', count(a.id)::text
FROM workspaces w LEFT JOIN credit_accounts a ON a.workspace_id = w.id
GROUP BY w.id HAVING count(a.id) <> 4
UNION ALL
SELECT 'transfer_across_workspaces', d.workspace_id::text, t.idempotency_key, d.workspace_id::text, c.workspace_id::text
FROM credit_transfers t JOIN credit_accounts d ON d.id = t.debit_account_id
JOIN credit_accounts c ON c.id = t.credit_account_id WHERE d.workspace_id <> c.workspace_id
UNION ALL
SELECT 'reserved_open_jobs', a.workspace_id::text, 'reserved',
       coalesce(j.open, 0)::text, a.balance::text
FROM credit_accounts a
LEFT JOIN (SELECT workspace_id, sum(reserved - spent - refunded) AS open FROM jobs
           WHERE status IN ('queued', 'running') GROUP BY 1) j ON j.workspace_id = a.workspace_id
WHERE a.kind = 'reserved' AND a.balance <> coalesce(j.open, 0)
UNION ALL
SELECT 'job_reserved', j.workspace_id::text, j.id::text, coalesce(f.reserved, 0)::text, j.reserved::text
FROM jobs j LEFT JOIN job_flow f ON f.job_id = j.id WHERE j.reserved <> coalesce(f.reserved, 0)
UNION ALL
SELECT 'job_spent', j.workspace_id::text, j.id::text, coalesce(f.spent, 0)::text, j.spent::text
FROM jobs j LEFT JOIN job_flow f ON f.job_id = j.id WHERE j.spent <> coalesce(f.spent, 0)
UNION ALL
SELECT 'job_refunded', j.workspace_id::text, j.id::text, coalesce(f.refunded, 0)::text, j.refunded::text
FROM jobs j LEFT JOIN job_flow f ON f.job_id = j.id WHERE j.refunded <> coalesce(f.refunded, 0)
UNION ALL
SELECT 'job_attempts', j.workspace_id::text, j.id::text, coalesce(a.credits, 0)::text, j.spent::text
FROM jobs j LEFT JOIN asked a ON a.job_id = j.id WHERE j.spent <> coalesce(a.credits, 0)
UNION ALL
SELECT 'attempt_transfer', coalesce(c.workspace_id, t.workspace_id)::text, coalesce(c.key, t.key),
       coalesce(c.credits::text, 'no attempt'), coalesce(t.amount::text, 'no transfer')
FROM charged c
FULL JOIN (SELECT a.workspace_id, s.idempotency_key AS key, s.amount
           FROM credit_transfers s JOIN credit_accounts a ON a.id = s.debit_account_id
           JOIN jobs j ON j.id = s.job_id
           WHERE s.kind = 'spend') t ON t.key = c.key
WHERE c.credits IS DISTINCT FROM t.amount
UNION ALL
SELECT 'job_workspace', j.workspace_id::text, j.id::text, j.workspace_id::text, f.workspace_id::text
FROM jobs j JOIN job_flow f ON f.job_id = j.id WHERE f.workspace_id <> j.workspace_id
UNION ALL
SELECT 'job_finished_open', j.workspace_id::text, j.id::text, j.reserved::text, (j.spent + j.refunded)::text
FROM jobs j WHERE j.status NOT IN ('queued', 'running') AND j.spent + j.refunded <> j.reserved
UNION ALL
SELECT 'job_finished_batches', j.workspace_id::text, j.id::text, '0', h.open::text
FROM jobs j JOIN held h ON h.job_id = j.id WHERE j.status NOT IN ('queued', 'running') AND h.open > 0
UNION ALL
SELECT 'job_finished_cells', j.workspace_id::text, j.id::text, j.cells::text,
       (j.complete + j.not_found + j.failed + j.skipped)::text
FROM jobs j WHERE j.status NOT IN ('queued', 'running')
AND j.cells <> j.complete + j.not_found + j.failed + j.skipped
UNION ALL
SELECT 'batch_held', j.workspace_id::text, j.id::text, '0', h.held_done::text
FROM jobs j JOIN held h ON h.job_id = j.id WHERE h.held_done <> 0
UNION ALL
SELECT 'job_overcommitted', j.workspace_id::text, j.id::text, '<= ' || j.reserved, (j.spent + j.refunded + h.held)::text
FROM jobs j JOIN held h ON h.job_id = j.id
WHERE j.spent + j.refunded + h.held > j.reserved
ORDER BY 1, 2, 3;
