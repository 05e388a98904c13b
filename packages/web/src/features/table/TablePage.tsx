// One table: toolbar, grid, enrichment, and what can be done to rows and columns.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { ApiError, describe } from "../../api/envelope";
import type { Column } from "../../api/types";
import { NotFoundPage } from "../../app/NotFoundPage";
import { Topbar } from "../../app/Topbar";
import { download, fileName } from "../../lib/download";
import { count, plural } from "../../lib/format";
import { useTitle } from "../../lib/hooks";
import { useCatalogue } from "../../stores/catalogue";
import { currentFilter, getRow, useGrid } from "../../stores/grid";
import { toast } from "../../stores/ui";
import { ConfirmDialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { below, Menu, type MenuAt, type MenuItem } from "../../ui/Menu";
import { ErrorState, Loading } from "../../ui/States";
import { EnrichPanel, SuggestBar } from "../enrichment/EnrichPanel";
import { JobBar, useTableJob } from "../enrichment/JobBar";
import { ImportDialog } from "../import/ImportDialog";
import { exportTable } from "../record/api";
import { FilterPopover } from "../record/FilterPopover";
import { opsFor } from "../record/filter";
import { Provenance } from "../record/Provenance";
import RecordGrid, { type CellRef } from "../record/RecordGrid";
import { plainValue } from "../record/values";
import { useRole } from "../workspace/useRole";
import { AddColumnDialog } from "./AddColumnDialog";
import { removeColumn, renameColumn, retypeColumn, setHidden } from "./columns";
import { NameDialog } from "./NameDialog";
import { SaveState } from "./SaveState";
import { TYPE_NAMES } from "./types";
import { useTableEvents } from "./useTableEvents";
import "./table.css";

type Panel = { start: { columnId: string } | "suggested" | null; key: number } | null;

export default function TablePage() {
  const { workspaceId = "", tableId = "" } = useParams();
  return <OpenTable key={tableId} workspaceId={workspaceId} tableId={tableId} />;
}

function OpenTable({ workspaceId, tableId }: { workspaceId: string; tableId: string }) {
  const location = useLocation();
  const navigate = useNavigate();
  const { can } = useRole();
  const table = useGrid((s) => s.table);
  const columns = useGrid((s) => s.columns);
  const error = useGrid((s) => s.error);
  const total = useGrid((s) => s.total);
  const totalIsEstimate = useGrid((s) => s.totalIsEstimate);
  const selection = useGrid((s) => s.selection);
  const rules = useGrid((s) => s.rules);
  const sort = useGrid((s) => s.sort);
  const streamUp = useGrid((s) => s.streamUp);
  const canUndo = useGrid((s) => s.undo.past.length > 0);
  const providers = useCatalogue((s) => s.providers);
  const [openedAt] = useState(() => Date.now() - 3000);
  const [suggestion, setSuggestion] = useState<string | null>(
    () => (location.state as { suggest?: string } | null)?.suggest ?? null,
  );
  const [panel, setPanel] = useState<Panel>(suggestion === "open" ? { start: "suggested", key: 0 } : null);
  const [menu, setMenu] = useState<{ at: MenuAt; label: string; items: MenuItem[] } | null>(null);
  const [filterAt, setFilterAt] = useState<MenuAt | null>(null);
  const [provenance, setProvenance] = useState<(CellRef & { at: DOMRect }) | null>(null);
  const [importing, setImporting] = useState(false);
  const [addingColumn, setAddingColumn] = useState(false);
  const [renaming, setRenaming] = useState<Column | null>(null);
  const [deletingColumn, setDeletingColumn] = useState<Column | null>(null);
  const [deletingRows, setDeletingRows] = useState<string[] | null>(null);
  const [exporting, setExporting] = useState(false);
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const job = useTableJob(tableId, openedAt, dismissed);
  useTitle(table?.name ?? "Table");

  useEffect(() => {
    void useGrid.getState().open(workspaceId, tableId);
    return () => useGrid.getState().close();
  }, [workspaceId, tableId]);
  useTableEvents(workspaceId, tableId);

  // The suggestion is for this arrival only, not for coming back or reloading.
  useEffect(() => {
    if (location.state) navigate(location.pathname, { replace: true, state: null });
  }, [location, navigate]);

  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      const el = document.activeElement;
      if (
        el instanceof HTMLElement &&
        /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) &&
        !el.closest(".ag-checkbox")
      )
        return;
      if (!(e.ctrlKey || e.metaKey) || e.altKey) return;
      const k = e.key.toLowerCase();
      if (k === "z" && !e.shiftKey) {
        e.preventDefault();
        useGrid.getState().undoLast();
      } else if (k === "y" || (k === "z" && e.shiftKey)) {
        e.preventDefault();
        useGrid.getState().redoLast();
      }
    };
    const onLeave = (e: BeforeUnloadEvent) => {
      if (Object.keys(useGrid.getState().pending).length === 0) return;
      void useGrid.getState().flush();
      e.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    window.addEventListener("beforeunload", onLeave);
    return () => {
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("beforeunload", onLeave);
    };
  }, []);

  const providerName = useCallback(
    (slug: string) => providers.find((p) => p.slug === slug)?.name ?? slug,
    [providers],
  );
  const panelKey = useRef(1);
  const openEnrich = useCallback((start: NonNullable<Panel>["start"]) => {
    setSuggestion(null);
    setPanel({ start, key: panelKey.current++ });
  }, []);

  const doExport = useCallback(
    async (format: "csv" | "jsonl", ids: string[] | null, provenance = false) => {
      setExporting(true);
      try {
        await useGrid.getState().flush();
        const filter = currentFilter(useGrid.getState());
        const blob = await exportTable(workspaceId, tableId, {
          format,
          ids: ids ? ids.join(",") : undefined,
          filter: !ids && filter ? JSON.stringify(filter) : undefined,
          provenance: provenance ? "1" : undefined,
        });
        const name = useGrid.getState().table?.name ?? "table";
        download(blob, fileName(name, format));
        toast("success", "Export ready", fileName(name, format));
      } catch (e) {
        toast("error", "The export failed", describe(e));
      } finally {
        setExporting(false);
      }
    },
    [workspaceId, tableId],
  );

  const hideMenuFor = useCallback((c: Column) => {
    void setHidden(c.id, true);
    toast("info", `${c.name} is hidden`, undefined, {
      label: "Show it again",
      run: () => void setHidden(c.id, false),
    });
  }, []);

  const columnMenu = useCallback(
    (c: Column, at: MenuAt) => {
      const manage = can("manage_columns");
      const items: MenuItem[] = [
        { title: `${TYPE_NAMES[c.type]} · ${c.key}` },
        ...(can("run_enrichment")
          ? [
              {
                label: "Enrich this column",
                icon: "spark" as const,
                run: () => openEnrich({ columnId: c.id }),
              },
            ]
          : []),
        "separator",
        {
          label: "Sort ascending",
          icon: "up",
          run: () => useGrid.getState().setSort([{ column: c.id, direction: "asc" }]),
        },
        {
          label: "Sort descending",
          icon: "down",
          run: () => useGrid.getState().setSort([{ column: c.id, direction: "desc" }]),
        },
        {
          label: "Filter by this column",
          icon: "filter",
          run: () => {
            const s = useGrid.getState();
            s.setRules([...s.rules, { column: c.id, op: opsFor(c.type)[0] ?? "contains", value: "" }]);
            setFilterAt(at);
          },
        },
      ];
      if (manage)
        items.push(
          "separator",
          { label: "Rename", icon: "pencil", run: () => setRenaming(c) },
          {
            label: "Change type",
            icon: c.type,
            end: TYPE_NAMES[c.type],
            run: () =>
              setMenu({
                at,
                label: `Type of ${c.name}`,
                items: [
                  { title: "Values that do not fit are kept as text" },
                  ...(Object.keys(TYPE_NAMES) as Column["type"][]).map((t) => ({
                    label: TYPE_NAMES[t],
                    icon: t,
                    checked: t === c.type,
                    run: () => {
                      if (t !== c.type) void retypeColumn(c.id, t);
                    },
                  })),
                ],
              }),
          },
          { label: "Hide", icon: "eyeOff", run: () => hideMenuFor(c) },
          "separator",
          { label: "Delete column", icon: "trash", danger: true, run: () => setDeletingColumn(c) },
        );
      setMenu({ at, label: c.name, items });
    },
    [can, openEnrich, hideMenuFor],
  );

  const cellMenu = useCallback(
    (cell: CellRef, at: MenuAt) => {
      const s = useGrid.getState();
      const row = getRow(cell.recordId);
      const column = s.columns.find((c) => c.id === cell.columnId);
      const ids = s.selection.includes(cell.recordId) ? s.selection : [cell.recordId];
      const items: MenuItem[] = [];
      if (column && row) {
        items.push({
          label: "Where did this come from?",
          icon: "info",
          run: () => setProvenance({ ...cell, at: new DOMRect(at.x, at.y, 1, 1) }),
        });
        items.push({
          label: "Copy value",
          icon: "copy",
          run: () => {
            const text = plainValue(row.data[column.id]);
            if (navigator.clipboard) void navigator.clipboard.writeText(text);
            else toast("warning", "The browser does not let this page copy", "Use Ctrl+C on the cell.");
          },
        });
        if (can("edit_records"))
          items.push({
            label: "Clear value",
            icon: "x",
            disabled: row.data[column.id] === null || row.data[column.id] === undefined,
            run: () =>
              s.edit(`clearing of ${column.name}`, [
                { recordId: row.id, columnId: column.id, before: row.data[column.id] ?? null, after: null },
              ]),
          });
        items.push("separator");
      }
      if (can("run_enrichment"))
        items.push({
          label: `Enrich ${ids.length > 1 ? plural(ids.length, "row") : "this row"}`,
          icon: "spark",
          run: () => {
            s.setSelection(ids);
            const empty = column && (row?.data[column.id] ?? null) === null;
            openEnrich(empty ? { columnId: column.id } : null);
          },
        });
      items.push({
        label: `Export ${ids.length > 1 ? plural(ids.length, "row") : "this row"}`,
        icon: "download",
        run: () => void doExport("csv", ids),
      });
      if (can("delete_records"))
        items.push("separator", {
          label: `Delete ${ids.length > 1 ? plural(ids.length, "row") : "row"}`,
          icon: "trash",
          danger: true,
          run: () => setDeletingRows(ids),
        });
      setMenu({ at, label: "Row", items });
    },
    [can, doExport, openEnrich],
  );

  const hidden = useMemo(() => columns.filter((c) => c.hidden), [columns]);

  if (error)
    return error instanceof ApiError && error.status === 404 ? (
      <NotFoundPage />
    ) : (
      <ErrorState error={error} onRetry={() => void useGrid.getState().open(workspaceId, tableId)} />
    );
  if (!table || table.id !== tableId) return <Loading label="Opening the table" />;
  const provenanceColumn = provenance ? columns.find((c) => c.id === provenance.columnId) : undefined;

  return (
    <>
      <main className="table-page">
        <Topbar>
          <Link className="crumb" to={`/w/${workspaceId}`}>
            Tables
          </Link>
          <span className="muted" aria-hidden="true">
            /
          </span>
          <h1 className="topbar-title ellipsis">{table.name}</h1>
        </Topbar>

        <div className="toolbar" role="toolbar" aria-label="Table">
          <button
            type="button"
            className={`btn small${rules.length > 0 ? " on" : ""}`}
            aria-haspopup="dialog"
            onClick={(e) => setFilterAt(filterAt ? null : below(e.currentTarget))}
          >
            <Icon name="filter" size={16} /> Filter
            {rules.length > 0 && <span className="badge good num">{rules.length}</span>}
          </button>
          {sort.map((s) => {
            const c = columns.find((x) => x.id === s.column);
            return (
              <button
                key={s.column}
                type="button"
                className="btn small on"
                title="Stop sorting by this column"
                onClick={() => useGrid.getState().setSort(sort.filter((x) => x.column !== s.column))}
              >
                <Icon name={s.direction === "asc" ? "up" : "down"} size={15} />
                {c?.name}
                <Icon name="x" size={14} />
              </button>
            );
          })}
          {hidden.length > 0 && (
            <button
              type="button"
              className="btn small"
              aria-haspopup="menu"
              onClick={(e) =>
                setMenu({
                  at: below(e.currentTarget),
                  label: "Hidden columns",
                  items: hidden.map((c) => ({
                    label: `Show ${c.name}`,
                    icon: "eye",
                    run: () => void setHidden(c.id, false),
                  })),
                })
              }
            >
              <Icon name="eyeOff" size={16} /> {hidden.length} hidden
            </button>
          )}
          {can("add_records") && (
            <button
              type="button"
              className="btn small"
              onClick={() => {
                void useGrid
                  .getState()
                  .addRows([{ data: {} }])
                  .then((done) => done && toast("success", "A row was added at the end"));
              }}
            >
              <Icon name="plus" size={16} /> Row
            </button>
          )}
          {can("manage_columns") && (
            <button type="button" className="btn small" onClick={() => setAddingColumn(true)}>
              <Icon name="plus" size={16} /> Column
            </button>
          )}
          {can("edit_records") && (
            <button
              type="button"
              className="btn small icon"
              aria-label="Undo"
              title="Undo (Ctrl+Z)"
              disabled={!canUndo}
              onClick={() => useGrid.getState().undoLast()}
            >
              <Icon name="undo" size={16} />
            </button>
          )}
          <span className="grow" />
          {selection.length > 0 && (
            <>
              <span className="muted num">{plural(selection.length, "row")} selected</span>
              {can("delete_records") && (
                <button type="button" className="btn small danger" onClick={() => setDeletingRows(selection)}>
                  <Icon name="trash" size={16} /> Delete
                </button>
              )}
            </>
          )}
          {can("import_csv") && (
            <button type="button" className="btn small" onClick={() => setImporting(true)}>
              <Icon name="upload" size={16} /> Import
            </button>
          )}
          {can("export_csv") && (
            <button
              type="button"
              className="btn small"
              aria-haspopup="menu"
              disabled={exporting}
              onClick={(e) =>
                setMenu({
                  at: below(e.currentTarget),
                  label: "Export",
                  items: [
                    { title: rules.length > 0 ? "Rows of the filter" : "All rows" },
                    { label: "CSV", icon: "file", run: () => void doExport("csv", null) },
                    {
                      label: "CSV with sources",
                      icon: "info",
                      run: () => void doExport("csv", null, true),
                    },
                    { label: "JSON Lines", icon: "json", run: () => void doExport("jsonl", null) },
                    ...(selection.length > 0
                      ? ([
                          "separator",
                          { title: plural(selection.length, "selected row") },
                          {
                            label: "CSV of the selection",
                            icon: "file",
                            run: () => void doExport("csv", selection),
                          },
                          {
                            label: "JSON Lines of the selection",
                            icon: "json",
                            run: () => void doExport("jsonl", selection),
                          },
                        ] as MenuItem[])
                      : []),
                  ],
                })
              }
            >
              {exporting ? <span className="spinner" /> : <Icon name="download" size={16} />} Export
            </button>
          )}
          {can("run_enrichment") && (
            <button
              type="button"
              className="btn small primary"
              data-testid="open-enrich"
              aria-expanded={panel !== null}
              onClick={() => openEnrich(null)}
            >
              <Icon name="spark" size={16} /> Enrich
            </button>
          )}
        </div>

        {suggestion === "offer" && !panel && !job && can("run_enrichment") && (
          <SuggestBar onAccept={() => openEnrich("suggested")} onDismiss={() => setSuggestion(null)} />
        )}
        {job && <JobBar job={job} onDismiss={() => setDismissed(new Set([...dismissed, job.id]))} />}

        <RecordGrid
          workspaceId={workspaceId}
          tableId={tableId}
          canEdit={can("edit_records")}
          canManage={can("manage_columns")}
          providerName={providerName}
          onCellMenu={cellMenu}
          onColumnMenu={columnMenu}
          onProvenance={(cell, at) => setProvenance({ ...cell, at })}
        />

        <footer className="statusbar">
          <span className="num">
            {total === null ? "" : `${totalIsEstimate ? "about " : ""}${plural(total, "row")}`}
            {rules.length > 0 && total !== null ? " match" : ""} · {count(columns.length)} columns
          </span>
          <span className="grow" />
          <SaveState />
          <span
            className={`live${streamUp ? " up" : ""}`}
            title={streamUp ? "Changes appear as they happen" : "Asking every few seconds"}
          >
            {streamUp ? "Live" : "Connecting"}
          </span>
        </footer>
      </main>

      {panel && (
        <EnrichPanel
          key={panel.key}
          workspaceId={workspaceId}
          tableId={tableId}
          start={panel.start}
          onClose={() => setPanel(null)}
          onStarted={() => setPanel(null)}
        />
      )}
      {menu && <Menu at={menu.at} label={menu.label} items={menu.items} onClose={() => setMenu(null)} />}
      {filterAt && <FilterPopover at={filterAt} onClose={() => setFilterAt(null)} />}
      {provenance && provenanceColumn && (
        <Provenance
          workspaceId={workspaceId}
          tableId={tableId}
          recordId={provenance.recordId}
          column={provenanceColumn}
          at={provenance.at}
          onClose={() => setProvenance(null)}
        />
      )}
      {importing && (
        <ImportDialog
          workspaceId={workspaceId}
          table={{ id: tableId, name: table.name, columns }}
          file={null}
          onClose={() => setImporting(false)}
          onDone={(_, status) => {
            setImporting(false);
            toast("success", `${plural(status.rowsImported, "row")} imported`);
            void useGrid.getState().reloadTable();
          }}
        />
      )}
      {addingColumn && <AddColumnDialog onClose={() => setAddingColumn(false)} />}
      {renaming && (
        <NameDialog
          title="Rename column"
          label="Column name"
          action="Rename"
          initial={renaming.name}
          onClose={() => setRenaming(null)}
          onSubmit={async (name) => {
            setRenaming(null);
            await renameColumn(renaming.id, name);
          }}
        />
      )}
      {deletingColumn && (
        <ConfirmDialog
          danger
          title={`Delete ${deletingColumn.name}?`}
          text="All its values and their provenance are deleted for good."
          action="Delete column"
          onClose={() => setDeletingColumn(null)}
          onConfirm={() => {
            void removeColumn(deletingColumn.id);
            setDeletingColumn(null);
          }}
        />
      )}
      {deletingRows && (
        <ConfirmDialog
          danger
          title={`Delete ${plural(deletingRows.length, "row")}?`}
          text="This cannot be undone."
          action="Delete"
          onClose={() => setDeletingRows(null)}
          onConfirm={() => {
            void useGrid.getState().deleteRows(deletingRows);
            setDeletingRows(null);
          }}
        />
      )}
    </>
  );
}
