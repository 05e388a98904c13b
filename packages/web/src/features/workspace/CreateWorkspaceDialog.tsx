// A new workspace: its own tables, members and credits.
import { useState } from "react";
import { useNavigate } from "react-router";
import { describe } from "../../api/envelope";
import { useWorkspace } from "../../stores/workspace";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import * as workspaceApi from "./api";

export default function CreateWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();
  const submit = async () => {
    setBusy(true);
    try {
      const w = await workspaceApi.createWorkspace(name.trim());
      await useWorkspace.getState().load();
      onClose();
      navigate(`/w/${w.id}`);
    } catch (error) {
      setFault(describe(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="New workspace"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="new-workspace" className="btn primary" disabled={busy || !name.trim()}>
            Create workspace
          </button>
        </>
      }
    >
      <form
        id="new-workspace"
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
        }}
      >
        <Field label="Name" autoFocus value={name} fault={fault} onChange={(e) => setName(e.target.value)} />
      </form>
    </Dialog>
  );
}
