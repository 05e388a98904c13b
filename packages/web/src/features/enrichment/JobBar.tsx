// The running job of the open table, and for a moment its result: progress, rate, hits, credits, time left.
import { useState } from "react";
import type { Job } from "../../api/types";
import { count, credits, duration, percent } from "../../lib/format";
import { useNow } from "../../lib/hooks";
import { isTerminal, useJobs } from "../../stores/job";
import { Icon } from "../../ui/Icon";
import { useRole } from "../workspace/useRole";
import { doneCells, hitRate, pace, progressOf } from "./cost";
import { JobStatusBadge } from "./JobStatusBadge";

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <span className="figure">
      <b className="num">{value}</b>
      <span>{label}</span>
    </span>
  );
}

export function JobBar({ job, onDismiss }: { job: Job; onDismiss: () => void }) {
  const over = isTerminal(job.status);
  const now = useNow(500, !over);
  const { can } = useRole();
  const [cancelling, setCancelling] = useState(false);
  const t = job.totals;
  const hits = hitRate(t);
  const end = job.finishedAt ? Date.parse(job.finishedAt) : now;
  const { perSecond, secondsLeft } = pace(t, job.startedAt ?? job.createdAt, end);
  return (
    <section
      className="job-bar"
      aria-label="Enrichment progress"
      data-testid="job-bar"
      data-status={job.status}
    >
      <JobStatusBadge status={job.status} />
      <div
        className="bar grow"
        role="progressbar"
        aria-label="Cells done"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(progressOf(t) * 100)}
      >
        <i style={{ width: `${progressOf(t) * 100}%` }} />
      </div>
      <Figure label={`of ${count(t.cells)} cells`} value={count(doneCells(t))} />
      {hits !== null && <Figure label="filled" value={percent(hits)} />}
      <Figure label="credits" value={credits(job.credits.spent)} />
      {!over && perSecond > 0 && (
        <Figure label="cells/s" value={perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)} />
      )}
      {!over && secondsLeft !== null && secondsLeft > 0 && (
        <Figure label="left" value={duration(secondsLeft)} />
      )}
      {t.failed > 0 && <Figure label="failed" value={count(t.failed)} />}
      {!over && can("run_enrichment") && (
        <button
          type="button"
          className="btn small"
          disabled={cancelling}
          onClick={() => {
            setCancelling(true);
            void useJobs
              .getState()
              .cancel(job.id)
              .finally(() => setCancelling(false));
          }}
        >
          {cancelling ? <span className="spinner" /> : <Icon name="stop" size={15} />} Cancel
        </button>
      )}
      {over && t.failed > 0 && can("run_enrichment") && (
        <button type="button" className="btn small" onClick={() => void useJobs.getState().retry(job.id)}>
          <Icon name="retry" size={15} /> Retry {count(t.failed)} failed
        </button>
      )}
      {over && (
        <button
          type="button"
          className="btn ghost icon small"
          aria-label="Hide this result"
          onClick={onDismiss}
        >
          <Icon name="x" size={16} />
        </button>
      )}
    </section>
  );
}

/** The job to show over the table: the newest running one, else the newest that ran since it was opened. */
export function useTableJob(tableId: string, openedAt: number, dismissed: ReadonlySet<string>): Job | null {
  const jobs = useJobs((s) => s.jobs);
  const here = jobs.filter((j) => j.tableId === tableId && !dismissed.has(j.id));
  return (
    here.find((j) => !isTerminal(j.status)) ??
    here.find((j) => Date.parse(j.finishedAt ?? j.createdAt) > openedAt) ??
    null
  );
}
