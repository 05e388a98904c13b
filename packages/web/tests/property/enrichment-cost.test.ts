import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Provider } from "../../src/api/types";
import {
  cellBounds,
  defaultWaterfall,
  doneCells,
  hitRate,
  maxCost,
  pace,
  progressOf,
} from "../../src/features/enrichment/cost";
import { moved } from "../../src/features/enrichment/Waterfall";

const RUNS = { numRuns: 300 };
const price = fc.record({ hit: fc.nat({ max: 50 }), miss: fc.nat({ max: 50 }) });
const steps = fc.array(price, { maxLength: 8 });

/** What one cell costs when the step `stop` hits (or none: stop = number of steps). */
const costOf = (list: { hit: number; miss: number }[], stop: number): number =>
  list.slice(0, stop).reduce((n, s) => n + s.miss, 0) + (list[stop]?.hit ?? 0);

describe("enrichment cost", () => {
  it("bounds every possible course of a waterfall, tightly", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { min, max } = cellBounds(list);
        const all = Array.from({ length: list.length + 1 }, (_, i) => costOf(list, i));
        expect(min).toBe(list.length === 0 ? 0 : Math.min(...all));
        expect(max).toBe(Math.max(...all));
      }),
      RUNS,
    );
  });

  it("grows with cells, with columns and with steps", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1000 }),
        fc.array(steps, { maxLength: 4 }),
        steps,
        price,
        (cells, falls, extra, step) => {
          const base = maxCost(cells, falls);
          expect(maxCost(cells + 1, falls)).toBeGreaterThanOrEqual(base);
          expect(maxCost(cells, [...falls, extra])).toBeGreaterThanOrEqual(base);
          expect(cellBounds([...extra, step]).max).toBeGreaterThanOrEqual(cellBounds(extra).max);
          expect(maxCost(0, falls)).toBe(0);
        },
      ),
      RUNS,
    );
  });

  it("proposes every provider of the field once, the built-in ones first, and no other", () => {
    const provider = fc.record({
      slug: fc.uuid(),
      outputs: fc.subarray(["industry", "email", "country"]),
      credits: price,
      source: fc.constantFrom("builtin", "sandbox", "remote"),
    }) as fc.Arbitrary<Provider>;
    fc.assert(
      fc.property(fc.uniqueArray(provider, { selector: (p) => p.slug, maxLength: 12 }), (list) => {
        const fall = defaultWaterfall("email", list);
        expect([...fall].sort()).toEqual(
          list
            .filter((p) => p.outputs.includes("email"))
            .map((p) => p.slug)
            .sort(),
        );
        const builtin = fall.map((s) => list.find((p) => p.slug === s)?.source === "builtin");
        expect(builtin.lastIndexOf(true)).toBeLessThan(
          builtin.indexOf(false) < 0 ? builtin.length : builtin.indexOf(false),
        );
      }),
      RUNS,
    );
  });

  it("keeps all steps when one is dragged, in the new place, the rest in order", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 9 }),
        fc.nat(),
        fc.nat(),
        (list, a, b) => {
          const from = a % list.length;
          const to = b % list.length;
          const after = moved(list, from, to);
          expect(after[to]).toBe(list[from]);
          const without = (l: number[]) => l.filter((x) => x !== list[from]);
          expect(without(after)).toEqual(without(list));
        },
      ),
      RUNS,
    );
  });

  it("shows progress and rates within their ranges", () => {
    const totals = fc
      .record({
        complete: fc.nat(500),
        notFound: fc.nat(500),
        failed: fc.nat(500),
        skipped: fc.nat(500),
        more: fc.nat(500),
      })
      .map(({ more, ...t }) => ({ ...t, cells: t.complete + t.notFound + t.failed + t.skipped + more }));
    fc.assert(
      fc.property(totals, fc.nat({ max: 100_000 }), (t, elapsed) => {
        const p = progressOf(t);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        if (doneCells(t) === t.cells && t.cells > 0) expect(p).toBe(1);
        const h = hitRate(t);
        if (h !== null) expect(h >= 0 && h <= 1).toBe(true);
        const start = new Date(1_700_000_000_000).toISOString();
        const { perSecond, secondsLeft } = pace(t, start, 1_700_000_000_000 + elapsed);
        expect(perSecond).toBeGreaterThanOrEqual(0);
        if (secondsLeft !== null) expect(secondsLeft).toBeGreaterThanOrEqual(0);
      }),
      RUNS,
    );
  });
});
