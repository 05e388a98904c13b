// Import in two steps: the server reads the file and says what it found; the columns are checked and
// mapped here; then the rows go in.
import { useEffect, useMemo, useRef, useState } from "react";
import { describe } from "../../api/envelope";
import type { Column, ColumnType, ImportMapping, ImportPreview, ImportStatus } from "../../api/types";
import { bytes, count, plural } from "../../lib/format";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { TYPE_NAMES } from "../table/types";
import { type ImportOptions, previewImport } from "./api";
import { FileDrop } from "./FileDrop";
import { runImport } from "./run";
import "./import.css";

interface Props {
  workspaceId: string;
  /** Existing table to add to; null makes a new table. */
  table: { id: string; name: string; columns: Column[] } | null;
  file: File | null;
  onClose: () => void;
  onDone: (tableId: string, status: ImportStatus) => void;
}

interface MapRow {
  header: string;
  skip: boolean;
  name: string;
  type: ColumnType;
  columnId: string;
}

const DELIMITERS: [string, string][] = [
  [",", "Comma"],
  [";", "Semicolon"],
  ["\t", "Tab"],
  ["|", "Bar"],
];

const baseName = (file: string): string =>
  file
    .replace(/\.[a-z0-9]+$/i, "")
    .replace(/[_-]+/g, " ")
    .trim() || file;

const alike = (a: string, b: string): boolean =>
  a.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "") === b.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

export function initialMapping(preview: ImportPreview, columns: readonly Column[] | null): MapRow[] {
  const used = new Set<string>();
  return preview.columns.map((c) => {
    const hit = columns?.find(
      (col) =>
        !used.has(col.id) &&
        (alike(col.name, c.header) ||
          alike(col.name, c.name) ||
          (!!c.suggestedKey && col.key === c.suggestedKey)),
    );
    if (hit) used.add(hit.id);
    return { header: c.header, skip: false, name: c.name || c.header, type: c.type, columnId: hit?.id ?? "" };
  });
}

export function toMapping(rows: readonly MapRow[]): ImportMapping[] {
  return rows.map((r) => {
    if (r.skip) return { header: r.header, skip: true };
    if (r.columnId) return { header: r.header, columnId: r.columnId };
    return { header: r.header, name: r.name.trim() || r.header, type: r.type };
  });
}

