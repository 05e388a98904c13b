// Turns the grid's "rows 400 to 600, please" into keyset pages. In the table's own order any block
// can be had directly by position. In a sorted or filtered view each block starts where the one
// before ended, so their cursors are remembered, and a jump walks on from the nearest one known.
import type { Page, Row } from "../../api/types";
import type { RecordQuery } from "./api";

export const BLOCK = 200;
const STRIDE = 1000;
/** Views with more rows than this grow as they are scrolled, so that no jump walks too far. */
const WALK_LIMIT = 10_000;

export interface Block {
  rows: Row[];
  /** The number of rows in the view, when it is known; -1 while it is not. */
  lastRow: number;
  total: number | null;
  totalIsEstimate: boolean;
}

type Fetch = (query: RecordQuery) => Promise<Page<Row>>;

export class Pager {
  private cursors = new Map<number, string>();
  private anchors = new Map<number, number>();
  private end: number | null = null;
  private walk: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly fetchPage: Fetch,
    private readonly params: { sort?: string; filter?: string },
  ) {}

  private get direct(): boolean {
    return !this.params.sort && !this.params.filter;
  }

  async block(start: number, size = BLOCK): Promise<Block> {
    if (this.end !== null && start >= this.end)
      return { rows: [], lastRow: this.end, total: this.end, totalIsEstimate: false };
    if (start === 0 || this.cursors.has(start)) return this.load(start, size);
    if (this.direct) return this.load(start, size, this.positionOf(start));
    const turn = this.walk.then(() => this.walkTo(start));
    this.walk = turn.catch(() => undefined);
    await turn;
    return this.block(start, size);
  }

  /** The position of the row at `index`, judged from the nearest row seen: deleted rows leave gaps. */
  private positionOf(index: number): number {
    let nearest: number | null = null;
    for (const i of this.anchors.keys())
      if (nearest === null || Math.abs(i - index) < Math.abs(nearest - index)) nearest = i;
    const offset = nearest === null ? 1 : (this.anchors.get(nearest) ?? nearest + 1) - nearest;
    return Math.max(1, index + offset);
  }

  private async walkTo(target: number): Promise<void> {
    let at = 0;
    for (const i of this.cursors.keys()) if (i <= target && i > at) at = i;
    while (at < target && at !== this.end) {
      const limit = Math.min(STRIDE, target - at);
      const page = await this.fetchPage({ ...this.params, limit, cursor: this.cursors.get(at) });
      at += page.items.length;
      this.note(at, page);
      if (page.items.length === 0) {
        this.end = at;
        return;
      }
    }
  }

  private note(next: number, page: Page<Row>): void {
    if (page.meta.nextCursor) this.cursors.set(next, page.meta.nextCursor);
    else this.end = next;
  }

  private async load(start: number, size: number, from?: number): Promise<Block> {
    const query: RecordQuery = { ...this.params, limit: size };
    if (from !== undefined) query.from = from;
    else if (start > 0) query.cursor = this.cursors.get(start);
    const page = await this.fetchPage(query);
    const first = page.items[0];
    if (first) this.anchors.set(start, first.position);
    const next = start + page.items.length;
    this.note(next, page);
    const total = page.meta.total ?? null;
    let lastRow = -1;
    if (this.end !== null) lastRow = this.end;
    else if (total !== null && total > next && (this.direct || total <= WALK_LIMIT)) lastRow = total;
    return {
      rows: page.items,
      lastRow,
      total: this.end ?? total,
      totalIsEstimate: this.end === null && page.meta.totalIsEstimate === true,
    };
  }
}
