// The open table: columns, loaded rows, selection, unsaved changes, undo, sort and filter, cell status.
// Rows are shared with the grid component and changed in place for speed; the component registers a
// port through which it is told what to redraw.
import { create } from "zustand";
import { ApiError, describe } from "../api/envelope";
import type { Cell, CellValue, Column, Filter, Row, Sort, Table } from "../api/types";
import * as recordApi from "../features/record/api";
import { prune, type Rule, toFilter } from "../features/record/filter";
import {
  addPending,
  type CellChange,
  emptyUndo,
  type Pending,
  pushUndo,
  redo,
  sameValue,
  settlePending,
  type UndoState,
  undo,
} from "../features/record/undo";
import * as tableApi from "../features/table/api";
import { toast, useUi } from "./ui";

export const SAVE_DELAY_MS = 600;
export const AUTO_SAVE_MS = 30_000;
const MAX_BATCH = 1000;
const NO_BASE = Symbol("no base");

export interface GridPort {
  /** Redraw these rows. */
  redraw: (recordIds: readonly string[]) => void;
  /** Rows came or went: load what is shown again. */
  reload: () => void;
  /** Values changed behind our back: fetch the rows on screen again, in place. */
  refresh: () => void;
  /** A cell is being edited: new columns would end that. */
  isEditing: () => boolean;
}

interface GridState {
  workspaceId: string | null;
  tableId: string | null;
  table: Table | null;
  columns: Column[];
  error: unknown;
  total: number | null;
  totalIsEstimate: boolean;
  selection: string[];
  pending: Pending;
  undo: UndoState;
  saving: boolean;
  saveFailed: string | null;
  sort: Sort[];
  rules: Rule[];
  match: "and" | "or";
  streamUp: boolean;

  open: (workspaceId: string, tableId: string) => Promise<void>;
  close: () => void;
  reloadTable: () => Promise<void>;
  setColumns: (update: (columns: Column[]) => Column[]) => void;
  setSelection: (ids: string[]) => void;
  setTotal: (total: number | null, isEstimate: boolean) => void;
  setSort: (sort: Sort[]) => void;
  setRules: (rules: Rule[], match?: "and" | "or") => void;
  edit: (label: string, changes: CellChange[]) => void;
  undoLast: () => void;
  redoLast: () => void;
  flush: () => Promise<void>;
  addRows: (rows: { data: Record<string, CellValue> }[]) => Promise<boolean>;
  deleteRows: (ids: string[]) => Promise<boolean>;
  receive: (update: { recordId: string; version?: number; data?: Row["data"]; cells?: Row["cells"] }) => void;
  /** Shows the cells of a job that was just started as queued, before the server says so. */
  markQueued: (columnIds: readonly string[], ids: readonly string[] | null, onlyIfEmpty: boolean) => void;
  /** Takes back what markQueued showed and no event has settled. */
  clearQueued: () => void;
}

const rows = new Map<string, Row>();
/** What a cell held before its first unsaved change: to tell a conflict from a harmless race. */
const bases = new Map<string, CellValue | typeof NO_BASE>();
/** Cells shown as queued by markQueued, with what they were. */
const queued = new Map<Cell, { row: string; column: string; before: Cell | undefined }>();
let port: GridPort | null = null;
let saveTimer: ReturnType<typeof setTimeout> | null = null;
let autoSave: ReturnType<typeof setInterval> | null = null;
let flushing: Promise<void> | null = null;
const touched = new Set<string>();
let drawing = false;

export const getRow = (id: string): Row | undefined => rows.get(id);
export const connectGrid = (p: GridPort | null): void => {
  port = p;
};
export const reloadRows = (): void => port?.reload();
export const refreshRows = (): void => port?.refresh();
export const isLoaded = (id: string): boolean => rows.has(id);

const baseKey = (recordId: string, columnId: string): string => `${recordId}\n${columnId}`;

function redrawSoon(ids: readonly string[]): void {
  for (const id of ids) touched.add(id);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const list = [...touched];
    touched.clear();
    port?.redraw(list);
  });
}

