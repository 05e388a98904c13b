-- Provider definitions of a workspace's own, and the answers kept so that the same question is not
-- paid for twice.
CREATE TABLE workspace_providers (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  slug         text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  definition   jsonb NOT NULL,
  created_by   uuid REFERENCES users ON DELETE SET NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, slug)
);
CREATE INDEX workspace_providers_created_by_idx ON workspace_providers (created_by);

CREATE TABLE provider_answers (
  workspace_id  uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  provider_slug text NOT NULL,
  question_hash bytea NOT NULL,
  outcome       text NOT NULL CHECK (outcome IN ('hit', 'miss')),
  outputs       jsonb NOT NULL DEFAULT '{}',
  confidence    real,
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, provider_slug, question_hash)
);
CREATE INDEX provider_answers_expires_at_idx ON provider_answers (expires_at);
