-- CSV imports: a preview first, then the commit that loads the rows.
CREATE TABLE imports (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id  uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  table_id      uuid REFERENCES tables ON DELETE CASCADE,
  status        text NOT NULL DEFAULT 'previewed'
                CHECK (status IN ('previewed', 'queued', 'importing', 'completed', 'failed')),
  file_name     text NOT NULL,
  file_bytes    bigint NOT NULL,
  spool_name    text, -- file under the state directory; null once it is gone
  dialect       jsonb NOT NULL,
  columns       jsonb NOT NULL,
  commit_options jsonb,
  rows_total    bigint NOT NULL DEFAULT 0, -- estimated until it is completed
  rows_read     bigint NOT NULL DEFAULT 0,
  rows_imported bigint NOT NULL DEFAULT 0,
  rows_rejected bigint NOT NULL DEFAULT 0,
  faults        jsonb NOT NULL DEFAULT '[]', -- the first of them
  fault_count   bigint NOT NULL DEFAULT 0,
  error         text,
  created_by    uuid REFERENCES users ON DELETE SET NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  finished_at   timestamptz
);
CREATE INDEX imports_workspace_id_idx ON imports (workspace_id, created_at);
CREATE INDEX imports_table_id_idx ON imports (table_id);
CREATE INDEX imports_created_by_idx ON imports (created_by);
CREATE INDEX imports_open_idx ON imports (created_at) WHERE status IN ('queued', 'importing');