/** Rows fresh from the server update what is known in place, but unsaved changes stay visible. */
export function adoptRows(fresh: Row[]): Row[] {
  const pending = useGrid.getState().pending;
  return fresh.map((row) => {
    const unsaved = pending[row.id];
    const old = rows.get(row.id);
    // An event may have overtaken this page on its way.
    if (old && old.version > row.version) return old;
    const data = unsaved ? { ...row.data, ...unsaved } : { ...row.data };
    const adopted = Object.assign(old ?? ({} as Row), row, { data, cells: { ...row.cells } });
    rows.set(row.id, adopted);
    return adopted;
  });
}

function show(changes: readonly CellChange[]): void {
  for (const c of changes) {
    const row = rows.get(c.recordId);
    if (!row) continue;
    row.data[c.columnId] = c.after;
    const cell: Cell = { status: c.after === null ? "empty" : "manual", updatedAt: new Date().toISOString() };
    row.cells = { ...row.cells, [c.columnId]: cell };
  }
  redrawSoon(changes.map((c) => c.recordId));
}

/** What of a column can be seen; its position shows in the order. */
const shape = ({ id, key, name, type, width, hidden, options }: Column) => [
  id,
  key,
  name,
  type,
  width,
  hidden,
  options,
];

/** Types by column id, for the filter. */
const typesOf = (columns: readonly Column[]) => Object.fromEntries(columns.map((c) => [c.id, c.type]));

export const currentFilter = (s: Pick<GridState, "rules" | "columns" | "match">): Filter | undefined =>
  toFilter(s.rules, typesOf(s.columns), s.match);

