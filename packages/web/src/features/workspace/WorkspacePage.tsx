// Workspace settings: name, credits, deletion.
import { useState } from "react";
import { useNavigate } from "react-router";
import { describe } from "../../api/envelope";
import { Topbar } from "../../app/Topbar";
import { credits, dateTime } from "../../lib/format";
import { useTitle } from "../../lib/hooks";
import { toast } from "../../stores/ui";
import { useActiveWorkspace, useWorkspace } from "../../stores/workspace";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import * as workspaceApi from "./api";
import { ROLE_NAMES } from "./permissions";
import { useRole } from "./useRole";

export default function WorkspacePage() {
  useTitle("Workspace settings");
  const workspace = useActiveWorkspace();
  const { can } = useRole();
  const navigate = useNavigate();
  const [name, setName] = useState(workspace?.name ?? "");
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [typed, setTyped] = useState("");
  if (!workspace) return null;

  const rename = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      useWorkspace.getState().upsert(await workspaceApi.renameWorkspace(workspace.id, name.trim()));
      toast("success", "Workspace renamed");
    } catch (error) {
      setFault(describe(error));
    } finally {
      setBusy(false);
    }
  };
  const remove = async () => {
    setBusy(true);
    try {
      await workspaceApi.deleteWorkspace(workspace.id);
      useWorkspace.getState().remove(workspace.id);
      navigate("/", { replace: true });
    } catch (error) {
      toast("error", "The workspace could not be deleted", describe(error));
      setBusy(false);
    }
  };

  return (
    <main className="page">
      <Topbar>
        <span className="topbar-title">Workspace</span>
      </Topbar>
      <div className="page-inner stack" style={{ maxWidth: 640 }}>
        <div>
          <h1>{workspace.name}</h1>
          <p className="muted">
            You are {ROLE_NAMES[workspace.role].toLowerCase()} here
            {workspace.createdAt ? `; it exists since ${dateTime(workspace.createdAt).slice(0, -10)}` : ""}.
          </p>
        </div>
        <section className="card stack" style={{ padding: 20 }}>
          <h2>Credits</h2>
          <dl className="facts">
            <div>
              <dt>Available</dt>
              <dd className="num">{credits(workspace.credits?.available ?? 0)}</dd>
            </div>
            <div>
              <dt>Reserved by running jobs</dt>
              <dd className="num">{credits(workspace.credits?.reserved ?? 0)}</dd>
            </div>
            <div>
              <dt>Spent so far</dt>
              <dd className="num">{credits(workspace.credits?.spent ?? 0)}</dd>
            </div>
          </dl>
        </section>
        {can("edit_workspace") && (
          <form
            className="card stack"
            style={{ padding: 20 }}
            onSubmit={(e) => {
              e.preventDefault();
              void rename();
            }}
          >
            <h2>Name</h2>
            <Field
              label="Workspace name"
              value={name}
              fault={fault}
              onChange={(e) => setName(e.target.value)}
            />
            <div>
              <button
                type="submit"
                className="btn primary"
                disabled={busy || !name.trim() || name.trim() === workspace.name}
              >
                Save name
              </button>
            </div>
          </form>
        )}
        {can("delete_workspace") && (
          <section className="card stack" style={{ padding: 20 }}>
            <h2>Delete this workspace</h2>
            <p className="muted">
              All its tables, members, credentials and remaining credits go with it. This cannot be undone.
            </p>
            <div>
              <button type="button" className="btn danger" onClick={() => setDeleting(true)}>
                Delete workspace
              </button>
            </div>
          </section>
        )}
      </div>
      {deleting && (
        <Dialog
          title={`Delete ${workspace.name}?`}
          onClose={() => setDeleting(false)}
          footer={
            <>
              <button type="button" className="btn" onClick={() => setDeleting(false)}>
                Keep it
              </button>
              <button
                type="button"
                className="btn danger"
                disabled={busy || typed !== workspace.name}
                onClick={() => void remove()}
              >
                Delete for good
              </button>
            </>
          }
        >
          <Field
            label={`Type “${workspace.name}” to confirm`}
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
          />
        </Dialog>
      )}
    </main>
  );
}
