-- Enrichment jobs: a job has fields (columns to fill, each with its waterfall), batches of at most
-- 1000 records, and attempts (every question put to a provider, with its outcome and its price).
CREATE TABLE worker_instances (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host       text NOT NULL,
  pid        integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE worker_instances IS
  'Each live process holds the session advisory lock (1297305428, id): a lease whose owner''s lock is free is free.';

CREATE TABLE jobs (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id  uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  table_id      uuid NOT NULL REFERENCES tables ON DELETE CASCADE,
  status        text NOT NULL DEFAULT 'queued' CHECK (status IN
                ('queued', 'running', 'completed', 'partially_completed', 'failed', 'cancelled')),
  engine        text NOT NULL CHECK (engine IN ('local', 'temporal')),
  retry_of      uuid REFERENCES jobs ON DELETE SET NULL,
  budget        bigint CHECK (budget >= 0),
  cells         bigint NOT NULL DEFAULT 0,
  complete      bigint NOT NULL DEFAULT 0,
  not_found     bigint NOT NULL DEFAULT 0,
  failed        bigint NOT NULL DEFAULT 0,
  skipped       bigint NOT NULL DEFAULT 0,
  reserved      bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  spent         bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
  refunded      bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  budget_limited boolean NOT NULL DEFAULT false, -- the reservation is less than the job could cost
  budget_reached boolean NOT NULL DEFAULT false,
  cancel_requested_at timestamptz,
  progressed_at timestamptz, -- of the last job.progress event
  error         text,
  created_by    uuid REFERENCES users ON DELETE SET NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  started_at    timestamptz,
  finished_at   timestamptz,
  CHECK (spent + refunded <= reserved)
);
CREATE INDEX jobs_workspace_idx ON jobs (workspace_id, created_at DESC, id DESC);
CREATE INDEX jobs_table_id_idx ON jobs (table_id, created_at DESC);
CREATE INDEX jobs_retry_of_idx ON jobs (retry_of);
CREATE INDEX jobs_created_by_idx ON jobs (created_by);
CREATE INDEX jobs_open_idx ON jobs (created_at) WHERE status IN ('queued', 'running');

CREATE TABLE job_fields (
  job_id         uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
  ordinal        integer NOT NULL,
  column_id      uuid NOT NULL REFERENCES table_columns ON DELETE CASCADE,
  output_key     text NOT NULL,
  field_name     text NOT NULL, -- the column's key when the job was made: part of idempotency keys
  only_if_empty  boolean NOT NULL DEFAULT true,
  min_confidence real NOT NULL DEFAULT 0 CHECK (min_confidence BETWEEN 0 AND 1),
  -- [{ "provider": slug, "inputs": { key: columnId }, "minConfidence": n, "hit": credits, "miss": credits }]
  waterfall      jsonb NOT NULL, -- inputs resolved and prices fixed when the job was made
  PRIMARY KEY (job_id, ordinal),
  UNIQUE (job_id, column_id),
  UNIQUE (job_id, field_name)
);
CREATE INDEX job_fields_column_id_idx ON job_fields (column_id);

CREATE TABLE job_batches (
  job_id      uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
  seq         integer NOT NULL,
  first_index integer NOT NULL, -- recordIndex of its first record within the job
  record_ids  uuid[] NOT NULL CHECK (cardinality(record_ids) BETWEEN 1 AND 1000),
  masks       integer[] NOT NULL, -- for each record: bit n is set when the cell of field n belongs to the job
  status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'leased', 'done')),
  lease_owner integer,
  lease_token uuid,
  lease_until timestamptz,
  tries       integer NOT NULL DEFAULT 0, -- times it was leased
  faults      integer NOT NULL DEFAULT 0, -- times in a row that a run ended in an error of ours
  not_before  timestamptz, -- back-off after such an error
  held        bigint NOT NULL DEFAULT 0 CHECK (held >= 0), -- credits claimed for calls in flight
  PRIMARY KEY (job_id, seq),
  CHECK (cardinality(masks) = cardinality(record_ids))
);
CREATE INDEX job_batches_open_idx ON job_batches (status, lease_until) WHERE status <> 'done';

-- The idempotency key of an attempt is {jobId}:{recordIndex}:{fieldName}:{providerSlug}.
CREATE TABLE attempts (
  job_id        uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
  record_id     uuid NOT NULL,
  column_id     uuid NOT NULL,
  provider_slug text NOT NULL,
  record_index  integer NOT NULL,
  field_name    text NOT NULL,
  outcome       text NOT NULL CHECK (outcome IN ('hit', 'miss', 'low_confidence', 'invalid',
                'rate_limited', 'timeout', 'error', 'auth_error', 'circuit_open', 'missing_input',
                'unavailable')),
  credits       integer NOT NULL DEFAULT 0 CHECK (credits >= 0),
  confidence    real,
  latency_ms    integer NOT NULL DEFAULT 0,
  calls         integer NOT NULL DEFAULT 0, -- HTTP calls made for it, retries included
  cached        boolean NOT NULL DEFAULT false,
  started_at    timestamptz NOT NULL,
  settled_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  error         text,
  PRIMARY KEY (job_id, record_id, column_id, provider_slug)
);
CREATE INDEX attempts_provider_idx ON attempts (provider_slug, started_at);
CREATE INDEX attempts_order_idx ON attempts (job_id, record_index, field_name, provider_slug);