export const useGrid = create<GridState>((set, get) => {
  const scheduleSave = (delay = SAVE_DELAY_MS): void => {
    if (saveTimer) clearTimeout(saveTimer);
    saveTimer = setTimeout(() => void get().flush(), delay);
  };

  const record = (changes: CellChange[]): void => {
    for (const c of changes) {
      const key = baseKey(c.recordId, c.columnId);
      if (!bases.has(key)) bases.set(key, c.before);
    }
    show(changes);
    set((s) => ({ pending: addPending(s.pending, changes), saveFailed: null }));
    scheduleSave();
  };

  const settle = (batch: Pending): void => {
    set((s) => ({ pending: settlePending(s.pending, batch) }));
    const left = get().pending;
    for (const [id, cells] of Object.entries(batch))
      for (const columnId of Object.keys(cells))
        if (!(left[id] && columnId in left[id])) bases.delete(baseKey(id, columnId));
        else bases.set(baseKey(id, columnId), cells[columnId] ?? null);
  };

  const drop = (recordId: string, columnIds: readonly string[]): void => {
    set((s) => {
      const cells = Object.entries(s.pending[recordId] ?? {}).filter(([c]) => !columnIds.includes(c));
      const pending = { ...s.pending };
      if (cells.length > 0) pending[recordId] = Object.fromEntries(cells);
      else delete pending[recordId];
      return { pending };
    });
    for (const c of columnIds) bases.delete(baseKey(recordId, c));
  };

  /** After a 409: takes the server's rows, keeps our change where nobody else touched the same cell. */
  const resolveConflict = async (
    workspaceId: string,
    tableId: string,
    ids: readonly string[],
  ): Promise<void> => {
    let lost = 0;
    for (const id of ids.slice(0, 20)) {
      const ours = get().pending[id];
      if (!ours) continue;
      const theirs = await recordApi.getRecord(workspaceId, tableId, id).catch(() => null);
      if (!theirs) {
        drop(id, Object.keys(ours));
        lost++;
        continue;
      }
      const clash = Object.keys(ours).filter((c) => {
        const base = bases.get(baseKey(id, c)) ?? null;
        return (
          base !== NO_BASE &&
          !sameValue(theirs.data[c], base as CellValue) &&
          !sameValue(theirs.data[c], ours[c])
        );
      });
      if (clash.length > 0) {
        drop(id, clash);
        lost += clash.length;
      }
      rows.delete(id);
      adoptRows([theirs]);
      redrawSoon([id]);
    }
    if (lost > 0)
      toast(
        "warning",
        "Somebody else changed the same cell",
        "Their value is shown now. Enter yours again if it should replace it.",
      );
  };

  const save = async (): Promise<void> => {
    for (let round = 0; round < 50; round++) {
      const { workspaceId, tableId, pending } = get();
      const entries = Object.entries(pending).slice(0, MAX_BATCH);
      if (!workspaceId || !tableId || entries.length === 0) return;
      if (useUi.getState().offline) return;
      const batch: Pending = Object.fromEntries(entries);
      const updates = entries.map(([id, data]) => ({ id, version: rows.get(id)?.version, data }));
      set({ saving: true });
      try {
        const answer = await recordApi.patchRecords(workspaceId, tableId, updates);
        if (get().tableId !== tableId) return;
        settle(batch);
        for (const r of recordsIn(answer)) {
          const row = rows.get(r.id);
          if (row && r.version >= row.version) {
            row.version = r.version;
            if (r.data) Object.assign(row.data, r.data, get().pending[r.id]);
            if (r.cells) row.cells = { ...row.cells, ...r.cells };
          }
        }
        redrawSoon(Object.keys(batch));
        set({ saveFailed: null });
      } catch (error) {
        if (error instanceof ApiError && error.status === 409 && round < 5) {
          const named = namedRows(error, updates);
          await resolveConflict(workspaceId, tableId, named.length > 0 ? named : updates.map((u) => u.id));
          continue;
        }
        if (error instanceof ApiError && (error.status === 400 || error.status === 404)) {
          // The server will never take these: show why, and what it has instead.
          settle(batch);
          toast("error", "A change was not accepted", describe(error));
          port?.reload();
          return;
        }
        set({ saveFailed: describe(error) });
        return;
      }
    }
  };

  return {
    workspaceId: null,
    tableId: null,
    table: null,
    columns: [],
    error: null,
    total: null,
    totalIsEstimate: false,
    selection: [],
    pending: {},
    undo: emptyUndo,
    saving: false,
    saveFailed: null,
    sort: [],
    rules: [],
    match: "and",
    streamUp: false,

    open: async (workspaceId, tableId) => {
      if (get().tableId !== tableId) {
        rows.clear();
        bases.clear();
        queued.clear();
        set({
          workspaceId,
          tableId,
          table: null,
          columns: [],
          total: null,
          totalIsEstimate: false,
          selection: [],
          pending: {},
          undo: emptyUndo,
          sort: [],
          rules: [],
          match: "and",
          saveFailed: null,
          streamUp: false,
        });
      }
      set({ error: null });
      autoSave ??= setInterval(() => void get().flush(), AUTO_SAVE_MS);
      await get().reloadTable();
    },

    close: () => {
      void get().flush();
      if (autoSave) clearInterval(autoSave);
      autoSave = null;
    },

    reloadTable: async () => {
      const { workspaceId, tableId } = get();
      if (!workspaceId || !tableId) return;
      try {
        const table = await tableApi.getTable(workspaceId, tableId);
        while (port?.isEditing() && get().tableId === tableId) await new Promise((r) => setTimeout(r, 300));
        if (get().tableId !== tableId) return;
        set({ table });
        // Unchanged columns stay the same objects: new ones would end an edit under way.
        const columns = [...table.columns].sort((a, b) => a.position - b.position);
        if (JSON.stringify(columns.map(shape)) !== JSON.stringify(get().columns.map(shape)))
          get().setColumns(() => columns);
      } catch (error) {
        if (get().tableId === tableId) set({ error });
      }
    },

    setColumns: (update) =>
      set((s) => {
        const columns = update(s.columns);
        const ids = new Set(columns.map((c) => c.id));
        const rules = prune(s.rules, ids);
        const sort = prune(s.sort, ids);
        return {
          columns,
          rules: rules.length === s.rules.length ? s.rules : rules,
          sort: sort.length === s.sort.length ? s.sort : sort,
        };
      }),

    setSelection: (selection) => set({ selection }),
    setTotal: (total, totalIsEstimate) => {
      if (get().total !== total || get().totalIsEstimate !== totalIsEstimate) set({ total, totalIsEstimate });
    },
    setSort: (sort) => set({ sort }),
    setRules: (rules, match) => set((s) => ({ rules, match: match ?? s.match })),

    edit: (label, changes) => {
      const real = changes.filter((c) => !sameValue(c.before, c.after));
      if (real.length === 0) return;
      set((s) => ({ undo: pushUndo(s.undo, { label, changes: real }) }));
      record(real);
    },

    undoLast: () => {
      const step = undo(get().undo);
      if (!step) return;
      set({ undo: step.state });
      record(step.apply);
      toast("info", `Undid: ${step.label}`);
    },

    redoLast: () => {
      const step = redo(get().undo);
      if (!step) return;
      set({ undo: step.state });
      record(step.apply);
    },

    flush: () => {
      if (saveTimer) clearTimeout(saveTimer);
      saveTimer = null;
      flushing ??= save().finally(() => {
        flushing = null;
        set({ saving: false });
      });
      return flushing;
    },

    addRows: async (newRows) => {
      const { workspaceId, tableId } = get();
      if (!workspaceId || !tableId) return false;
      try {
        for (let i = 0; i < newRows.length; i += MAX_BATCH)
          await recordApi.addRecords(workspaceId, tableId, newRows.slice(i, i + MAX_BATCH));
        port?.reload();
        return true;
      } catch (error) {
        toast("error", "The rows could not be added", describe(error));
        return false;
      }
    },

    deleteRows: async (ids) => {
      const { workspaceId, tableId } = get();
      if (!workspaceId || !tableId) return false;
      try {
        for (let i = 0; i < ids.length; i += MAX_BATCH)
          await recordApi.deleteRecords(workspaceId, tableId, ids.slice(i, i + MAX_BATCH));
        for (const id of ids) {
          rows.delete(id);
          drop(id, Object.keys(get().pending[id] ?? {}));
        }
        set({ selection: [] });
        port?.reload();
        return true;
      } catch (error) {
        toast("error", "The rows could not be deleted", describe(error));
        return false;
      }
    },

    receive: (update) => {
      const row = rows.get(update.recordId);
      if (!row) return;
      if (update.version !== undefined && update.version < row.version) return;
      if (update.version !== undefined) row.version = update.version;
      const unsaved = get().pending[update.recordId] ?? {};
      for (const [columnId, value] of Object.entries(update.data ?? {}))
        if (!(columnId in unsaved)) row.data[columnId] = value;
      if (update.cells) row.cells = { ...row.cells, ...update.cells };
      redrawSoon([update.recordId]);
    },

    markQueued: (columnIds, ids, onlyIfEmpty) => {
      const list = ids ?? [...rows.keys()];
      for (const id of list) {
        const row = rows.get(id);
        if (!row) continue;
        const cells = { ...row.cells };
        for (const c of columnIds) {
          const value = row.data[c];
          if (onlyIfEmpty && value !== null && value !== undefined && value !== "") continue;
          const before = cells[c];
          if (before?.status === "running") continue;
          const shown: Cell = { ...before, status: "queued" };
          queued.set(shown, { row: id, column: c, before });
          cells[c] = shown;
        }
        row.cells = cells;
      }
      redrawSoon(list);
    },

    clearQueued: () => {
      const changed: string[] = [];
      for (const [shown, { row: id, column, before }] of queued) {
        const row = rows.get(id);
        if (row?.cells?.[column] !== shown) continue;
        const { [column]: _, ...rest } = row.cells;
        row.cells = before ? { ...rest, [column]: before } : rest;
        changed.push(id);
      }
      queued.clear();
      redrawSoon(changed);
    },
  };
});

