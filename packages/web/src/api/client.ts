// The two HTTP clients. Requests carry the bearer token and, for POSTs, an Idempotency-Key that stays
// the same over retries. Answers are unwrapped from their envelope; a 401 refreshes the session and
// is tried once more; 429, 403 and 5xx raise a toast. Stores are connected from outside, so that
// this file imports none of them.
import axios, {
  type AxiosError,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from "axios";
import { uuid } from "../lib/id";
import { ApiError, retryAfterSeconds, unwrap } from "./envelope";
import { getAccessToken, refreshAccessToken } from "./session";
import type { Page, PageMeta } from "./types";

declare module "axios" {
  interface AxiosRequestConfig {
    /** No toast: the caller shows the failure itself. */
    quiet?: boolean;
    /** No bearer token, no refresh: the auth routes. */
    anonymous?: boolean;
    retriedAuth?: boolean;
    retriedRate?: number;
  }
  interface AxiosResponse {
    meta?: PageMeta;
  }
}

export const API_BASE = "/api/v1";

interface AuthHooks {
  onSessionLost: () => void;
}
interface UiHooks {
  toast: (kind: "error" | "warning", title: string, detail?: string) => void;
  setOffline: (offline: boolean) => void;
}

let authHooks: AuthHooks = { onSessionLost: () => undefined };
let uiHooks: UiHooks = { toast: () => undefined, setOffline: () => undefined };

export const connectAuthStore = (hooks: AuthHooks): void => {
  authHooks = hooks;
};
export const connectUIStore = (hooks: UiHooks): void => {
  uiHooks = hooks;
};

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Waits at most this long, once, for a Retry-After before giving up on a request. */
const MAX_RETRY_AFTER_S = 8;

function notify(error: ApiError, config: AxiosRequestConfig | undefined): void {
  if (config?.quiet) return;
  if (error.status === 429)
    uiHooks.toast(
      "warning",
      "The server asks us to slow down",
      error.retryAfter ? `Please try again in ${error.retryAfter} s.` : "Please try again in a moment.",
    );
  else if (error.status === 403) uiHooks.toast("error", "You are not allowed to do that", error.message);
  else if (error.status >= 500)
    uiHooks.toast(
      "error",
      "The server could not do that",
      error.requestId ? `${error.message} (request ${error.requestId})` : error.message,
    );
}

function install(client: AxiosInstance): AxiosInstance {
  client.interceptors.request.use((config: InternalAxiosRequestConfig) => {
    const token = getAccessToken();
    if (token && !config.anonymous) config.headers.set("Authorization", `Bearer ${token}`);
    if (
      config.method === "post" &&
      !config.anonymous &&
      !(config.data instanceof FormData) &&
      !config.headers.has("Idempotency-Key")
    )
      config.headers.set("Idempotency-Key", uuid());
    return config;
  });

  client.interceptors.response.use(
    (response: AxiosResponse) => {
      uiHooks.setOffline(false);
      if (response.config.responseType === "blob") return response;
      const result = unwrap(response.data, response.status);
      if (!result.ok) throw result.error;
      response.data = result.data;
      response.meta = result.meta;
      return response;
    },
    async (failure: AxiosError) => {
      const config = failure.config;
      const response = failure.response;
      if (axios.isCancel(failure)) throw failure;
      if (!response) {
        if (typeof navigator !== "undefined" && navigator.onLine === false) uiHooks.setOffline(true);
        const timedOut = failure.code === "ECONNABORTED" || failure.code === "ETIMEDOUT";
        throw new ApiError(
          timedOut ? "TIMEOUT" : "NETWORK_ERROR",
          timedOut ? "The server took too long to answer." : "The server cannot be reached.",
          0,
        );
      }
      let body: unknown = response.data;
      if (body instanceof Blob) {
        try {
          body = JSON.parse(await body.text());
        } catch {
          body = null;
        }
      }
      const result = unwrap(body, response.status, {
        retryAfter: retryAfterSeconds(response.headers["retry-after"]),
        requestId: (response.headers["x-request-id"] as string | undefined) ?? null,
      });
      const error = result.ok
        ? new ApiError("INTERNAL_ERROR", "The server refused the request.", response.status)
        : result.error;

      if (config && error.status === 401 && !config.anonymous) {
        if (!config.retriedAuth) {
          config.retriedAuth = true;
          const used = String(config.headers.get("Authorization") ?? "").replace(/^Bearer /, "");
          await refreshAccessToken(used || null);
          return client.request(config);
        }
        authHooks.onSessionLost();
      }
      const wait = error.retryAfter;
      if (config && error.status === 429 && wait !== null && wait <= MAX_RETRY_AFTER_S) {
        const tries = config.retriedRate ?? 0;
        if (tries < 2) {
          config.retriedRate = tries + 1;
          await sleep(wait * 1000 + Math.random() * 400);
          return client.request(config);
        }
      }
      notify(error, config);
      throw error;
    },
  );
  return client;
}

export const apiClient = install(axios.create({ baseURL: API_BASE, timeout: 30_000 }));
export const enrichmentClient = install(axios.create({ baseURL: API_BASE, timeout: 120_000 }));

function verbs(client: AxiosInstance) {
  return {
    get: async <T>(url: string, config?: AxiosRequestConfig): Promise<T> =>
      (await client.get<T>(url, config)).data,
    page: async <T>(url: string, config?: AxiosRequestConfig): Promise<Page<T>> => {
      const r = await client.get<T[]>(url, config);
      return { items: r.data ?? [], meta: r.meta ?? {} };
    },
    post: async <T>(url: string, body?: unknown, config?: AxiosRequestConfig): Promise<T> =>
      (await client.post<T>(url, body, config)).data,
    patch: async <T>(url: string, body?: unknown, config?: AxiosRequestConfig): Promise<T> =>
      (await client.patch<T>(url, body, config)).data,
    put: async <T>(url: string, body?: unknown, config?: AxiosRequestConfig): Promise<T> =>
      (await client.put<T>(url, body, config)).data,
    del: async <T>(url: string, body?: unknown, config?: AxiosRequestConfig): Promise<T> =>
      (await client.delete<T>(url, { ...config, data: body })).data,
    blob: async (url: string, config?: AxiosRequestConfig): Promise<Blob> =>
      (await client.get<Blob>(url, { ...config, responseType: "blob" })).data,
  };
}

export const api = verbs(apiClient);
export const slowApi = verbs(enrichmentClient);

export const ws = (workspaceId: string): string => `/workspaces/${workspaceId}`;
export const tbl = (workspaceId: string, tableId: string): string =>
  `/workspaces/${workspaceId}/tables/${tableId}`;
