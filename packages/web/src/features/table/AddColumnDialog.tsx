// A new column, free or from the vocabulary of fields that providers know.
import { useState } from "react";
import type { ColumnType } from "../../api/types";
import { useCatalogue } from "../../stores/catalogue";
import { Field } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { createColumn } from "./columns";
import { TYPE_NAMES } from "./types";

export function AddColumnDialog({ onClose }: { onClose: () => void }) {
  const fields = useCatalogue((s) => s.fields);
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [type, setType] = useState<ColumnType>("text");
  return (
    <FormDialog
      title="Add a column"
      submitLabel="Add column"
      ready={!!name.trim()}
      onClose={onClose}
      onSubmit={async () => {
        await createColumn({ name: name.trim(), type, ...(key ? { key } : {}) });
        onClose();
      }}
    >
      {(fault) => (
        <>
          <Field
            label="Name"
            autoFocus
            value={name}
            fault={fault}
            onChange={(e) => setName(e.target.value)}
          />
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
        </>
      )}
    </FormDialog>
  );
}
