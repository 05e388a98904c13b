-- Stored answers of POST requests that carried an Idempotency-Key, for 24 hours; and the events that
-- open browsers resume from.
CREATE TABLE idempotency_keys (
  caller     text NOT NULL, -- user id, or address before login
  key        text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  route      text NOT NULL,
  body_hash  bytea NOT NULL,
  status     integer, -- null while the first request runs
  response   bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

CREATE TABLE table_events (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_id   uuid NOT NULL REFERENCES tables ON DELETE CASCADE,
  type       text NOT NULL CHECK (type IN ('record.updated', 'records.changed', 'job.progress',
             'job.finished', 'table.changed')),
  data       text NOT NULL, -- JSON, sent as it is
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX table_events_table_idx ON table_events (table_id, id);
CREATE INDEX table_events_created_at_idx ON table_events (created_at);
