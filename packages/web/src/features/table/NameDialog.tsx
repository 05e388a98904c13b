// Asks for one name.
import { useState } from "react";
import { describe } from "../../api/envelope";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";

interface Props {
  title: string;
  label: string;
  action: string;
  initial: string;
  onSubmit: (name: string) => Promise<void>;
  onClose: () => void;
}

export function NameDialog({ title, label, action, initial, onSubmit, onClose }: Props) {
  const [name, setName] = useState(initial);
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="name-form" className="btn primary" disabled={busy || !name.trim()}>
            {action}
          </button>
        </>
      }
    >
      <form
        id="name-form"
        onSubmit={(e) => {
          e.preventDefault();
          if (!name.trim()) return;
          setBusy(true);
          onSubmit(name.trim()).catch((error: unknown) => {
            setFault(describe(error));
            setBusy(false);
          });
        }}
      >
        <Field label={label} autoFocus value={name} fault={fault} onChange={(e) => setName(e.target.value)} />
      </form>
    </Dialog>
  );
}
