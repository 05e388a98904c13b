-- The credit ledger: double entry, append-only. A transfer takes `amount` from one account and adds
-- it to another; an account's balance is always the sum of its transfers (millrace admin reconcile).
-- Flow of a job: available -> reserved at its start, reserved -> spent for each hit,
-- reserved -> available for what is left. Credits enter from the `issued` account, the only one
-- that may go below zero.
CREATE TABLE credit_accounts (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  kind         text NOT NULL CHECK (kind IN ('issued', 'available', 'reserved', 'spent')),
  balance      bigint NOT NULL DEFAULT 0,
  CONSTRAINT credit_accounts_never_negative CHECK (kind = 'issued' OR balance >= 0),
  UNIQUE (workspace_id, kind)
);

CREATE TABLE credit_transfers (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  seq               bigint GENERATED ALWAYS AS IDENTITY,
  debit_account_id  uuid NOT NULL REFERENCES credit_accounts ON DELETE CASCADE,
  credit_account_id uuid NOT NULL REFERENCES credit_accounts ON DELETE CASCADE,
  amount            bigint NOT NULL CHECK (amount > 0),
  kind              text NOT NULL CHECK (kind IN ('grant', 'reserve', 'spend', 'refund', 'revoke')),
  idempotency_key   text NOT NULL UNIQUE CHECK (length(idempotency_key) <= 400),
  job_id            uuid,
  memo              text,
  created_at        timestamptz NOT NULL DEFAULT now(),
  CHECK (debit_account_id <> credit_account_id)
);
CREATE INDEX credit_transfers_debit_idx ON credit_transfers (debit_account_id, seq DESC);
CREATE INDEX credit_transfers_credit_idx ON credit_transfers (credit_account_id, seq DESC);
CREATE INDEX credit_transfers_job_idx ON credit_transfers (job_id, kind);

CREATE TRIGGER credit_transfers_append_only BEFORE UPDATE ON credit_transfers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_transfers_no_truncate BEFORE TRUNCATE ON credit_transfers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A transfer goes away only together with its whole workspace.
CREATE FUNCTION credit_transfers_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM credit_accounts WHERE id = OLD.debit_account_id)
     AND EXISTS (SELECT FROM credit_accounts WHERE id = OLD.credit_account_id) THEN
    RAISE EXCEPTION 'the credit ledger is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER credit_transfers_no_delete BEFORE DELETE ON credit_transfers
  FOR EACH ROW EXECUTE FUNCTION credit_transfers_refuse_delete();
