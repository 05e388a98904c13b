// The view's filter and sort: the rules a person builds in the toolbar, and their wire form.
import type { ColumnType, Condition, Filter, FilterNode, FilterOp, Sort } from "../../api/types";

export interface Rule {
  column: string;
  op: FilterOp;
  value: string;
}

export const OP_NAMES: Readonly<Record<FilterOp, string>> = {
  eq: "is",
  ne: "is not",
  lt: "is less than",
  lte: "is at most",
  gt: "is more than",
  gte: "is at least",
  contains: "contains",
  startsWith: "starts with",
  in: "is one of",
  isEmpty: "is empty",
  isNotEmpty: "is filled",
  status: "has status",
};

const TEXT_OPS: FilterOp[] = ["contains", "eq", "ne", "startsWith", "in", "isEmpty", "isNotEmpty", "status"];
const ORDER_OPS: FilterOp[] = ["eq", "ne", "lt", "lte", "gt", "gte", "isEmpty", "isNotEmpty", "status"];
const BOOL_OPS: FilterOp[] = ["eq", "isEmpty", "isNotEmpty", "status"];
const JSON_OPS: FilterOp[] = ["isEmpty", "isNotEmpty", "status"];

export function opsFor(type: ColumnType): FilterOp[] {
  if (type === "number" || type === "date") return ORDER_OPS;
  if (type === "boolean") return BOOL_OPS;
  if (type === "json") return JSON_OPS;
  return TEXT_OPS;
}

export const needsValue = (op: FilterOp): boolean => op !== "isEmpty" && op !== "isNotEmpty";

/** A rule that is still being typed filters nothing. */
export function isComplete(rule: Rule, type: ColumnType | undefined): boolean {
  if (!type || !opsFor(type).includes(rule.op)) return false;
  if (!needsValue(rule.op)) return true;
  const text = rule.value.trim();
  if (text === "") return false;
  if (rule.op === "status") return true;
  if (type === "number") return Number.isFinite(Number(text));
  return true;
}

function toCondition(rule: Rule, type: ColumnType): Condition {
  if (!needsValue(rule.op)) return { column: rule.column, op: rule.op };
  const text = rule.value.trim();
  if (rule.op === "in")
    return {
      column: rule.column,
      op: "in",
      value: text
        .split(",")
        .map((v) => v.trim())
        .filter(Boolean),
    };
  if (rule.op === "status") return { column: rule.column, op: "status", value: text };
  if (type === "number") return { column: rule.column, op: rule.op, value: Number(text) };
  if (type === "boolean") return { column: rule.column, op: rule.op, value: /^(true|yes|1)$/i.test(text) };
  return { column: rule.column, op: rule.op, value: text };
}

/** The filter of all complete rules; undefined when nothing is to be filtered. */
export function toFilter(
  rules: readonly Rule[],
  types: Readonly<Record<string, ColumnType>>,
  match: "and" | "or" = "and",
): Filter | undefined {
  const nodes: FilterNode[] = rules.flatMap((r) => {
    const type = types[r.column];
    return type && isComplete(r, type) ? [toCondition(r, type)] : [];
  });
  if (nodes.length === 0) return undefined;
  return match === "or" && nodes.length > 1 ? { and: [{ or: nodes }] } : { and: nodes };
}

/** Query parameters of a view; the same view gives the same text, so that it can serve as a key. */
export function viewParams(filter: Filter | undefined, sort: readonly Sort[]): Record<string, string> {
  const out: Record<string, string> = {};
  if (filter && filter.and.length > 0) out.filter = JSON.stringify(filter);
  if (sort.length > 0) out.sort = JSON.stringify(sort);
  return out;
}

/** The sort after a click on a column's header: ascending, descending, none. */
export function cycleSort(sort: readonly Sort[], column: string, additive: boolean): Sort[] {
  const current = sort.find((s) => s.column === column);
  const others = additive ? sort.filter((s) => s.column !== column) : [];
  if (!current) return [...others, { column, direction: "asc" }];
  if (current.direction === "asc")
    return additive
      ? sort.map((s) => (s.column === column ? { column, direction: "desc" as const } : s))
      : [{ column, direction: "desc" }];
  return others;
}

/** Drops rules and sorts of columns that are gone. */
export function prune<T extends { column: string }>(items: readonly T[], columns: ReadonlySet<string>): T[] {
  return items.filter((i) => columns.has(i.column));
}
