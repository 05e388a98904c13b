// The spreadsheet: AG Grid's infinite row model over keyset pages.
import type {
  CellContextMenuEvent,
  CellEditRequestEvent,
  CellKeyDownEvent,
  ColDef,
  ColumnMovedEvent,
  ColumnResizedEvent,
  GridApi,
  GridReadyEvent,
  IDatasource,
  SelectionChangedEvent,
  SelectionColumnDef,
} from "ag-grid-community";
import { AgGridReact } from "ag-grid-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { describe } from "../../api/envelope";
import type { Column, Row } from "../../api/types";
import { adoptRows, connectGrid, currentFilter, getRow, useGrid } from "../../stores/grid";
import { toast, useUi } from "../../stores/ui";
import type { MenuAt } from "../../ui/Menu";
import { patchColumn } from "../table/api";
import { placeColumn } from "../table/columns";
import { DEFAULT_WIDTH, UNSIZED } from "../table/types";
import * as recordApi from "./api";
import { ColumnHeader } from "./ColumnHeader";
import { CellView, type GridContext } from "./cell";
import { parseTsv, toTsv } from "./clipboard";
import { viewParams } from "./filter";
import { BLOCK, Pager } from "./pager";
import type { CellChange } from "./undo";
import { parseValue, plainValue, selectOptions } from "./values";
import "ag-grid-community/styles/ag-grid.css";
import "ag-grid-community/styles/ag-theme-alpine-no-font.css";
import "./grid.css";

export interface CellRef {
  recordId: string;
  columnId: string;
}

interface Props {
  workspaceId: string;
  tableId: string;
  canEdit: boolean;
  canManage: boolean;
  providerName: (slug: string) => string;
  onCellMenu: (cell: CellRef, at: MenuAt) => void;
  onColumnMenu: (column: Column, at: MenuAt) => void;
  onProvenance: (cell: CellRef, at: DOMRect) => void;
}

const EDITOR: Partial<Record<Column["type"], Partial<ColDef<Row>>>> = {
  number: { cellEditor: "agNumberCellEditor", cellEditorParams: { showStepperButtons: false } },
  date: { cellEditor: "agDateStringCellEditor" },
  json: { cellEditor: "agLargeTextCellEditor", cellEditorPopup: true },
};

