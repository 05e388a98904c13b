-- Keys for providers: AES-256-GCM under a key of the workspace; only the last 4 characters are readable.
CREATE TABLE credentials (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id  uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  provider_slug text NOT NULL CHECK (length(provider_slug) BETWEEN 1 AND 100),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  ciphertext    bytea NOT NULL,
  last4         text NOT NULL CHECK (length(last4) <= 4),
  created_by    uuid REFERENCES users ON DELETE SET NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, provider_slug, name)
);
CREATE INDEX credentials_created_by_idx ON credentials (created_by);
