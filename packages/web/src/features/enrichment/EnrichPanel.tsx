// Sets up an enrichment: what to fill, whom to ask in which order, for which rows, and what it will
// cost. Nothing is spent before the quote has been seen and Run pressed.
import { useEffect, useMemo, useRef, useState } from "react";
import { ApiError, describe } from "../../api/envelope";
import type { Estimate, Job, JobRequest } from "../../api/types";
import { count, credits, plural } from "../../lib/format";
import { useDebounced } from "../../lib/hooks";
import { useCatalogue } from "../../stores/catalogue";
import { currentFilter, useGrid } from "../../stores/grid";
import { useJobs } from "../../stores/job";
import { useActiveWorkspace, useWorkspace } from "../../stores/workspace";
import { Icon } from "../../ui/Icon";
import { createColumn, removeColumn } from "../table/columns";
import * as jobApi from "./api";
import { cellBounds } from "./cost";
import { availableInputs, canFeed, fieldOf, suggest, waterfallFor } from "./suggest";
import { Waterfall } from "./Waterfall";
import { gatherWarnings } from "./warnings";
import "./enrichment.css";

export interface Target {
  columnId: string;
  output: string;
  waterfall: string[];
}

type Scope = "all" | "selected" | "filter";

interface Props {
  workspaceId: string;
  tableId: string;
  /** A column to start with, or "suggested" for the whole sensible set. */
  start: { columnId: string } | "suggested" | null;
  onClose: () => void;
  onStarted: (job: Job) => void;
}

export function buildRequest(
  tableId: string,
  targets: readonly Target[],
  opts: {
    onlyIfEmpty: boolean;
    minConfidence: number;
    budget: number | null;
    recordIds?: string[];
    filter?: JobRequest["filter"];
  },
): JobRequest {
  const request: JobRequest = {
    tableId,
    fields: targets.map((t) => ({
      columnId: t.columnId,
      output: t.output,
      waterfall: t.waterfall,
      onlyIfEmpty: opts.onlyIfEmpty,
      ...(opts.minConfidence > 0 ? { minConfidence: opts.minConfidence } : {}),
    })),
  };
  if (opts.recordIds) request.recordIds = opts.recordIds;
  if (opts.filter) request.filter = opts.filter;
  if (opts.budget !== null) request.budget = opts.budget;
  return request;
}