// Back on line: what was kept is saved at once, not only at the next auto-save.
useUi.subscribe((now, before) => {
  if (before.offline && !now.offline) void useGrid.getState().flush();
});

interface SavedRow {
  id: string;
  version: number;
  data?: Row["data"];
  cells?: Row["cells"];
}

/** The saved rows in whichever of the usual places the answer has them. */
function recordsIn(answer: unknown): SavedRow[] {
  const list = Array.isArray(answer)
    ? answer
    : typeof answer === "object" && answer !== null
      ? ((answer as { records?: unknown }).records ?? (answer as { updates?: unknown }).updates)
      : null;
  if (!Array.isArray(list)) return [];
  return list.filter((r): r is SavedRow => typeof r?.id === "string" && typeof r?.version === "number");
}

/** The rows a 409 names: by id in its details, or by the index in their paths. */
function namedRows(error: ApiError, updates: readonly { id: string }[]): string[] {
  const out = new Set<string>();
  for (const d of error.details) {
    const index = /^\/updates\/(\d+)/.exec(d.path)?.[1];
    const byIndex = index === undefined ? undefined : updates[Number(index)]?.id;
    if (byIndex) out.add(byIndex);
    for (const u of updates) if (d.path.includes(u.id) || d.message.includes(u.id)) out.add(u.id);
  }
  return [...out];
}
