// The workspace's provider keys: added here, shown by their last four characters only.
import { useState } from "react";
import { describe } from "../../api/envelope";
import type { Credential } from "../../api/types";
import { NotFoundPage } from "../../app/NotFoundPage";
import { Topbar } from "../../app/Topbar";
import { ago } from "../../lib/format";
import { useLoad, useTitle } from "../../lib/hooks";
import { useCatalogue } from "../../stores/catalogue";
import { toast } from "../../stores/ui";
import { useActiveWorkspace } from "../../stores/workspace";
import { ConfirmDialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Icon } from "../../ui/Icon";
import { EmptyState, ErrorState, Skeleton } from "../../ui/States";
import { useRole } from "../workspace/useRole";
import * as credentialApi from "./api";

function AddDialog({
  workspaceId,
  onClose,
  onDone,
}: {
  workspaceId: string;
  onClose: () => void;
  onDone: () => void;
}) {
  const providers = useCatalogue((s) => s.providers).filter((p) => p.requiresCredential);
  const [provider, setProvider] = useState(providers[0]?.slug ?? "");
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  return (
    <FormDialog
      title="Add a key"
      submitLabel="Save key"
      ready={!!provider && !!value}
      onClose={onClose}
      autoComplete="off"
      onSubmit={async () => {
        await credentialApi.addCredential(workspaceId, {
          provider,
          value,
          ...(name.trim() ? { name: name.trim() } : {}),
        });
        onDone();
      }}
    >
      {(fault) => (
        <>
          <div className="field">
            <label htmlFor="key-provider">Provider</label>
            <select
              id="key-provider"
              className="select"
              value={provider}
              onChange={(e) => setProvider(e.target.value)}
            >
              {providers.map((p) => (
                <option key={p.slug} value={p.slug}>
                  {p.name}
                </option>
              ))}
            </select>
          </div>
          <Field label="Label (optional)" value={name} onChange={(e) => setName(e.target.value)} />
          <Field
            label="API key"
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={value}
            fault={fault}
            hint="Stored encrypted with a key of this workspace. It is never shown again."
            onChange={(e) => setValue(e.target.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

export const maskOf = (c: Credential): string => c.masked ?? (c.last4 ? `••••${c.last4}` : "••••");

export default function CredentialsPage() {
  useTitle("Credentials");
  const workspace = useActiveWorkspace();
  const id = workspace?.id ?? "";
  const { can } = useRole();
  const providers = useCatalogue((s) => s.providers);
  const loadCatalogue = useCatalogue((s) => s.load);
  const { data, error, reload } = useLoad(id, () => credentialApi.listCredentials(id));
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Credential | null>(null);
  const [testing, setTesting] = useState<string | null>(null);
  if (!can("manage_credentials")) return <NotFoundPage />;

  const test = async (c: Credential) => {
    setTesting(c.id);
    try {
      const r = await credentialApi.testCredential(id, c.id);
      const good = r?.ok ?? r?.valid ?? r?.success ?? true;
      toast(good ? "success" : "warning", good ? "The key works" : "The key was refused", r?.message);
    } catch (e) {
      toast("error", "The key could not be tested", describe(e));
    } finally {
      setTesting(null);
    }
  };

  return (
    <main className="page">
      <Topbar>
        <span className="topbar-title">Credentials</span>
      </Topbar>
      <div className="page-inner">
        <div className="page-head">
          <div>
            <h1>Credentials</h1>
            <p>Your own keys for providers. Only their last four characters are ever shown.</p>
          </div>
          <button type="button" className="btn primary" onClick={() => setAdding(true)}>
            <Icon name="plus" /> Add a key
          </button>
        </div>
        {error ? (
          <ErrorState error={error} onRetry={reload} />
        ) : !data ? (
          <Skeleton rows={3} />
        ) : data.items.length === 0 ? (
          <div className="card">
            <EmptyState
              icon="key"
              title="No keys yet"
              text="In sandbox mode none are needed. Add one when you want a provider to be asked for real."
            />
          </div>
        ) : (
          <div className="card">
            <table className="table">
              <thead>
                <tr>
                  <th>Provider</th>
                  <th>Label</th>
                  <th>Key</th>
                  <th>Added</th>
                  <th>
                    <span className="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.items.map((c) => (
                  <tr key={c.id}>
                    <td>
                      <b>{providers.find((p) => p.slug === c.provider)?.name ?? c.provider}</b>
                    </td>
                    <td>{c.name}</td>
                    <td className="mono">{maskOf(c)}</td>
                    <td>{ago(c.createdAt)}</td>
                    <td>
                      <div className="row">
                        <button
                          type="button"
                          className="btn small"
                          disabled={testing !== null}
                          onClick={() => void test(c)}
                        >
                          {testing === c.id && <span className="spinner" />} Test
                        </button>
                        <button type="button" className="btn small danger" onClick={() => setRemoving(c)}>
                          Delete
                        </button>
                      </div>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
      {adding && (
        <AddDialog
          workspaceId={id}
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            toast("success", "The key is stored");
            reload();
            void loadCatalogue(id, true);
          }}
        />
      )}
      {removing && (
        <ConfirmDialog
          danger
          title="Delete this key?"
          text="Jobs that need it will fail until another is added."
          action="Delete key"
          onClose={() => setRemoving(null)}
          onConfirm={() => {
            credentialApi
              .deleteCredential(id, removing.id)
              .then(reload, (e: unknown) => toast("error", "The key could not be deleted", describe(e)))
              .finally(() => setRemoving(null));
          }}
        />
      )}
    </main>
  );
}
