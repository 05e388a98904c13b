// Job routes.
import { api, slowApi, ws } from "../../api/client";
import type { Attempt, Estimate, Job, JobRequest, Page } from "../../api/types";

export const estimate = (workspaceId: string, request: JobRequest, signal?: AbortSignal): Promise<Estimate> =>
  slowApi.post(`${ws(workspaceId)}/jobs/estimate`, request, { quiet: true, signal });

export const startJob = (workspaceId: string, request: JobRequest): Promise<Job> =>
  slowApi.post(`${ws(workspaceId)}/jobs`, request, { quiet: true });

export const listJobs = (workspaceId: string, cursor?: string): Promise<Page<Job>> =>
  api.page(`${ws(workspaceId)}/jobs`, { params: { limit: 50, cursor }, quiet: true });

export const getJob = (workspaceId: string, jobId: string): Promise<Job> =>
  api.get(`${ws(workspaceId)}/jobs/${jobId}`, { quiet: true });

export const cancelJob = (workspaceId: string, jobId: string): Promise<Job | null> =>
  api.post(`${ws(workspaceId)}/jobs/${jobId}/cancel`, {});

export const retryJob = (workspaceId: string, jobId: string): Promise<Job> =>
  api.post(`${ws(workspaceId)}/jobs/${jobId}/retry`, {});

export const listAttempts = (workspaceId: string, jobId: string): Promise<Page<Attempt>> =>
  api.page(`${ws(workspaceId)}/jobs/${jobId}/attempts`, { params: { limit: 200 }, quiet: true });
