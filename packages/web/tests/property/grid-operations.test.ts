import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Column } from "../../src/api/types";
import {
  addPending,
  applyChanges,
  type CellChange,
  emptyUndo,
  type Grid,
  MAX_UNDO,
  type Pending,
  pushUndo,
  redo,
  settlePending,
  type UndoState,
  undo,
} from "../../src/features/record/undo";
import { reorder } from "../../src/features/table/columns";

const RUNS = { numRuns: 200 };
const ROWS = ["r1", "r2", "r3"];
const COLS = ["a", "b"];
const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const grid: fc.Arbitrary<Grid> = fc.record(
  Object.fromEntries(ROWS.map((r) => [r, fc.record(Object.fromEntries(COLS.map((c) => [c, value])))])),
) as fc.Arbitrary<Grid>;
const edit = fc.record({
  recordId: fc.constantFrom(...ROWS),
  columnId: fc.constantFrom(...COLS),
  after: value,
});
type Edit = { recordId: string; columnId: string; after: string | number | boolean | null };

/** Applies edits one entry at a time, as the store does. */
function play(start: Grid, entries: Edit[][]): { grid: Grid; state: UndoState; history: Grid[] } {
  let g = start;
  let state = emptyUndo;
  const history: Grid[] = [g];
  for (const edits of entries) {
    const changes: CellChange[] = [];
    let scratch = g;
    for (const e of edits) {
      const change = { ...e, before: scratch[e.recordId]?.[e.columnId] ?? null };
      changes.push(change);
      scratch = applyChanges(scratch, [change]);
    }
    const next = pushUndo(state, { label: "edit", changes });
    if (next !== state) {
      state = next;
      g = scratch;
      history.push(g);
    }
  }
  return { grid: g, state, history };
}

describe("grid operations", () => {
  it("undoing everything brings back the rows as they were, step by step", () => {
    fc.assert(
      fc.property(
        grid,
        fc.array(fc.array(edit, { minLength: 1, maxLength: 4 }), { maxLength: 20 }),
        (start, entries) => {
          const { grid: end, state, history } = play(start, entries);
          let g = end;
          let s = state;
          for (let i = history.length - 2; i >= 0; i--) {
            const step = undo(s);
            if (!step) throw new Error("an entry is missing");
            g = applyChanges(g, step.apply);
            s = step.state;
            expect(g).toEqual(history[i]);
          }
          expect(undo(s)).toBeNull();
        },
      ),
      RUNS,
    );
  });

  it("redo after undo changes nothing", () => {
    fc.assert(
      fc.property(
        grid,
        fc.array(fc.array(edit, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 10 }),
        (start, entries) => {
          const { grid: end, state } = play(start, entries);
          const back = undo(state);
          if (!back) return;
          const forth = redo(back.state);
          if (!forth) throw new Error("nothing to redo");
          expect(applyChanges(applyChanges(end, back.apply), forth.apply)).toEqual(end);
          expect(forth.state).toEqual({ ...state, future: [] });
        },
      ),
      RUNS,
    );
  });

  it("never holds more than fifty entries, and drops the oldest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 130 }), (n) => {
        let s = emptyUndo;
        for (let i = 0; i < n; i++)
          s = pushUndo(s, {
            label: String(i),
            changes: [{ recordId: "r1", columnId: "a", before: i, after: i + 1 }],
          });
        expect(s.past.length).toBe(Math.min(n, MAX_UNDO));
        expect(s.past.at(-1)?.label).toBe(String(n - 1));
      }),
      { numRuns: 100 },
    );
  });

  it("an edit that changes nothing is not an entry, and a new edit forgets what was undone", () => {
    fc.assert(
      fc.property(value, value, (v, w) => {
        const same = { recordId: "r1", columnId: "a", before: v, after: v };
        expect(pushUndo(emptyUndo, { label: "", changes: [same] })).toBe(emptyUndo);
        fc.pre(v !== w);
        const s = pushUndo(emptyUndo, { label: "1", changes: [{ ...same, after: w }] });
        const undone = undo(s);
        expect(undone?.state.future.length).toBe(1);
        expect(pushUndo(undone!.state, { label: "2", changes: [{ ...same, after: w }] }).future).toEqual([]);
      }),
      RUNS,
    );
  });

  it("pending changes hold the latest value of each cell, and saving loses none that came later", () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), fc.array(edit, { maxLength: 30 }), (first, second) => {
        const asChange = (e: Edit): CellChange => ({ ...e, before: null });
        const saved: Pending = addPending({}, first.map(asChange));
        const all = addPending(saved, second.map(asChange));
        const left = settlePending(all, saved);
        for (const e of second) {
          const latest = all[e.recordId]?.[e.columnId];
          const stored = saved[e.recordId]?.[e.columnId];
          if (saved[e.recordId] && e.columnId in saved[e.recordId]! && Object.is(stored, latest)) continue;
          if (stored === latest && saved[e.recordId] && e.columnId in saved[e.recordId]!) continue;
          expect(left[e.recordId]?.[e.columnId]).toEqual(latest);
        }
        if (second.length === 0) expect(left).toEqual({});
      }),
      RUNS,
    );
  });

  it("moving a column keeps all columns and puts it behind the one named", () => {
    const columns = fc
      .uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 })
      .map((ids) => ids.map((id) => ({ id }) as Column));
    fc.assert(
      fc.property(columns, fc.nat(), fc.option(fc.nat()), (list, a, b) => {
        const id = list[a % list.length]!.id;
        const others = list.filter((c) => c.id !== id);
        const after = b === null || others.length === 0 ? null : others[b % others.length]!.id;
        const out = reorder(list, id, after).map((c) => c.id);
        expect([...out].sort()).toEqual(list.map((c) => c.id).sort());
        expect(out[out.indexOf(id) - 1] ?? null).toBe(after);
        expect(out.filter((x) => x !== id)).toEqual(others.map((c) => c.id));
      }),
      RUNS,
    );
  });
});
