import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnType, FilterOp, Page, Row, Sort } from "../../src/api/types";
import {
  cycleSort,
  isComplete,
  opsFor,
  prune,
  type Rule,
  toFilter,
  viewParams,
} from "../../src/features/record/filter";
import { Pager } from "../../src/features/record/pager";

const RUNS = { numRuns: 200 };
const TYPES: ColumnType[] = ["text", "number", "boolean", "date", "url", "email", "phone", "select", "json"];
const OPS: FilterOp[] = [
  "eq",
  "ne",
  "lt",
  "lte",
  "gt",
  "gte",
  "contains",
  "startsWith",
  "in",
  "isEmpty",
  "isNotEmpty",
  "status",
];
const columns = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom(...TYPES));
const rule: fc.Arbitrary<Rule> = fc.record({
  column: fc.constantFrom("a", "b", "c", "gone"),
  op: fc.constantFrom(...OPS),
  value: fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom("", " ", "true", "x, y")),
});

describe("sort and filter", () => {
  it("sends complete rules only, each of them, in order", () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 6 }),
        columns,
        fc.constantFrom("and" as const, "or" as const),
        (rules, types, match) => {
          const whole = rules.filter((r) => isComplete(r, types[r.column]));
          const filter = toFilter(rules, types, match);
          if (whole.length === 0) {
            expect(filter).toBeUndefined();
            return;
          }
          const first = filter!.and[0]!;
          const nodes = "or" in first ? first.or : filter!.and;
          expect(nodes.map((n) => ("column" in n ? [n.column, n.op] : null))).toEqual(
            whole.map((r) => [r.column, r.op]),
          );
          if (match === "or" && whole.length > 1) expect(filter!.and.length).toBe(1);
        },
      ),
      RUNS,
    );
  });

  it("sends values in the type of their column", () => {
    fc.assert(
      fc.property(rule, columns, (r, types) => {
        const filter = toFilter([r], types);
        const node = filter?.and[0];
        if (!node || !("column" in node)) return;
        const type = types[r.column]!;
        expect(opsFor(type)).toContain(node.op);
        if (node.op === "isEmpty" || node.op === "isNotEmpty") expect("value" in node).toBe(false);
        else if (node.op === "in") expect(Array.isArray(node.value)).toBe(true);
        else if (node.op === "status") expect(typeof node.value).toBe("string");
        else if (type === "number") expect(Number.isFinite(node.value)).toBe(true);
        else if (type === "boolean") expect(typeof node.value).toBe("boolean");
        else expect(typeof node.value).toBe("string");
      }),
      RUNS,
    );
  });

  it("survives the way through a query string", () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), columns, (rules, types) => {
        const filter = toFilter(rules, types);
        const sort: Sort[] = [{ column: "a", direction: "asc" }];
        const text = new URLSearchParams(viewParams(filter, sort)).toString();
        const back = new URLSearchParams(text);
        expect(back.get("filter") ? JSON.parse(back.get("filter")!) : undefined).toEqual(
          filter ? JSON.parse(JSON.stringify(filter)) : undefined,
        );
        expect(JSON.parse(back.get("sort")!)).toEqual(sort);
      }),
      RUNS,
    );
  });

  it("cycles a column through ascending, descending and none, and never holds a column twice", () => {
    const clicks = fc.array(fc.record({ column: fc.constantFrom("a", "b", "c"), additive: fc.boolean() }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(clicks, (list) => {
        let sort: Sort[] = [];
        for (const c of list) {
          const before = sort.find((s) => s.column === c.column)?.direction;
          sort = cycleSort(sort, c.column, c.additive);
          const now = sort.find((s) => s.column === c.column)?.direction;
          expect(now).toBe(before === undefined ? "asc" : before === "asc" ? "desc" : undefined);
          expect(new Set(sort.map((s) => s.column)).size).toBe(sort.length);
          if (!c.additive) expect(sort.length).toBeLessThanOrEqual(1);
        }
      }),
      RUNS,
    );
  });

  it("drops what belongs to deleted columns and nothing else", () => {
    fc.assert(
      fc.property(fc.array(rule), fc.uniqueArray(fc.constantFrom("a", "b", "c")), (rules, left) => {
        expect(prune(rules, new Set(left))).toEqual(
          rules.filter((r) => (left as string[]).includes(r.column)),
        );
      }),
      RUNS,
    );
  });

  it("gives the right rows for any sequence of blocks, sorted or not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 180 }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (n, blocks, sorted) => {
          const size = 10;
          const all = Array.from(
            { length: n },
            (_, i) => ({ id: `r${i}`, position: i + 1, version: 1, data: {} }) as Row,
          );
          const fetchPage = async (q: {
            limit: number;
            cursor?: string;
            from?: number;
          }): Promise<Page<Row>> => {
            if (sorted) expect(q.from).toBeUndefined();
            const start =
              q.from !== undefined ? all.findIndex((r) => r.position >= q.from!) : Number(q.cursor ?? 0);
            const items = start < 0 ? [] : all.slice(start, start + q.limit);
            const next = start + items.length;
            return {
              items,
              meta: { limit: q.limit, nextCursor: start >= 0 && next < n ? String(next) : null, total: n },
            };
          };
          const pager = new Pager(fetchPage, sorted ? { sort: "[]" } : {});
          for (const b of blocks) {
            const start = b * size;
            if (start >= Math.max(1, n)) continue;
            const got = await pager.block(start, size);
            expect(got.rows.map((r) => r.id)).toEqual(all.slice(start, start + size).map((r) => r.id));
            expect(got.lastRow).toBe(n);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