export function ImportDialog({ workspaceId, table, file: given, onClose, onDone }: Props) {
  const [file, setFile] = useState<File | null>(given);
  const [options, setOptions] = useState<ImportOptions | null>(null);
  const [preview, setPreview] = useState<ImportPreview | null>(null);
  const [upload, setUpload] = useState(0);
  const [fault, setFault] = useState<string | null>(null);
  const [mapping, setMapping] = useState<MapRow[]>([]);
  const [name, setName] = useState("");
  const [onError, setOnError] = useState<"keep_as_text" | "reject">("keep_as_text");
  const [progress, setProgress] = useState<ImportStatus | null>(null);
  const [busy, setBusy] = useState(false);
  const closed = useRef(false);

  useEffect(() => {
    closed.current = false;
    return () => {
      closed.current = true;
    };
  }, []);

  const target = useRef(table);
  target.current = table;
  useEffect(() => {
    if (!file) return;
    const abort = new AbortController();
    setFault(null);
    setUpload(0);
    setPreview(null);
    previewImport(workspaceId, target.current?.id ?? null, file, options, setUpload, abort.signal).then(
      (p) => {
        if (abort.signal.aborted) return;
        setPreview(p);
        setMapping(initialMapping(p, target.current?.columns ?? null));
        setName((n) => n || baseName(file.name));
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setFault(describe(error));
      },
    );
    return () => abort.abort();
  }, [file, options, workspaceId]);

  const update = (i: number, patch: Partial<MapRow>) =>
    setMapping((m) => m.map((r, j) => (j === i ? { ...r, ...patch } : r)));

  const kept = mapping.filter((m) => !m.skip).length;
  const twice = useMemo(() => {
    const seen = new Set<string>();
    return mapping.find((m) => !m.skip && m.columnId && (seen.has(m.columnId) || !seen.add(m.columnId)));
  }, [mapping]);

  const commit = async () => {
    if (!preview) return;
    setBusy(true);
    setFault(null);
    try {
      const status = await runImport(
        workspaceId,
        preview.importId,
        { tableName: table ? undefined : name.trim(), mapping: toMapping(mapping), onError },
        setProgress,
      );
      if (!closed.current) onDone(status.tableId ?? table?.id ?? "", status);
    } catch (error) {
      setFault(describe(error));
      setBusy(false);
      setProgress(null);
    }
  };

  return (
    <Dialog
      title={table ? `Add rows to ${table.name}` : "Import a CSV"}
      wide={preview !== null}
      onClose={onClose}
      footer={
        preview && (
          <>
            <span className="grow muted">
              {progress
                ? `${count(progress.rowsImported)} rows in`
                : `${plural(kept, "column")} of ${mapping.length} will be imported`}
            </span>
            <button type="button" className="btn" onClick={onClose}>
              {busy ? "Continue in the background" : "Cancel"}
            </button>
            <button
              type="button"
              className="btn primary"
              disabled={busy || kept === 0 || (!table && !name.trim()) || !!twice}
              onClick={() => void commit()}
            >
              {busy && <span className="spinner" />} Import
            </button>
          </>
        )
      }
    >
      {fault && (
        <p className="notice error" role="alert">
          {fault}
        </p>
      )}
      {!file && <FileDrop onFile={setFile} />}
      {file && !preview && !fault && (
        <div className="center" role="status">
          <span className="spinner" />
          <p>
            Reading {file.name} ({bytes(file.size)})
            {upload > 0 && upload < 1 ? `, ${Math.round(upload * 100)}% sent` : ""}…
          </p>
        </div>
      )}
      {file && fault && !preview && (
        <div className="center">
          <button type="button" className="btn" onClick={() => setFile(null)}>
            Choose another file
          </button>
        </div>
      )}
      {preview && (
        <div className="stack">
          <div className="row wrap import-head">
            {!table && (
              <label className="row grow">
                <span className="label">Table name</span>
                <input className="input" value={name} onChange={(e) => setName(e.target.value)} />
              </label>
            )}
            <label className="row">
              <span className="label">Separator</span>
              <select
                className="select small"
                value={preview.dialect.delimiter}
                onChange={(e) => setOptions({ ...options, delimiter: e.target.value })}
              >
                {DELIMITERS.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
                {!DELIMITERS.some(([v]) => v === preview.dialect.delimiter) && (
                  <option value={preview.dialect.delimiter}>{preview.dialect.delimiter}</option>
                )}
              </select>
            </label>
            <label className="check">
              <input
                type="checkbox"
                checked={preview.dialect.hasHeader}
                onChange={(e) => setOptions({ ...options, hasHeader: e.target.checked })}
              />
              First row has the names
            </label>
            <span className="badge">{preview.dialect.encoding}</span>
          </div>

          {twice && (
            <p className="notice warn" role="alert">
              Two columns of the file go to the same column of the table.
            </p>
          )}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <section className="import-grid card" tabIndex={0} aria-label="Columns and first rows">
            <table className="table">
              <thead>
                <tr>
                  {preview.columns.map((c, i) => {
                    const m = mapping[i];
                    if (!m) return null;
                    return (
                      <th key={i} className={m.skip ? "skipped" : undefined}>
                        <div className="stack tight">
                          <label className="check">
                            <input
                              type="checkbox"
                              checked={!m.skip}
                              onChange={(e) => update(i, { skip: !e.target.checked })}
                            />
                            <span className="ellipsis" title={c.header}>
                              {c.header}
                            </span>
                          </label>
                          {table && (
                            <select
                              className="select small"
                              aria-label={`Column of the table for ${c.header}`}
                              disabled={m.skip}
                              value={m.columnId}
                              onChange={(e) => update(i, { columnId: e.target.value })}
                            >
                              <option value="">New column</option>
                              {table.columns.map((col) => (
                                <option key={col.id} value={col.id}>
                                  {col.name}
                                </option>
                              ))}
                            </select>
                          )}
                          {!m.columnId && (
                            <>
                              <input
                                className="input small"
                                aria-label={`Name for ${c.header}`}
                                disabled={m.skip}
                                value={m.name}
                                onChange={(e) => update(i, { name: e.target.value })}
                              />
                              <select
                                className="select small"
                                aria-label={`Type of ${c.header}`}
                                disabled={m.skip}
                                value={m.type}
                                onChange={(e) => update(i, { type: e.target.value as ColumnType })}
                              >
                                {Object.entries(TYPE_NAMES).map(([value, label]) => (
                                  <option key={value} value={value}>
                                    {label}
                                  </option>
                                ))}
                              </select>
                            </>
                          )}
                        </div>
                      </th>
                    );
                  })}
                </tr>
              </thead>
              <tbody>
                {preview.rows.slice(0, 12).map((r, i) => (
                  <tr key={i}>
                    {preview.columns.map((_, j) => (
                      <td key={j} className={mapping[j]?.skip ? "skipped" : undefined}>
                        <span className="ellipsis">{r[j]}</span>
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>

          {preview.faults.length > 0 && (
            <section className="faults">
              <h3 className="row">
                <Icon name="warn" size={16} /> {plural(preview.faults.length, "fault")} found in the file
              </h3>
              <ul>
                {preview.faults.slice(0, 50).map((f, i) => (
                  <li key={i}>
                    <b>Line {count(f.line)}</b>
                    {f.column !== undefined && f.column !== null ? `, ${f.column}` : ""}: {f.message}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <label className="check">
            <input
              type="checkbox"
              checked={onError === "keep_as_text"}
              onChange={(e) => setOnError(e.target.checked ? "keep_as_text" : "reject")}
            />
            Keep values that do not fit their column's type as text (otherwise their rows are left out)
          </label>
          {progress && (
            <p role="status" className="muted">
              {count(progress.rowsImported)} of {count(Math.max(progress.rowsRead, progress.rowsImported))}{" "}
              rows read so far are in
              {progress.rowsRejected > 0 ? `, ${count(progress.rowsRejected)} left out` : ""}.
            </p>
          )}
        </div>
      )}
    </Dialog>
  );
}
