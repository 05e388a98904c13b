-- Users' tables. The rows of a table are a real typed table in schema grid, named by id:
--   grid.t_<hex id>  id, position, version, created_at, updated_at, one column c_<hex id> a column
--   grid.p_<hex id>  what is known of a cell beyond its value (made and altered by the table feature)
CREATE SCHEMA grid;

CREATE TABLE tables (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id  uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  row_count     bigint NOT NULL DEFAULT 0 CHECK (row_count >= 0),
  next_position bigint NOT NULL DEFAULT 1,
  created_by    uuid REFERENCES users ON DELETE SET NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz -- set first; the grid tables are dropped behind it
);
CREATE INDEX tables_workspace_idx ON tables (workspace_id, created_at, id);
CREATE INDEX tables_created_by_idx ON tables (created_by);

CREATE TABLE table_columns (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  table_id   uuid NOT NULL REFERENCES tables ON DELETE CASCADE,
  key        text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{0,62}$'),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  type       text NOT NULL CHECK (type IN
             ('text', 'number', 'boolean', 'date', 'url', 'email', 'phone', 'select', 'json')),
  position   integer NOT NULL,
  width      integer NOT NULL DEFAULT 180 CHECK (width BETWEEN 40 AND 2000),
  hidden     boolean NOT NULL DEFAULT false,
  options    jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (table_id, key),
  UNIQUE (table_id, position) DEFERRABLE INITIALLY DEFERRED
);
