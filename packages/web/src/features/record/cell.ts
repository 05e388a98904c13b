// Draws one cell: its value, and by its status a provider's dot, a shimmer, or why there is nothing.
// Plain DOM rather than React: thousands of these come and go while scrolling.
import type { ICellRendererComp, ICellRendererParams } from "ag-grid-community";
import type { CellStatus, Column, Row } from "../../api/types";
import { formatValue } from "./values";

export interface CellParams extends ICellRendererParams<Row> {
  gridColumn: Column;
}

export interface GridContext {
  openProvenance: (recordId: string, columnId: string, at: DOMRect) => void;
  providerName: (slug: string) => string;
}

const COLOURS = [
  "#1f7a5c",
  "#2b6cb0",
  "#b7571d",
  "#6b4fa3",
  "#a8324e",
  "#0f7d8c",
  "#8a6d0b",
  "#3f5f9e",
  "#7a8b1c",
  "#93508f",
];

/** A steady colour per provider, dark enough to be told apart on paper. */
export function colourOf(slug: string): string {
  let h = 2166136261;
  for (const c of slug) h = Math.imul(h ^ c.charCodeAt(0), 16777619) >>> 0;
  return COLOURS[(h ^ (h >>> 13)) % COLOURS.length] ?? "#1f7a5c";
}

const EMPTY_TEXT: Partial<Record<CellStatus, string>> = {
  queued: "Queued",
  running: "Looking…",
  not_found: "Not found",
  failed: "Failed",
};

export class CellView implements ICellRendererComp<Row> {
  private root!: HTMLDivElement;
  private text!: HTMLSpanElement;
  private dot: HTMLButtonElement | null = null;
  private params!: CellParams;
  private last: CellStatus | undefined;
  private lastId: string | undefined;

  init(params: CellParams): void {
    this.root = document.createElement("div");
    this.text = document.createElement("span");
    this.text.className = "cell-text";
    this.root.append(this.text);
    this.draw(params);
  }

  getGui(): HTMLElement {
    return this.root;
  }

  refresh(params: CellParams): boolean {
    this.draw(params);
    return true;
  }

  private draw(params: CellParams): void {
    this.params = params;
    const row = params.data;
    const column = params.gridColumn;
    if (!row) {
      this.root.className = "cell is-loading";
      this.text.textContent = "";
      this.setDot(null);
      return;
    }
    const cell = row.cells?.[column.id];
    const status = cell?.status;
    const shown = formatValue(row.data[column.id], column.type, column.key);
    const busy = status === "queued" || status === "running";
    const noText = shown === "" || busy;
    let name = "cell";
    // Imported values have no history of their own; only what was typed here is marked.
    if (status && (status !== "manual" || cell?.updatedAt)) name += ` is-${status}`;
    if (cell?.raw) name += " is-raw";
    if (noText) name += " is-blank";
    if (column.type === "number") name += " is-number";
    if (status === "complete" && this.lastId === row.id && this.last && this.last !== "complete")
      name += " is-new";
    this.root.className = name;
    this.text.textContent =
      busy && shown !== "" ? shown : noText && status ? (EMPTY_TEXT[status] ?? "") : shown;
    this.text.title = cell?.raw
      ? `${shown} does not fit the column's type and was kept as text`
      : status === "failed" && cell?.error
        ? cell.error
        : shown;
    const mark = status === "complete" || status === "not_found" || status === "failed";
    this.setDot(mark ? (cell?.provider ?? "") : null, status);
    this.last = status;
    this.lastId = row.id;
  }

  private setDot(slug: string | null, status?: CellStatus): void {
    if (slug === null) {
      this.dot?.remove();
      this.dot = null;
      return;
    }
    if (!this.dot) {
      this.dot = document.createElement("button");
      this.dot.type = "button";
      this.dot.className = "cell-dot";
      this.dot.tabIndex = -1;
      this.dot.addEventListener("click", (e) => {
        e.stopPropagation();
        const id = this.params.data?.id;
        if (id)
          (this.params.context as GridContext).openProvenance(
            id,
            this.params.gridColumn.id,
            this.root.getBoundingClientRect(),
          );
      });
      this.root.append(this.dot);
    }
    const by = slug ? (this.params.context as GridContext).providerName(slug) : "";
    const label =
      status === "complete" ? `From ${by || "a provider"}. Show where it came from` : "Show what was tried";
    this.dot.setAttribute("aria-label", label);
    this.dot.title = status === "complete" ? by : label;
    this.dot.style.setProperty("--dot", slug && status === "complete" ? colourOf(slug) : "");
  }
}
