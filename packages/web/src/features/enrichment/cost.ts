// What a waterfall can cost. The quote itself comes from the server; these bounds are shown
// beside each step and checked against it.
import type { JobTotals, Provider } from "../../api/types";

export type Price = { hit: number; miss: number };

export interface CellBounds {
  min: number;
  max: number;
}

/** Least and most credits for one cell: it stops at a hit of step k after misses before it, or misses all. */
export function cellBounds(steps: readonly Price[]): CellBounds {
  let missed = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const step of steps) {
    min = Math.min(min, missed + step.hit);
    max = Math.max(max, missed + step.hit);
    missed += step.miss;
  }
  min = Math.min(min, missed);
  max = Math.max(max, missed);
  return { min: steps.length === 0 ? 0 : min, max };
}

/** Most credits for `cells` cells of each of the waterfalls. */
export function maxCost(cells: number, waterfalls: readonly (readonly Price[])[]): number {
  return cells * waterfalls.reduce((sum, w) => sum + cellBounds(w).max, 0);
}

/** A sensible order: what costs nothing on a miss first, then what is cheap when it hits,
 * hits often, and knows most: one answer then fills several columns. */
export function defaultWaterfall(key: string, providers: readonly Provider[]): string[] {
  return providers
    .filter((p) => p.outputs.includes(key))
    .sort(
      (a, b) =>
        Number(a.source !== "builtin") - Number(b.source !== "builtin") ||
        a.credits.miss - b.credits.miss ||
        a.credits.hit - b.credits.hit ||
        (b.expectedHitRate ?? 0) - (a.expectedHitRate ?? 0) ||
        b.outputs.length - a.outputs.length ||
        a.slug.localeCompare(b.slug),
    )
    .map((p) => p.slug);
}

export const doneCells = (t: JobTotals): number => t.complete + t.notFound + t.failed + t.skipped;

export function progressOf(t: JobTotals): number {
  return t.cells > 0 ? Math.min(1, doneCells(t) / t.cells) : 0;
}

/** Share of the asked cells that were filled; null before there is anything to say. */
export function hitRate(t: JobTotals): number | null {
  const asked = t.complete + t.notFound + t.failed;
  return asked > 0 ? t.complete / asked : null;
}

/** Cells a second and seconds left, from two looks at the job. */
export function pace(
  t: JobTotals,
  startedAt: string | null | undefined,
  now: number,
): { perSecond: number; secondsLeft: number | null } {
  const done = doneCells(t);
  const elapsed = startedAt ? Math.max(0.001, (now - Date.parse(startedAt)) / 1000) : 0;
  const perSecond = elapsed > 0 ? done / elapsed : 0;
  return { perSecond, secondsLeft: perSecond > 0 ? Math.max(0, t.cells - done) / perSecond : null };
}