const SELECTION: SelectionColumnDef = {
  pinned: "left",
  width: 42,
  maxWidth: 42,
  resizable: false,
  suppressHeaderMenuButton: true,
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export default function RecordGrid(props: Props) {
  const { workspaceId, tableId, canEdit, canManage } = props;
  const columns = useGrid((s) => s.columns);
  const sort = useGrid((s) => s.sort);
  const rules = useGrid((s) => s.rules);
  const match = useGrid((s) => s.match);
  const api = useRef<GridApi<Row> | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const live = useRef(props);
  live.current = props;
  const [loadFault, setLoadFault] = useState<string | null>(null);
  const [empty, setEmpty] = useState(false);

  // The filter follows the rules after a rest of 300 ms; the sort at once.
  const filterKey = useMemo(
    () => viewParams(currentFilter({ rules, match, columns }), []).filter ?? "",
    [rules, match, columns],
  );
  const [filter, setFilter] = useState(filterKey);
  useEffect(() => {
    if (filter === filterKey) return;
    const timer = setTimeout(() => setFilter(filterKey), 300);
    return () => clearTimeout(timer);
  }, [filter, filterKey]);
  const sortKey = viewParams(undefined, sort).sort ?? "";

  const newPager = useCallback((): Pager => {
    const params: { sort?: string; filter?: string } = {};
    if (sortKey) params.sort = sortKey;
    if (filter) params.filter = filter;
    return new Pager((q) => recordApi.listRecords(workspaceId, tableId, q), params);
  }, [workspaceId, tableId, sortKey, filter]);
  const pager = useRef<Pager | null>(null);
  /** When each block came, and when values last changed unseen: a block scrolled to may be stale. */
  const fetchedAt = useRef(new Map<number, number>());
  const changedAt = useRef(0);
  const refreshShown = useRef(() => {});

  // A new view is a new source, which empties the grid; the pager within it may be renewed in place.
  const source = useMemo<IDatasource>(() => {
    pager.current = newPager();
    return {
      getRows: async (p) => {
        const from = pager.current;
        if (!from) return p.failCallback();
        try {
          const block = await from.block(p.startRow, p.endRow - p.startRow);
          setLoadFault(null);
          setEmpty(block.total === 0 || (p.startRow === 0 && block.rows.length === 0));
          if (block.total !== null) useGrid.getState().setTotal(block.total, block.totalIsEstimate);
          fetchedAt.current.set(p.startRow / BLOCK, Date.now());
          p.successCallback(adoptRows(block.rows), block.lastRow >= 0 ? block.lastRow : undefined);
        } catch (error) {
          setLoadFault(describe(error));
          p.failCallback();
        }
      },
    };
  }, [newPager]);

  // The old view's count says nothing about the new one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new source is the signal
  useEffect(() => {
    useGrid.getState().setTotal(null, false);
  }, [source]);

  const reload = useCallback(() => {
    pager.current = newPager();
    api.current?.refreshInfiniteCache();
  }, [newPager]);

  useEffect(() => {
    const redraw = (ids: readonly string[]) => {
      const grid = api.current;
      if (!grid) return;
      const nodes = ids.flatMap((id) => grid.getRowNode(id) ?? []);
      if (nodes.length > 0) grid.refreshCells({ rowNodes: nodes, force: true });
    };
    connectGrid({
      redraw,
      reload,
      isEditing: () => (api.current?.getEditingCells().length ?? 0) > 0,
      refresh: () => {
        changedAt.current = Date.now();
        refreshShown.current();
      },
    });
    refreshShown.current = () => {
      const grid = api.current;
      const from = pager.current;
      if (!grid || !from) return;
      const first = Math.floor(Math.max(0, grid.getFirstDisplayedRowIndex()) / BLOCK);
      const last = Math.floor(Math.max(0, grid.getLastDisplayedRowIndex()) / BLOCK);
      for (let n = first; n <= Math.min(last, first + 1); n++) {
        if ((fetchedAt.current.get(n) ?? 0) >= changedAt.current) continue;
        fetchedAt.current.set(n, Date.now());
        from.block(n * BLOCK).then(
          (b) => redraw(adoptRows(b.rows).map((r) => r.id)),
          // The next event or scroll tries again; a lasting failure shows when the grid itself loads.
          () => fetchedAt.current.delete(n),
        );
      }
    };
    return () => connectGrid(null);
  }, [reload]);

  const retry = useCallback(() => {
    setLoadFault(null);
    pager.current = newPager();
    api.current?.purgeInfiniteCache();
  }, [newPager]);

  // Rows that could not be loaded while off line come by themselves once it is back.
  const offline = useUi((s) => s.offline);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only coming back on line is the signal
  useEffect(() => {
    if (!offline && loadFault) retry();
  }, [offline]);

  const context = useMemo<GridContext>(
    () => ({
      openProvenance: (recordId, columnId, at) => live.current.onProvenance({ recordId, columnId }, at),
      providerName: (slug) => live.current.providerName(slug),
    }),
    [],
  );

  const columnDefs = useMemo<ColDef<Row>[]>(
    () => [
      {
        colId: "#",
        headerName: "#",
        pinned: "left",
        width: 62,
        resizable: false,
        suppressMovable: true,
        cellClass: "row-number",
        valueGetter: (p) => (p.node?.rowIndex ?? 0) + 1,
      },
      ...columns
        .filter((c) => !c.hidden)
        .map<ColDef<Row>>((c) => ({
          colId: c.id,
          headerName: c.name,
          width: c.width && c.width !== UNSIZED ? c.width : DEFAULT_WIDTH[c.type],
          minWidth: 70,
          valueGetter: (p) => {
            const v = p.data?.data[c.id];
            if (typeof v === "boolean") return v ? "Yes" : "No";
            return typeof v === "object" && v !== null ? JSON.stringify(v) : (v ?? null);
          },
          editable: (p) => canEdit && p.data !== undefined,
          // Space opens where a value came from; rows are marked in the checkbox column.
          suppressKeyboardEvent: (p) => p.event.key === " " && !p.editing,
          cellRenderer: CellView,
          cellRendererParams: { gridColumn: c },
          headerComponent: ColumnHeader,
          headerComponentParams: {
            gridColumn: c,
            openMenu: (column: Column, at: MenuAt) => live.current.onColumnMenu(column, at),
          },
          ...(c.type === "boolean"
            ? { cellEditor: "agSelectCellEditor", cellEditorParams: { values: ["", "Yes", "No"] } }
            : c.type === "select" && selectOptions(c.options).length > 0
              ? {
                  cellEditor: "agSelectCellEditor",
                  cellEditorParams: { values: ["", ...selectOptions(c.options)] },
                }
              : (EDITOR[c.type] ?? { cellEditor: "agTextCellEditor" })),
        })),
    ],
    [columns, canEdit],
  );

  const columnById = useCallback((id: string) => useGrid.getState().columns.find((c) => c.id === id), []);

  const onEdit = useCallback(
    (e: CellEditRequestEvent<Row>) => {
      const column = columnById(e.column.getColId());
      const row = e.data ? getRow(e.data.id) : undefined;
      if (!column || !row) return;
      const parsed = parseValue(e.newValue, column.type);
      if (!parsed.ok) {
        toast("warning", "Not changed", `${column.name}: ${parsed.message}.`);
        return;
      }
      useGrid
        .getState()
        .edit(`edit of ${column.name}`, [
          { recordId: row.id, columnId: column.id, before: row.data[column.id] ?? null, after: parsed.value },
        ]);
    },
    [columnById],
  );

  const clearFocused = useCallback(() => {
    const cell = api.current?.getFocusedCell();
    const row = cell ? api.current?.getDisplayedRowAtIndex(cell.rowIndex)?.data : undefined;
    const column = cell ? columnById(cell.column.getColId()) : undefined;
    if (!row || !column) return;
    useGrid
      .getState()
      .edit(`clearing of ${column.name}`, [
        { recordId: row.id, columnId: column.id, before: row.data[column.id] ?? null, after: null },
      ]);
  }, [columnById]);

  const onKey = useCallback(
    (e: CellKeyDownEvent<Row>) => {
      const event = e.event as KeyboardEvent | null;
      if (!event || isTyping(event.target)) return;
      if ((event.key === "Delete" || event.key === "Backspace") && canEdit) clearFocused();
      const columnId = e.column.getColId();
      if (event.key === " " && event.shiftKey === false && e.data && columnById(columnId)) {
        const status = e.data.cells?.[columnId]?.status;
        if (!status || status === "empty") return;
        event.preventDefault();
        const at = (event.target as HTMLElement).getBoundingClientRect();
        live.current.onProvenance({ recordId: e.data.id, columnId }, at);
      }
    },
    [canEdit, clearFocused, columnById],
  );

  const onContext = useCallback((e: CellContextMenuEvent<Row>) => {
    const event = e.event as MouseEvent | null;
    if (!event || !e.data) return;
    event.preventDefault();
    let at = { x: event.clientX, y: event.clientY };
    if (at.x === 0 && at.y === 0 && event.target instanceof HTMLElement) {
      const r = event.target.getBoundingClientRect();
      at = { x: r.left + 20, y: r.bottom };
    }
    live.current.onCellMenu({ recordId: e.data.id, columnId: e.column.getColId() }, at);
  }, []);

  const onSelect = useCallback((e: SelectionChangedEvent<Row>) => {
    useGrid.getState().setSelection(e.api.getSelectedNodes().flatMap((n) => (n.data ? [n.data.id] : [])));
  }, []);

  // Marked, cleared or deleted elsewhere: the grid's own marks follow.
  const selection = useGrid((s) => s.selection);
  useEffect(() => {
    const grid = api.current;
    if (!grid) return;
    const wanted = new Set(selection);
    const marked = grid.getSelectedNodes();
    if (marked.length === wanted.size && marked.every((n) => n.data && wanted.has(n.data.id))) return;
    const nodes = selection.flatMap((id) => grid.getRowNode(id) ?? []);
    if (nodes.length === 0 && marked.length === 0) return;
    grid.setNodesSelected({
      nodes: marked.filter((n) => !n.data || !wanted.has(n.data.id)),
      newValue: false,
    });
    grid.setNodesSelected({ nodes, newValue: true });
  }, [selection]);

  const onResize = useCallback(
    (e: ColumnResizedEvent<Row>) => {
      if (!e.finished || e.source !== "uiColumnResized" || !e.column || !canManage) return;
      const id = e.column.getColId();
      const width = Math.min(2000, Math.round(e.column.getActualWidth()));
      useGrid.getState().setColumns((list) => list.map((c) => (c.id === id ? { ...c, width } : c)));
      patchColumn(workspaceId, tableId, id, { width }).catch(() => undefined);
    },
    [workspaceId, tableId, canManage],
  );

  const onMove = useCallback(
    (e: ColumnMovedEvent<Row>) => {
      if (!e.finished || e.source !== "uiColumnMoved" || !e.column) return;
      const id = e.column.getColId();
      const shown = e.api.getAllDisplayedColumns().map((c) => c.getColId());
      const before = shown[shown.indexOf(id) - 1];
      void placeColumn(id, before && columnById(before) ? before : null);
    },
    [columnById],
  );

  const paste = useCallback(
    (text: string) => {
      const grid = api.current;
      const focus = grid?.getFocusedCell();
      if (!grid || !focus) return;
      const shown = grid.getAllDisplayedColumns().flatMap((c) => columnById(c.getColId()) ?? []);
      const start = shown.findIndex((c) => c.id === focus.column.getColId());
      if (start < 0) return;
      const block = parseTsv(text);
      const changes: CellChange[] = [];
      let faults = 0;
      let outside = 0;
      block.forEach((line, dy) => {
        const row = grid.getDisplayedRowAtIndex(focus.rowIndex + dy)?.data;
        if (!row) {
          outside++;
          return;
        }
        line.forEach((raw, dx) => {
          const column = shown[start + dx];
          if (!column) return;
          const parsed = parseValue(raw, column.type);
          if (!parsed.ok) faults++;
          else
            changes.push({
              recordId: row.id,
              columnId: column.id,
              before: row.data[column.id] ?? null,
              after: parsed.value,
            });
        });
      });
      useGrid.getState().edit(`paste of ${changes.length} cells`, changes);
      if (faults > 0)
        toast(
          "warning",
          `${faults} pasted values do not fit their column`,
          "Those cells were left as they were.",
        );
      if (outside > 0)
        toast(
          "info",
          `${outside} pasted rows lie beyond the last loaded row`,
          "Add rows first, then paste again.",
        );
    },
    [columnById],
  );

  const copy = useCallback((): string | null => {
    const grid = api.current;
    if (!grid) return null;
    const shown = grid.getAllDisplayedColumns().flatMap((c) => columnById(c.getColId()) ?? []);
    const marked = grid.getSelectedNodes().flatMap((n) => n.data ?? []);
    if (marked.length > 0)
      return toTsv([
        shown.map((c) => c.name),
        ...marked.map((r) => shown.map((c) => plainValue(r.data[c.id]))),
      ]);
    const focus = grid.getFocusedCell();
    const row = focus ? grid.getDisplayedRowAtIndex(focus.rowIndex)?.data : undefined;
    return focus && row ? plainValue(row.data[focus.column.getColId()]) : null;
  }, [columnById]);

  useEffect(() => {
    const node = frame.current;
    if (!node) return;
    const inside = () => node.contains(document.activeElement) && !isTyping(document.activeElement);
    const onCopy = (e: ClipboardEvent) => {
      if (!inside() || document.getSelection()?.toString()) return;
      const text = copy();
      if (text === null) return;
      e.preventDefault();
      e.clipboardData?.setData("text/plain", text);
    };
    const onPaste = (e: ClipboardEvent) => {
      if (!canEdit || !inside()) return;
      e.preventDefault();
      paste(e.clipboardData?.getData("text/plain") ?? "");
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [canEdit, copy, paste]);

  const onReady = useCallback((e: GridReadyEvent<Row>) => {
    api.current = e.api;
    // A scrolling region must be reachable by keyboard, and what can have focus needs a true role: each
    // viewport takes over the row group's from the container within it.
    for (const part of ["center-cols", "header"]) {
      const viewport = frame.current?.querySelector<HTMLElement>(`.ag-${part}-viewport`);
      if (!viewport) continue;
      viewport.tabIndex = 0;
      viewport.setAttribute("role", "rowgroup");
      viewport.querySelector(`.ag-${part}-container`)?.setAttribute("role", "presentation");
    }
  }, []);

  return (
    <div className="grid-frame ag-theme-alpine" ref={frame} data-testid="grid">
      {loadFault && (
        <div className="notice error grid-fault" role="alert">
          <span className="grow">Some rows could not be loaded: {loadFault}</span>
          <button type="button" className="btn small" onClick={retry}>
            Try again
          </button>
        </div>
      )}
      <AgGridReact<Row>
        onGridReady={onReady}
        rowModelType="infinite"
        datasource={source}
        cacheBlockSize={BLOCK}
        maxBlocksInCache={10}
        maxConcurrentDatasourceRequests={2}
        blockLoadDebounceMillis={80}
        infiniteInitialRowCount={1}
        columnDefs={columnDefs}
        context={context}
        getRowId={(p) => p.data.id}
        rowHeight={37}
        headerHeight={40}
        rowBuffer={12}
        animateRows={false}
        readOnlyEdit
        stopEditingWhenCellsLoseFocus
        enterNavigatesVerticallyAfterEdit
        suppressDragLeaveHidesColumns
        suppressMovableColumns={!canManage}
        preventDefaultOnContextMenu
        suppressScrollOnNewData
        rowSelection={{
          mode: "multiRow",
          checkboxes: true,
          headerCheckbox: false,
          enableClickSelection: false,
        }}
        selectionColumnDef={SELECTION}
        onCellEditRequest={onEdit}
        onCellKeyDown={(e) => "column" in e && onKey(e as CellKeyDownEvent<Row>)}
        onCellContextMenu={onContext}
        onSelectionChanged={onSelect}
        onBodyScrollEnd={() => refreshShown.current()}
        onColumnResized={onResize}
        onColumnMoved={onMove}
        suppressNoRowsOverlay
      />
      {empty && !loadFault && (
        <div className="grid-empty" role="status">
          {filter ? "No row matches the filter." : "This table has no rows yet."}
        </div>
      )}
    </div>
  );
}
