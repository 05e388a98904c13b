// A new workspace: its own tables, members and credits.
import { useState } from "react";
import { useNavigate } from "react-router";
import { useWorkspace } from "../../stores/workspace";
import { Field } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import * as workspaceApi from "./api";

export default function CreateWorkspaceDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const navigate = useNavigate();
  return (
    <FormDialog
      title="New workspace"
      submitLabel="Create workspace"
      ready={!!name.trim()}
      onClose={onClose}
      onSubmit={async () => {
        const w = await workspaceApi.createWorkspace(name.trim());
        await useWorkspace.getState().load();
        onClose();
        navigate(`/w/${w.id}`);
      }}
    >
      {(fault) => (
        <Field label="Name" autoFocus value={name} fault={fault} onChange={(e) => setName(e.target.value)} />
      )}
    </FormDialog>
  );
}
