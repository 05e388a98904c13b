// A new column, free or from the vocabulary of fields that providers know.
import { useState } from "react";
import { describe } from "../../api/envelope";
import type { ColumnType } from "../../api/types";
import { useCatalogue } from "../../stores/catalogue";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { createColumn } from "./columns";
import { TYPE_NAMES } from "./types";

export function AddColumnDialog({ onClose }: { onClose: () => void }) {
  const fields = useCatalogue((s) => s.fields);
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [type, setType] = useState<ColumnType>("text");
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      await createColumn({ name: name.trim(), type, ...(key ? { key } : {}) });
      onClose();
    } catch (error) {
      setFault(describe(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Add a column"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="add-column" className="btn primary" disabled={busy || !name.trim()}>
            Add column
          </button>
        </>
      }
    >
      <form
        id="add-column"
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim()) void submit();
        }}
      >
        <Field label="Name" autoFocus value={name} fault={fault} onChange={(e) => setName(e.target.value)} />
        <div className="field">
          <label htmlFor="add-column-type">Type</label>
          <select
            id="add-column-type"
            className="select"
            value={type}
            onChange={(e) => setType(e.target.value as ColumnType)}
          >
            {Object.entries(TYPE_NAMES).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor="add-column-field">Field that providers know</label>
          <select
            id="add-column-field"
            className="select"
            value={key}
            onChange={(e) => {
              const f = fields.find((x) => x.key === e.target.value);
              setKey(e.target.value);
              if (f) {
                setName((n) => n || f.name);
                setType(f.type);
              }
            }}
          >
            <option value="">None: a column of your own</option>
            {fields.map((f) => (
              <option key={f.key} value={f.key}>
                {f.name}
              </option>
            ))}
          </select>
          <span className="hint">It lets the column be filled, and be used to look other things up.</span>
        </div>
      </form>
    </Dialog>
  );
}
