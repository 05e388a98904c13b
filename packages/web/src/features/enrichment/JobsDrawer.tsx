// The jobs of the workspace: running ones with progress, and the history with what was tried.
import { useState } from "react";
import { Link } from "react-router";
import { describe } from "../../api/envelope";
import type { Attempt, Job } from "../../api/types";
import { ago, count, credits, dateTime, percent, plural } from "../../lib/format";
import { useLoad } from "../../lib/hooks";
import { useCatalogue } from "../../stores/catalogue";
import { isTerminal, summarise, useJobs } from "../../stores/job";
import { toast, useUi } from "../../stores/ui";
import { Icon } from "../../ui/Icon";
import { EmptyState, ErrorState, Skeleton } from "../../ui/States";
import { useRole } from "../workspace/useRole";
import * as jobApi from "./api";
import { hitRate, progressOf } from "./cost";
import { JobStatusBadge } from "./JobStatusBadge";
import { outcomeName } from "./outcome";
import "./enrichment.css";

function byProvider(attempts: readonly Attempt[]) {
  const out = new Map<string, { calls: number; hits: number; credits: number; cached: number }>();
  for (const a of attempts) {
    const s = out.get(a.provider) ?? { calls: 0, hits: 0, credits: 0, cached: 0 };
    s.calls++;
    if (/^(hit|complete|success)/.test(a.outcome)) s.hits++;
    s.credits += a.credits;
    if (a.cached) s.cached++;
    out.set(a.provider, s);
  }
  return [...out];
}

function Attempts({ workspaceId, job }: { workspaceId: string; job: Job }) {
  const providers = useCatalogue((s) => s.providers);
  const { data, error, loading, reload } = useLoad(`${job.id}:${job.status}`, () =>
    jobApi.listAttempts(workspaceId, job.id),
  );
  if (error) return <ErrorState error={error} onRetry={reload} />;
  if (loading && !data) return <Skeleton rows={2} />;
  const items = data?.items ?? [];
  if (items.length === 0) return <p className="muted">No provider has been asked.</p>;
  const more = (data?.meta.total ?? 0) > items.length || !!data?.meta.nextCursor;
  const failures = items.filter((a) => a.error).slice(0, 3);
  return (
    <div className="stack tight">
      <table className="table compact">
        <thead>
          <tr>
            <th>Provider</th>
            <th>Asked</th>
            <th>Found</th>
            <th>Credits</th>
          </tr>
        </thead>
        <tbody>
          {byProvider(items).map(([slug, s]) => (
            <tr key={slug}>
              <td>{providers.find((p) => p.slug === slug)?.name ?? slug}</td>
              <td className="num">{count(s.calls)}</td>
              <td className="num">{count(s.hits)}</td>
              <td className="num">{credits(s.credits)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more && <p className="muted">From the latest {plural(items.length, "attempt")}.</p>}
      {failures.map((a, i) => (
        <p key={i} className="muted">
          {providers.find((p) => p.slug === a.provider)?.name ?? a.provider}: {outcomeName(a.outcome)},{" "}
          {a.error}
        </p>
      ))}
    </div>
  );
}

function JobCard({ job, workspaceId }: { job: Job; workspaceId: string }) {
  const [open, setOpen] = useState(false);
  const { can } = useRole();
  const over = isTerminal(job.status);
  const hits = hitRate(job.totals);
  return (
    <li className="card job-card">
      <div className="row between">
        <JobStatusBadge status={job.status} />
        <span className="muted" title={dateTime(job.createdAt)}>
          {ago(job.createdAt)}
        </span>
      </div>
      {!over && (
        <div className="bar">
          <i style={{ width: `${progressOf(job.totals) * 100}%` }} />
        </div>
      )}
      <p className="num">
        <b>{count(job.totals.complete)}</b> of {plural(job.totals.cells, "cell")} filled
        {hits !== null ? ` (${percent(hits)})` : ""} for <b>{credits(job.credits.spent)}</b> credits
        {job.credits.refunded > 0 ? `, ${credits(job.credits.refunded)} given back` : ""}
      </p>
      {(job.totals.failed > 0 || job.totals.notFound > 0) && (
        <p className="muted num">
          {count(job.totals.notFound)} not found, {count(job.totals.failed)} failed
          {job.totals.skipped > 0 ? `, ${count(job.totals.skipped)} skipped` : ""}
        </p>
      )}
      <div className="row wrap">
        <Link className="btn small" to={`/w/${workspaceId}/tables/${job.tableId}`}>
          Open table
        </Link>
        <button type="button" className="btn ghost small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide what was tried" : "What was tried"}
        </button>
        {!over && can("run_enrichment") && (
          <button type="button" className="btn small" onClick={() => void useJobs.getState().cancel(job.id)}>
            Cancel
          </button>
        )}
        {over && job.totals.failed > 0 && can("run_enrichment") && (
          <button type="button" className="btn small" onClick={() => void useJobs.getState().retry(job.id)}>
            Retry failed
          </button>
        )}
      </div>
      {open && <Attempts workspaceId={workspaceId} job={job} />}
    </li>
  );
}

export function JobsDrawer() {
  const { jobs, loaded, error, load, loadMore, nextCursor, workspaceId } = useJobs();
  const setOpen = useUi((s) => s.setJobsOpen);
  const sum = summarise(jobs);
  return (
    <aside className="drawer" aria-label="Jobs">
      <div className="drawer-head">
        <h2>Jobs</h2>
        <button
          type="button"
          className="btn ghost icon small"
          aria-label="Close"
          onClick={() => setOpen(false)}
        >
          <Icon name="x" />
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className="drawer-body stack" tabIndex={0} aria-label="List of jobs">
        {error && !jobs.length ? (
          <ErrorState error={error} onRetry={() => void load()} />
        ) : !loaded ? (
          <Skeleton rows={3} />
        ) : jobs.length === 0 ? (
          <EmptyState
            icon="jobs"
            title="No jobs yet"
            text="Open a table and press Enrich: each run is listed here."
          />
        ) : (
          <>
            <p className="muted num">
              {sum.running > 0 ? `${sum.running} running · ` : ""}
              {count(sum.filled)} cells filled for {credits(sum.spent)} credits
            </p>
            <ul className="stack">
              {jobs.map((j) => (
                <JobCard key={j.id} job={j} workspaceId={workspaceId ?? ""} />
              ))}
            </ul>
            {nextCursor && (
              <button
                type="button"
                className="btn"
                onClick={() => {
                  loadMore().catch((e: unknown) =>
                    toast("error", "No more jobs could be loaded", describe(e)),
                  );
                }}
              >
                Older jobs
              </button>
            )}
          </>
        )}
      </section>
    </aside>
  );
}
