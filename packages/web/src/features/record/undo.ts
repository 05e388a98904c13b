// The undo stack: what was changed, cell by cell, newest last, at most 50 entries.
import type { CellValue } from "../../api/types";

export const MAX_UNDO = 50;

export interface CellChange {
  recordId: string;
  columnId: string;
  before: CellValue;
  after: CellValue;
}

export interface UndoEntry {
  label: string;
  changes: CellChange[];
}

export interface UndoState {
  past: readonly UndoEntry[];
  future: readonly UndoEntry[];
}

export const emptyUndo: UndoState = { past: [], future: [] };

export const sameValue = (a: CellValue | undefined, b: CellValue | undefined): boolean =>
  (a ?? null) === (b ?? null) ||
  (typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b));

/** Adds an entry and forgets what had been undone. An entry that changes nothing is not kept. */
export function pushUndo(state: UndoState, entry: UndoEntry): UndoState {
  const changes = entry.changes.filter((c) => !sameValue(c.before, c.after));
  if (changes.length === 0) return state;
  return { past: [...state.past, { ...entry, changes }].slice(-MAX_UNDO), future: [] };
}

/** The changes that take the newest entry back, in reverse order, and the state without it. */
export function undo(state: UndoState): { state: UndoState; apply: CellChange[]; label: string } | null {
  const entry = state.past.at(-1);
  if (!entry) return null;
  return {
    state: { past: state.past.slice(0, -1), future: [...state.future, entry] },
    apply: [...entry.changes].reverse().map((c) => ({ ...c, before: c.after, after: c.before })),
    label: entry.label,
  };
}

export function redo(state: UndoState): { state: UndoState; apply: CellChange[]; label: string } | null {
  const entry = state.future.at(-1);
  if (!entry) return null;
  return {
    state: { past: [...state.past, entry].slice(-MAX_UNDO), future: state.future.slice(0, -1) },
    apply: entry.changes,
    label: entry.label,
  };
}

export type Grid = Readonly<Record<string, Readonly<Record<string, CellValue>>>>;

/** Applies changes to plain rows (recordId → columnId → value); rows that are not there are left out. */
export function applyChanges(grid: Grid, changes: readonly CellChange[]): Grid {
  const out: Record<string, Readonly<Record<string, CellValue>>> = { ...grid };
  for (const c of changes) {
    const row = out[c.recordId];
    if (row) out[c.recordId] = { ...row, [c.columnId]: c.after };
  }
  return out;
}

/** Unsaved values by record and column; a later change of a cell replaces the earlier. */
export type Pending = Readonly<Record<string, Readonly<Record<string, CellValue>>>>;

export function addPending(pending: Pending, changes: readonly CellChange[]): Pending {
  const out: Record<string, Readonly<Record<string, CellValue>>> = { ...pending };
  for (const c of changes) out[c.recordId] = { ...out[c.recordId], [c.columnId]: c.after };
  return out;
}

/** What remains after `saved` was stored: cells changed again since then stay pending. */
export function settlePending(pending: Pending, saved: Pending): Pending {
  const out: Record<string, Readonly<Record<string, CellValue>>> = {};
  for (const [recordId, cells] of Object.entries(pending)) {
    const rest = Object.entries(cells).filter(
      ([columnId, value]) =>
        !(saved[recordId] && columnId in saved[recordId] && sameValue(saved[recordId][columnId], value)),
    );
    if (rest.length > 0) out[recordId] = Object.fromEntries(rest);
  }
  return out;
}
