// Enrichment jobs of the open workspace. The open table's event stream keeps them current; without a
// stream, running jobs are polled every five seconds.
import { create } from "zustand";
import { describe } from "../api/envelope";
import type { Job, JobStatus } from "../api/types";
import * as jobApi from "../features/enrichment/api";
import { toast } from "./ui";
import { useWorkspace } from "./workspace";

export const POLL_MS = 5000;

const TERMINAL: ReadonlySet<JobStatus> = new Set(["completed", "partially_completed", "failed", "cancelled"]);
export const isTerminal = (status: JobStatus): boolean => TERMINAL.has(status);

export interface JobSummary {
  running: number;
  filled: number;
  spent: number;
}

export const summarise = (jobs: readonly Job[]): JobSummary =>
  jobs.reduce(
    (sum, j) => ({
      running: sum.running + (isTerminal(j.status) ? 0 : 1),
      filled: sum.filled + j.totals.complete,
      spent: sum.spent + j.credits.spent,
    }),
    { running: 0, filled: 0, spent: 0 },
  );

interface JobState {
  workspaceId: string | null;
  jobs: Job[];
  loaded: boolean;
  error: unknown;
  nextCursor: string | null;
  /** Table whose stream is up: its jobs need no polling. */
  streamTable: string | null;
  open: (workspaceId: string) => void;
  load: () => Promise<void>;
  loadMore: () => Promise<void>;
  merge: (job: Job) => void;
  cancel: (jobId: string) => Promise<void>;
  retry: (jobId: string) => Promise<Job | null>;
  setStream: (tableId: string | null) => void;
  poll: () => Promise<void>;
}

/** Newest first; an update that is older than what is known (late or repeated event) changes nothing. */
export function mergeJob(jobs: readonly Job[], job: Job): Job[] {
  const old = jobs.find((j) => j.id === job.id);
  if (!old) return [job, ...jobs].sort((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? ""));
  if (isTerminal(old.status) && !isTerminal(job.status)) return [...jobs];
  return jobs.map((j) => (j.id === job.id ? { ...j, ...job } : j));
}

const finishedText = (job: Job): [title: string, kind: "success" | "warning" | "error" | "info"] => {
  if (job.status === "completed") return ["Enrichment finished", "success"];
  if (job.status === "partially_completed") return ["Enrichment finished in part", "warning"];
  if (job.status === "cancelled") return ["Enrichment cancelled", "info"];
  return ["Enrichment failed", "error"];
};

export const useJobs = create<JobState>((set, get) => ({
  workspaceId: null,
  jobs: [],
  loaded: false,
  error: null,
  nextCursor: null,
  streamTable: null,

  open: (workspaceId) => {
    if (get().workspaceId === workspaceId) return;
    set({ workspaceId, jobs: [], loaded: false, error: null, nextCursor: null });
    void get().load();
  },

  load: async () => {
    const id = get().workspaceId;
    if (!id) return;
    try {
      const { items, meta } = await jobApi.listJobs(id);
      if (get().workspaceId === id)
        set({ jobs: items, loaded: true, error: null, nextCursor: meta.nextCursor ?? null });
    } catch (error) {
      set({ error, loaded: true });
    }
  },

  loadMore: async () => {
    const { workspaceId, nextCursor } = get();
    if (!workspaceId || !nextCursor) return;
    const { items, meta } = await jobApi.listJobs(workspaceId, nextCursor);
    set((s) => ({
      jobs: [...s.jobs, ...items.filter((i) => !s.jobs.some((j) => j.id === i.id))],
      nextCursor: meta.nextCursor ?? null,
    }));
  },

  merge: (job) => {
    const old = get().jobs.find((j) => j.id === job.id);
    const jobs = mergeJob(get().jobs, job);
    set({ jobs });
    const now = jobs.find((j) => j.id === job.id);
    if (old && now) useWorkspace.getState().applyJob(old.credits, now.credits);
    if (now && isTerminal(now.status) && old && !isTerminal(old.status)) {
      const [title, kind] = finishedText(now);
      toast(
        kind,
        title,
        `${now.totals.complete.toLocaleString("en-US")} of ${now.totals.cells.toLocaleString("en-US")} cells filled for ${now.credits.spent.toLocaleString("en-US")} credits.`,
      );
      void useWorkspace.getState().refreshCredits();
    }
  },

  cancel: async (jobId) => {
    const id = get().workspaceId;
    if (!id) return;
    try {
      const job = await jobApi.cancelJob(id, jobId);
      if (job?.id) get().merge(job);
      else get().merge(await jobApi.getJob(id, jobId));
    } catch (error) {
      toast("error", "The job could not be cancelled", describe(error));
    }
  },

  retry: async (jobId) => {
    const id = get().workspaceId;
    if (!id) return null;
    try {
      const job = await jobApi.retryJob(id, jobId);
      get().merge(job);
      void useWorkspace.getState().refreshCredits();
      return job;
    } catch (error) {
      toast("error", "The failed cells could not be retried", describe(error));
      return null;
    }
  },

  setStream: (streamTable) => set({ streamTable }),

  poll: async () => {
    const { workspaceId, jobs, streamTable } = get();
    if (!workspaceId) return;
    for (const job of jobs.filter((j) => !isTerminal(j.status) && j.tableId !== streamTable).slice(0, 5)) {
      try {
        get().merge(await jobApi.getJob(workspaceId, job.id));
      } catch {
        // The next round asks again.
      }
    }
  },
}));
