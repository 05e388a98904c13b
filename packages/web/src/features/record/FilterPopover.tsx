// The view's filter: rules over columns, all or any of which must hold.
import { useRef } from "react";
import type { CellStatus } from "../../api/types";
import { useDismiss } from "../../lib/hooks";
import { useGrid } from "../../stores/grid";
import { Icon } from "../../ui/Icon";
import type { MenuAt } from "../../ui/Menu";
import { needsValue, OP_NAMES, opsFor, type Rule } from "./filter";
import { selectOptions } from "./values";

const STATUSES: [CellStatus, string][] = [
  ["complete", "filled by a provider"],
  ["not_found", "not found"],
  ["failed", "failed"],
  ["queued", "queued"],
  ["running", "running"],
  ["manual", "entered by hand"],
  ["empty", "empty"],
];

export function FilterPopover({ at, onClose }: { at: MenuAt; onClose: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useDismiss(ref, onClose);
  const columns = useGrid((s) => s.columns);
  const rules = useGrid((s) => s.rules);
  const match = useGrid((s) => s.match);
  const setRules = useGrid((s) => s.setRules);
  const first = columns[0];
  const update = (i: number, patch: Partial<Rule>) =>
    setRules(rules.map((r, j) => (j === i ? { ...r, ...patch } : r)));
  const add = () => {
    if (first) setRules([...rules, { column: first.id, op: opsFor(first.type)[0] ?? "contains", value: "" }]);
  };
  return (
    <div
      className="menu filter-pop"
      role="dialog"
      aria-label="Filter"
      ref={ref}
      style={{ left: Math.min(at.x, window.innerWidth - 560), top: at.y }}
    >
      {rules.length === 0 && <p className="muted filter-none">No filter: all rows are shown.</p>}
      {rules.map((r, i) => {
        const column = columns.find((c) => c.id === r.column);
        if (!column) return null;
        const choices = selectOptions(column.options);
        return (
          <div className="filter-rule" key={i}>
            {i === 0 ? (
              <span className="muted">Where</span>
            ) : (
              <select
                className="select small"
                aria-label="All or any"
                value={match}
                onChange={(e) => setRules(rules, e.target.value as "and" | "or")}
              >
                <option value="and">and</option>
                <option value="or">or</option>
              </select>
            )}
            <select
              className="select small"
              aria-label="Column"
              value={r.column}
              onChange={(e) => {
                const next = columns.find((c) => c.id === e.target.value);
                if (!next) return;
                const ops = opsFor(next.type);
                update(i, {
                  column: next.id,
                  op: ops.includes(r.op) ? r.op : (ops[0] ?? "contains"),
                  value: "",
                });
              }}
            >
              {columns.map((c) => (
                <option key={c.id} value={c.id}>
                  {c.name}
                </option>
              ))}
            </select>
            <select
              className="select small"
              aria-label="Condition"
              value={r.op}
              onChange={(e) => update(i, { op: e.target.value as Rule["op"], value: "" })}
            >
              {opsFor(column.type).map((op) => (
                <option key={op} value={op}>
                  {OP_NAMES[op]}
                </option>
              ))}
            </select>
            {!needsValue(r.op) ? (
              <span />
            ) : r.op === "status" ? (
              <select
                className="select small"
                aria-label="Value"
                value={r.value}
                onChange={(e) => update(i, { value: e.target.value })}
              >
                <option value="">Choose…</option>
                {STATUSES.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            ) : column.type === "boolean" ? (
              <select
                className="select small"
                aria-label="Value"
                value={r.value}
                onChange={(e) => update(i, { value: e.target.value })}
              >
                <option value="">Choose…</option>
                <option value="true">Yes</option>
                <option value="false">No</option>
              </select>
            ) : choices.length > 0 && r.op !== "in" ? (
              <select
                className="select small"
                aria-label="Value"
                value={r.value}
                onChange={(e) => update(i, { value: e.target.value })}
              >
                <option value="">Choose…</option>
                {choices.map((c) => (
                  <option key={c}>{c}</option>
                ))}
              </select>
            ) : (
              <input
                className="input small"
                aria-label="Value"
                type={column.type === "date" ? "date" : "text"}
                inputMode={column.type === "number" ? "decimal" : undefined}
                placeholder={r.op === "in" ? "one, another, …" : ""}
                // biome-ignore lint/a11y/noAutofocus: the person just added this rule to type its value
                autoFocus={i === rules.length - 1 && r.value === ""}
                value={r.value}
                onChange={(e) => update(i, { value: e.target.value })}
              />
            )}
            <button
              type="button"
              className="btn ghost icon small"
              aria-label="Remove this condition"
              onClick={() => setRules(rules.filter((_, j) => j !== i))}
            >
              <Icon name="x" size={15} />
            </button>
          </div>
        );
      })}
      <div className="row between filter-foot">
        <button type="button" className="btn ghost small" onClick={add}>
          <Icon name="plus" size={16} /> Add a condition
        </button>
        {rules.length > 0 && (
          <button type="button" className="btn ghost small" onClick={() => setRules([])}>
            Clear
          </button>
        )}
      </div>
    </div>
  );
}
