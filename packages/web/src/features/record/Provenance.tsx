// Why a cell says what it says: value, provider, source, confidence, cost, and everybody who was asked.
import { useLayoutEffect, useRef } from "react";
import { createPortal } from "react-dom";
import type { Attempt, CellStatus, Column } from "../../api/types";
import { creditCount, credits, dateTime, percent } from "../../lib/format";
import { useDismiss, useLoad } from "../../lib/hooks";
import { useCatalogue } from "../../stores/catalogue";
import { getRow } from "../../stores/grid";
import { Icon } from "../../ui/Icon";
import { outcomeName, outcomeTone } from "../enrichment/outcome";
import { SourceBadge } from "../provider/SourceBadge";
import { getProvenance } from "./api";
import { colourOf } from "./cell";
import { formatValue } from "./values";
import "./provenance.css";

interface Props {
  workspaceId: string;
  tableId: string;
  recordId: string;
  column: Column;
  at: DOMRect;
  onClose: () => void;
}

const STATUS_TEXT: Readonly<Record<CellStatus, string>> = {
  empty: "Nothing here yet",
  queued: "Waiting for its turn",
  running: "Providers are being asked",
  complete: "Found",
  not_found: "Nobody had an answer",
  failed: "Failed",
  manual: "Entered by hand",
};

function Step({ attempt, n }: { attempt: Attempt; n: number }) {
  const provider = useCatalogue((s) => s.providers.find((p) => p.slug === attempt.provider));
  const tone = outcomeTone(attempt.outcome);
  return (
    <li className={`attempt ${tone}`}>
      <span className="attempt-no num">{n}</span>
      <span className="grow">
        <b>{attempt.providerName ?? provider?.name ?? attempt.provider}</b>
        <span className="muted"> {outcomeName(attempt.outcome)}</span>
        {attempt.error && <span className="attempt-error">{attempt.error}</span>}
      </span>
      <span className="muted num attempt-facts">
        {attempt.cached
          ? "from cache"
          : attempt.latencyMs != null
            ? `${Math.round(attempt.latencyMs)} ms`
            : ""}
        {" · "}
        {attempt.credits === 0 ? "free" : `${credits(attempt.credits)} cr`}
      </span>
    </li>
  );
}

export function Provenance({ workspaceId, tableId, recordId, column, at, onClose }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const before = useRef(document.activeElement as HTMLElement | null);
  const row = getRow(recordId);
  const status = row?.cells?.[column.id]?.status;
  const { data, error, loading, reload } = useLoad(`${recordId}:${column.id}:${status}`, () =>
    getProvenance(workspaceId, tableId, recordId),
  );
  const providers = useCatalogue((s) => s.providers);
  const dismiss = () => {
    onClose();
    before.current?.focus?.();
  };
  useDismiss(ref, dismiss);

  // biome-ignore lint/correctness/useExhaustiveDependencies: its size changes when the data comes
  useLayoutEffect(() => {
    const node = ref.current;
    if (!node) return;
    const r = node.getBoundingClientRect();
    const below = at.bottom + 6 + r.height < window.innerHeight;
    node.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - r.width - 8))}px`;
    node.style.top = `${Math.max(8, below ? at.bottom + 6 : at.top - r.height - 6)}px`;
    if (!node.contains(document.activeElement)) node.focus();
  }, [at, data, error]);

  const cell = data?.cells[column.id];
  const provider = cell?.provider ? providers.find((p) => p.slug === cell.provider) : undefined;
  const source = cell?.source ?? provider?.source;
  const value = formatValue(row?.data[column.id], column.type, column.key);
  const shown = (cell?.status ?? status ?? "empty") as CellStatus;
  const attempts = cell?.attempts ?? [];
  return createPortal(
    <div
      className="provenance"
      role="dialog"
      aria-label={`Where ${column.name} came from`}
      data-testid="provenance"
      ref={ref}
      tabIndex={-1}
    >
      <div className="row between">
        <span className="muted">{column.name}</span>
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={dismiss}>
          <Icon name="x" size={16} />
        </button>
      </div>
      <p className="provenance-value">{value || STATUS_TEXT[shown]}</p>
      {error ? (
        <p className="notice error" role="alert">
          <span className="grow">Its history could not be loaded.</span>
          <button type="button" className="link" onClick={reload}>
            Try again
          </button>
        </p>
      ) : loading && !data ? (
        <div className="skeleton" style={{ height: 90 }} />
      ) : !cell || (!cell.provider && attempts.length === 0 && !cell.error && !cell.updatedAt) ? (
        <p className="muted">
          {value ? "Came with the imported file." : "No provider has been asked for this cell."}
        </p>
      ) : (
        <>
          {(cell.provider || source) && (
            <p className="row wrap provenance-by">
              <span
                className="provenance-dot"
                style={{ background: cell.provider ? colourOf(cell.provider) : undefined }}
              />
              <b>{cell.providerName ?? provider?.name ?? cell.provider}</b>
              <SourceBadge source={source} />
            </p>
          )}
          {source === "sandbox" && (
            <p className="provenance-note">
              This answer was played by Millrace's sandbox from shipped demo data. The real provider was not
              asked.
            </p>
          )}
          <dl className="provenance-facts">
            <div>
              <dt>Status</dt>
              <dd>{STATUS_TEXT[shown]}</dd>
            </div>
            {cell.confidence != null && (
              <div>
                <dt>Confidence</dt>
                <dd className="num">{percent(cell.confidence)}</dd>
              </div>
            )}
            {cell.costCredits != null && (
              <div>
                <dt>Cost</dt>
                <dd className="num">{cell.costCredits === 0 ? "free" : creditCount(cell.costCredits)}</dd>
              </div>
            )}
            {cell.updatedAt && (
              <div>
                <dt>When</dt>
                <dd>{dateTime(cell.updatedAt)}</dd>
              </div>
            )}
          </dl>
          {cell.error && <p className="notice error">{cell.error}</p>}
          {attempts.length > 0 && (
            <>
              <h3 className="provenance-title">Asked in this order</h3>
              <ol className="attempts">
                {attempts.map((a, i) => (
                  <Step key={a.idempotencyKey ?? i} attempt={a} n={i + 1} />
                ))}
              </ol>
            </>
          )}
          {attempts.length === 0 && shown === "manual" && (
            <p className="muted">Somebody typed or imported this value; no provider was asked.</p>
          )}
        </>
      )}
    </div>,
    document.body,
  );
}