export function EnrichPanel({ workspaceId, tableId, start, onClose, onStarted }: Props) {
  const { providers, fields, loaded } = useCatalogue();
  const columns = useGrid((s) => s.columns);
  const selection = useGrid((s) => s.selection);
  const total = useGrid((s) => s.total);
  const rules = useGrid((s) => s.rules);
  const match = useGrid((s) => s.match);
  const workspace = useActiveWorkspace();
  const filter = useMemo(() => currentFilter({ rules, match, columns }), [rules, match, columns]);

  const [targets, setTargets] = useState<Target[]>([]);
  const [open, setOpen] = useState<string | null>(null);
  const [preparing, setPreparing] = useState(false);
  const [onlyIfEmpty, setOnlyIfEmpty] = useState(true);
  const [minConfidence, setMinConfidence] = useState(0);
  const [budget, setBudget] = useState("");
  const [scope, setScope] = useState<Scope>(selection.length > 0 ? "selected" : filter ? "filter" : "all");
  const [quote, setQuote] = useState<{ key: string; estimate: Estimate | null; fault: string | null } | null>(
    null,
  );
  const [running, setRunning] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  /** Columns added by this panel: taken away again when it is closed without a run. */
  const created = useRef(new Set<string>());
  const started = useRef(false);

  const available = useMemo(() => availableInputs(columns, fields), [columns, fields]);
  const unusable = useMemo(
    () => new Set(providers.filter((p) => !canFeed(p, available)).map((p) => p.slug)),
    [providers, available],
  );
  const fillable = useMemo(
    () => fields.filter((f) => providers.some((p) => p.outputs.includes(f.key))),
    [fields, providers],
  );
  const columnOf = (id: string) => columns.find((c) => c.id === id);
  const nameOfField = (key: string) => fields.find((f) => f.key === key)?.name ?? key;

  const addField = async (key: string): Promise<Target | null> => {
    const existing = useGrid.getState().columns.find((c) => fieldOf(c, fields) === key);
    const waterfall = waterfallFor(key, providers, available);
    if (existing) return { columnId: existing.id, output: key, waterfall };
    const field = fields.find((f) => f.key === key);
    const made = await createColumn({ name: field?.name ?? key, type: field?.type ?? "text", key });
    created.current.add(made.id);
    return { columnId: made.id, output: key, waterfall };
  };

  const addFields = async (keys: string[]) => {
    setPreparing(true);
    setFault(null);
    try {
      for (const key of keys) {
        const target = await addField(key);
        if (target)
          setTargets((list) => (list.some((t) => t.columnId === target.columnId) ? list : [...list, target]));
      }
    } catch (error) {
      setFault(describe(error));
    } finally {
      setPreparing(false);
    }
  };

  // Start once the catalogue is there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once, when the catalogue has come
  useEffect(() => {
    if (!loaded || started.current) return;
    started.current = true;
    if (start === "suggested") void addFields(suggest(columns, providers, fields).map((s) => s.key));
    else if (start) {
      const column = columnOf(start.columnId);
      const key = column ? fieldOf(column, fields) : null;
      if (column) {
        const output = key && providers.some((p) => p.outputs.includes(key)) ? key : "";
        setTargets([
          {
            columnId: column.id,
            output,
            waterfall: output ? waterfallFor(output, providers, available) : [],
          },
        ]);
        setOpen(column.id);
      }
    }
  }, [loaded]);

  const ready = targets.filter((t) => t.output && t.waterfall.length > 0);
  const incomplete = targets.length - ready.length;
  const budgetNumber = budget.trim() === "" ? null : Number(budget);
  const budgetBad = budgetNumber !== null && !(Number.isInteger(budgetNumber) && budgetNumber > 0);

  const request = useMemo(
    () =>
      ready.length === 0
        ? null
        : buildRequest(tableId, ready, {
            onlyIfEmpty,
            minConfidence,
            budget: budgetBad ? null : budgetNumber,
            recordIds: scope === "selected" ? selection : undefined,
            filter: scope === "filter" ? filter : undefined,
          }),
    [tableId, ready, onlyIfEmpty, minConfidence, budgetBad, budgetNumber, scope, selection, filter],
  );
  const key = request ? JSON.stringify(request) : "";
  const settledKey = useDebounced(key, 400);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is the whole request
  useEffect(() => {
    if (!settledKey || settledKey !== key || !request || preparing) return;
    const abort = new AbortController();
    jobApi.estimate(workspaceId, request, abort.signal).then(
      (estimate) => setQuote({ key: settledKey, estimate, fault: null }),
      (error: unknown) => {
        if (!abort.signal.aborted) setQuote({ key: settledKey, estimate: null, fault: describe(error) });
      },
    );
    return () => abort.abort();
  }, [settledKey, key, preparing]);

  const current = quote?.key === key ? quote : null;
  const estimate = current?.estimate ?? null;
  const availableCredits = workspace?.credits?.available ?? 0;
  const short =
    estimate !== null &&
    estimate.credits.max > availableCredits &&
    (budgetNumber ?? Infinity) > availableCredits;

  const close = () => {
    onClose();
    for (const id of created.current) void removeColumn(id);
    created.current.clear();
  };

  const run = async () => {
    if (!request) return;
    setRunning(true);
    setFault(null);
    try {
      await useGrid.getState().flush();
      const job = await jobApi.startJob(workspaceId, request);
      created.current.clear();
      useJobs.getState().merge(job);
      useGrid.getState().markQueued(
        ready.map((t) => t.columnId),
        scope === "selected" ? selection : null,
        onlyIfEmpty,
      );
      void useWorkspace.getState().refreshCredits();
      onStarted(job);
    } catch (error) {
      setFault(
        error instanceof ApiError && error.status === 402
          ? `Not enough credits: ${describe(error)} Lower the scope, or set a budget.`
          : describe(error),
      );
      setRunning(false);
    }
  };

  const update = (columnId: string, patch: Partial<Target>) =>
    setTargets((list) => list.map((t) => (t.columnId === columnId ? { ...t, ...patch } : t)));
  const remove = (columnId: string) => {
    setTargets((list) => list.filter((t) => t.columnId !== columnId));
    if (created.current.delete(columnId)) void removeColumn(columnId);
  };

  const suggestions = useMemo(
    () =>
      loaded
        ? suggest(columns, providers, fields).filter((s) => !targets.some((t) => t.output === s.key))
        : [],
    [loaded, columns, providers, fields, targets],
  );
  const rowsInScope = scope === "selected" ? selection.length : (total ?? 0);

  return (
    <aside className="drawer enrich" aria-label="Enrich">
      <div className="drawer-head">
        <h2>Enrich</h2>
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={close}>
          <Icon name="x" />
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="drawer-body stack" tabIndex={0} aria-label="Settings of the enrichment">
        <section>
          <h3 className="enrich-title">What to fill</h3>
          <ul className="targets">
            {targets.map((t) => {
              const column = columnOf(t.columnId);
              const candidates = providers.filter((p) => p.outputs.includes(t.output));
              const prices = t.waterfall.flatMap((s) => candidates.find((p) => p.slug === s)?.credits ?? []);
              const most = cellBounds(prices).max;
              const expanded = open === t.columnId;
              return (
                <li key={t.columnId} className="target">
                  <div className="row">
                    <button
                      type="button"
                      className="target-head"
                      aria-expanded={expanded}
                      onClick={() => setOpen(expanded ? null : t.columnId)}
                    >
                      <Icon name={expanded ? "down" : "right"} size={15} />
                      <span className="grow">
                        <b>{column?.name ?? nameOfField(t.output)}</b>
                        <span className="muted target-sub">
                          {t.waterfall.length === 0
                            ? t.output
                              ? "no provider chosen"
                              : "choose what to look for"
                            : `${t.waterfall
                                .map((s) => candidates.find((p) => p.slug === s)?.name ?? s)
                                .join(" → ")}`}
                        </span>
                      </span>
                      <span className="muted num target-cost">
                        {most === 0 ? "free" : `≤ ${credits(most)}`}
                      </span>
                    </button>
                    <button
                      type="button"
                      className="btn ghost icon small"
                      aria-label={`Do not fill ${column?.name ?? t.output}`}
                      onClick={() => remove(t.columnId)}
                    >
                      <Icon name="x" size={15} />
                    </button>
                  </div>
                  {expanded && (
                    <div className="stack tight target-body">
                      <label className="row">
                        <span className="muted">Look for</span>
                        <select
                          className="select small"
                          value={t.output}
                          onChange={(e) =>
                            update(t.columnId, {
                              output: e.target.value,
                              waterfall: waterfallFor(e.target.value, providers, available),
                            })
                          }
                        >
                          <option value="">Choose a field…</option>
                          {fillable.map((f) => (
                            <option key={f.key} value={f.key}>
                              {f.name}
                            </option>
                          ))}
                        </select>
                      </label>
                      {t.output && (
                        <Waterfall
                          value={t.waterfall}
                          candidates={candidates}
                          unusable={unusable}
                          onChange={(waterfall) => update(t.columnId, { waterfall })}
                        />
                      )}
                    </div>
                  )}
                </li>
              );
            })}
          </ul>
          {preparing && (
            <p className="muted row" role="status">
              <span className="spinner" /> Adding columns…
            </p>
          )}
          {targets.length === 0 && !preparing && suggestions.length > 0 && (
            <div className="suggest-card">
              <p>
                Fill <b>{suggestions.map((s) => nameOfField(s.key).toLowerCase()).join(", ")}</b>?
              </p>
              <button
                type="button"
                className="btn primary small"
                onClick={() => void addFields(suggestions.map((s) => s.key))}
              >
                <Icon name="spark" size={16} /> Use the suggested set
              </button>
            </div>
          )}
          <select
            className="select"
            aria-label="Add something to fill"
            value=""
            disabled={preparing}
            onChange={(e) => {
              const value = e.target.value;
              if (value.startsWith("new:")) {
                void addFields([value.slice(4)]);
              } else if (value) {
                const column = columnOf(value);
                const field = column ? (fieldOf(column, fields) ?? "") : "";
                const output = fillable.some((f) => f.key === field) ? field : "";
                setTargets((list) => [
                  ...list,
                  {
                    columnId: value,
                    output,
                    waterfall: output ? waterfallFor(output, providers, available) : [],
                  },
                ]);
                setOpen(value);
              }
            }}
          >
            <option value="">{targets.length > 0 ? "Fill another…" : "Choose what to fill…"}</option>
            <optgroup label="In a new column">
              {fillable
                .filter((f) => !columns.some((c) => fieldOf(c, fields) === f.key))
                .map((f) => (
                  <option key={f.key} value={`new:${f.key}`}>
                    {f.name}
                  </option>
                ))}
            </optgroup>
            <optgroup label="In an existing column">
              {columns
                .filter((c) => !targets.some((t) => t.columnId === c.id))
                .map((c) => (
                  <option key={c.id} value={c.id}>
                    {c.name}
                  </option>
                ))}
            </optgroup>
          </select>
        </section>

        <fieldset className="plain">
          <legend className="enrich-title">For which rows</legend>
          <div className="stack tight">
            <label className="check">
              <input type="radio" name="scope" checked={scope === "all"} onChange={() => setScope("all")} />
              All rows
            </label>
            <label className="check">
              <input
                type="radio"
                name="scope"
                disabled={!filter}
                checked={scope === "filter"}
                onChange={() => setScope("filter")}
              />
              Rows of the current filter{filter ? "" : " (none is set)"}
            </label>
            <label className="check">
              <input
                type="radio"
                name="scope"
                disabled={selection.length === 0}
                checked={scope === "selected"}
                onChange={() => setScope("selected")}
              />
              {selection.length > 0 ? `${plural(selection.length, "selected row")}` : "Selected rows (none)"}
            </label>
            <label className="check">
              <input
                type="checkbox"
                checked={onlyIfEmpty}
                onChange={(e) => setOnlyIfEmpty(e.target.checked)}
              />
              Only empty cells
            </label>
          </div>
        </fieldset>

        <section className="stack tight">
          <h3 className="enrich-title">Limits</h3>
          <label className="row between">
            <span>Least confidence to accept</span>
            <output className="num muted">
              {minConfidence === 0 ? "any" : `${Math.round(minConfidence * 100)}%`}
            </output>
          </label>
          <input
            type="range"
            aria-label="Least confidence to accept"
            min={0}
            max={0.95}
            step={0.05}
            value={minConfidence}
            onChange={(e) => setMinConfidence(Number(e.target.value))}
          />
          <label className="row between">
            <span>Never spend more than</span>
            <input
              className="input small budget num"
              inputMode="numeric"
              placeholder="no limit"
              aria-label="Budget in credits"
              aria-invalid={budgetBad || undefined}
              value={budget}
              onChange={(e) => setBudget(e.target.value)}
            />
          </label>
        </section>
      </section>

      <div className="drawer-foot stack tight">
        {fault && (
          <p className="notice error" role="alert">
            {fault}
          </p>
        )}
        {current?.fault && (
          <p className="notice error" role="alert">
            {current.fault}
          </p>
        )}
        {estimate ? (
          <div className="quote" data-testid="quote">
            <div className="row between">
              <span>
                Quote for <b className="num">{plural(estimate.cells, "cell")}</b>
              </span>
              <span>
                about <b className="num quote-main">{credits(estimate.credits.expected)}</b> credits
              </span>
            </div>
            <div className="row between muted num quote-sub">
              <span>likely under {credits(estimate.credits.p90)}</span>
              <span>never more than {credits(estimate.credits.max)}</span>
            </div>
            {estimate.providers.length > 0 && (
              <details>
                <summary>By provider</summary>
                <ul className="quote-providers">
                  {estimate.providers.map((p) => (
                    <li key={p.slug} className="row between num">
                      <span>{providers.find((x) => x.slug === p.slug)?.name ?? p.slug}</span>
                      <span className="muted">
                        ~{count(p.expectedCalls)} calls · ~{credits(p.expectedCredits)} credits
                      </span>
                    </li>
                  ))}
                </ul>
              </details>
            )}
            {gatherWarnings(estimate.warnings, providers).map((w) => (
              <p key={w} className="quote-warning">
                <Icon name="warn" size={15} /> <span>{w}</span>
              </p>
            ))}
            {short && (
              <p className="quote-warning">
                <Icon name="warn" size={15} /> You have {credits(availableCredits)} credits. Set a budget to
                fill as many cells as they allow.
              </p>
            )}
          </div>
        ) : (
          <p className="muted" role="status">
            {ready.length === 0
              ? "Choose what to fill to get a quote. Nothing is spent before you press Run."
              : current?.fault
                ? "No quote yet."
                : "Working out the quote…"}
          </p>
        )}
        {incomplete > 0 && ready.length > 0 && (
          <p className="muted">{plural(incomplete, "column")} without a provider will be left out.</p>
        )}
        <button
          type="button"
          className="btn primary large block"
          data-testid="run-enrichment"
          disabled={!estimate || estimate.cells === 0 || running || budgetBad || preparing}
          onClick={() => void run()}
        >
          {running ? <span className="spinner" /> : <Icon name="spark" />}
          {estimate
            ? estimate.cells === 0
              ? "Nothing to fill"
              : `Fill ${plural(estimate.cells, "cell")}`
            : `Fill ${rowsInScope > 0 ? plural(rowsInScope, "row") : "cells"}`}
        </button>
      </div>
    </aside>
  );
}

/** The offer after an import: what this table could get, in one sentence and one button. */
export function SuggestBar({ onAccept, onDismiss }: { onAccept: () => void; onDismiss: () => void }) {
  const { providers, fields, loaded } = useCatalogue();
  const columns = useGrid((s) => s.columns);
  const total = useGrid((s) => s.total);
  const list = useMemo(
    () => (loaded ? suggest(columns, providers, fields) : []),
    [loaded, columns, providers, fields],
  );
  if (list.length === 0) return null;
  const names = list.map((s) => (fields.find((f) => f.key === s.key)?.name ?? s.key).toLowerCase());
  const text = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
  return (
    <section className="suggest-bar" aria-label="Suggestion">
      <Icon name="spark" />
      <p className="grow">
        Millrace can fill <b>{text}</b>
        {total ? ` for ${plural(total, "row")}` : ""}. You see the price first.
      </p>
      <button type="button" className="btn primary small" onClick={onAccept}>
        See the quote
      </button>
      <button type="button" className="btn ghost icon small" aria-label="Not now" onClick={onDismiss}>
        <Icon name="x" size={16} />
      </button>
    </section>
  );
}
