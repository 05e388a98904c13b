// The workspace's tables. Empty, it is the door to the main job: drop a CSV, or try the sample.
import { lazy, Suspense, useState } from "react";
import { Link, useNavigate } from "react-router";
import { describe } from "../../api/envelope";
import type { TableSummary } from "../../api/types";
import { Topbar } from "../../app/Topbar";
import { ago, plural } from "../../lib/format";
import { useLoad, useTitle } from "../../lib/hooks";
import { toast } from "../../stores/ui";
import { useActiveWorkspace } from "../../stores/workspace";
import { ConfirmDialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { below, Menu, type MenuAt } from "../../ui/Menu";
import { ErrorState, Skeleton } from "../../ui/States";
import { previewImport } from "../import/api";
import { FileDrop } from "../import/FileDrop";
import { runImport } from "../import/run";
import { SAMPLE_NAME, sampleFile } from "../import/sample";
import { useRole } from "../workspace/useRole";
import * as tableApi from "./api";
import { NameDialog } from "./NameDialog";
import "./tables.css";

const ImportDialog = lazy(() => import("../import/ImportDialog").then((m) => ({ default: m.ImportDialog })));

export function TablesPage() {
  useTitle("Tables");
  const workspace = useActiveWorkspace();
  const id = workspace?.id ?? "";
  const { can } = useRole();
  const navigate = useNavigate();
  const { data, error, loading, reload } = useLoad(id, () => tableApi.listTables(id));
  const [importing, setImporting] = useState<{ file: File | null } | null>(null);
  const [sampling, setSampling] = useState(false);
  const [menu, setMenu] = useState<{ at: MenuAt; table: TableSummary } | null>(null);
  const [renaming, setRenaming] = useState<TableSummary | null>(null);
  const [deleting, setDeleting] = useState<TableSummary | null>(null);
  const [creating, setCreating] = useState(false);
  const [busy, setBusy] = useState(false);

  const trySample = async () => {
    setSampling(true);
    try {
      const preview = await previewImport(id, null, sampleFile(), null);
      const status = await runImport(id, preview.importId, { tableName: SAMPLE_NAME }, () => undefined);
      navigate(`/w/${id}/tables/${status.tableId}`, { state: { suggest: "open" } });
    } catch (e) {
      toast("error", "The sample could not be loaded", describe(e));
      setSampling(false);
    }
  };

  const sampleButton = (primary: boolean) => (
    <button
      type="button"
      className={`btn ${primary ? "primary" : ""}`}
      disabled={sampling}
      onClick={() => void trySample()}
    >
      {sampling ? <span className="spinner" /> : <Icon name="spark" />}
      Try with sample companies
    </button>
  );

  const tables = data?.items ?? [];
  return (
    <main className="page">
      <Topbar>
        <span className="topbar-title">Tables</span>
      </Topbar>
      <div className="page-inner">
        <div className="page-head">
          <div>
            <h1>{tables.length === 0 ? "Let's fill some cells" : "Tables"}</h1>
            {tables.length === 0 && !loading && !error && (
              <p>
                Bring a list of companies or people. Millrace adds what is missing, and shows where each value
                is from.
              </p>
            )}
          </div>
          {can("import_csv") && tables.length > 0 && (
            <div className="row wrap">
              {sampleButton(false)}
              <button type="button" className="btn" onClick={() => setCreating(true)}>
                <Icon name="plus" /> Empty table
              </button>
              <button type="button" className="btn primary" onClick={() => setImporting({ file: null })}>
                <Icon name="upload" /> Import CSV
              </button>
            </div>
          )}
        </div>
        {error ? (
          <ErrorState error={error} onRetry={reload} />
        ) : loading && !data ? (
          <Skeleton />
        ) : tables.length === 0 ? (
          can("import_csv") ? (
            <FileDrop onFile={(file) => setImporting({ file })}>
              {sampleButton(true)}
              <button type="button" className="btn" onClick={() => setCreating(true)}>
                Start with an empty table
              </button>
            </FileDrop>
          ) : (
            <p className="muted">There are no tables yet. Ask a member of this workspace to import one.</p>
          )
        ) : (
          <ul className="tables">
            {tables.map((t) => (
              <li key={t.id} className="card table-card">
                <Link to={`/w/${id}/tables/${t.id}`} className="table-link">
                  <span className="table-glyph">
                    <Icon name="table" size={20} />
                  </span>
                  <span className="grow">
                    <b className="ellipsis">{t.name}</b>
                    <span className="muted num">
                      {t.rowCountIsEstimate ? "about " : ""}
                      {plural(t.rowCount, "row")}
                      {t.columns ? ` · ${plural(t.columns.length, "column")}` : ""} · changed{" "}
                      {ago(t.updatedAt)}
                    </span>
                  </span>
                </Link>
                {(can("manage_columns") || can("edit_workspace")) && (
                  <button
                    type="button"
                    className="btn ghost icon"
                    aria-label={`More about ${t.name}`}
                    aria-haspopup="menu"
                    onClick={(e) => setMenu({ at: below(e.currentTarget), table: t })}
                  >
                    <Icon name="dots" />
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      {menu && (
        <Menu
          at={menu.at}
          label={menu.table.name}
          onClose={() => setMenu(null)}
          items={[
            { label: "Rename", icon: "pencil", run: () => setRenaming(menu.table) },
            {
              label: "Delete table",
              icon: "trash",
              danger: true,
              disabled: !can("edit_workspace"),
              run: () => setDeleting(menu.table),
            },
          ]}
        />
      )}
      {renaming && (
        <NameDialog
          title="Rename table"
          label="Table name"
          action="Rename"
          initial={renaming.name}
          onClose={() => setRenaming(null)}
          onSubmit={async (name) => {
            await tableApi.renameTable(id, renaming.id, name);
            setRenaming(null);
            reload();
          }}
        />
      )}
      {creating && (
        <NameDialog
          title="Empty table"
          label="Table name"
          action="Create table"
          initial=""
          onClose={() => setCreating(false)}
          onSubmit={async (name) => {
            const t = await tableApi.createTable(id, name, [
              { name: "Company", type: "text", key: "company_name" },
              { name: "Website", type: "url", key: "website" },
            ]);
            navigate(`/w/${id}/tables/${t.id}`);
          }}
        />
      )}
      {deleting && (
        <ConfirmDialog
          danger
          busy={busy}
          title={`Delete ${deleting.name}?`}
          text={`Its ${plural(deleting.rowCount, "row")} and all their provenance are deleted for good.`}
          action="Delete table"
          onClose={() => setDeleting(null)}
          onConfirm={() => {
            setBusy(true);
            tableApi
              .deleteTable(id, deleting.id)
              .then(reload, (e: unknown) => toast("error", "The table could not be deleted", describe(e)))
              .finally(() => {
                setBusy(false);
                setDeleting(null);
              });
          }}
        />
      )}
      {importing && (
        <Suspense fallback={null}>
          <ImportDialog
            workspaceId={id}
            table={null}
            file={importing.file}
            onClose={() => {
              setImporting(null);
              reload();
            }}
            onDone={(tableId, status) => {
              if (status.rowsRejected > 0)
                toast(
                  "warning",
                  `${plural(status.rowsRejected, "row")} left out`,
                  status.faults?.[0]?.message,
                );
              navigate(`/w/${id}/tables/${tableId}`, { state: { suggest: "offer" } });
            }}
          />
        </Suspense>
      )}
    </main>
  );
}
