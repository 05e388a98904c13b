// The answer envelope `{ success, data, error, meta }` and the one error type that the app throws.
import type { FaultDetail, PageMeta } from "./types";

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: FaultDetail[];
  readonly retryAfter: number | null;
  readonly requestId: string | null;

  constructor(
    code: string,
    message: string,
    status: number,
    extra: { details?: FaultDetail[]; retryAfter?: number | null; requestId?: string | null } = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.details = extra.details ?? [];
    this.retryAfter = extra.retryAfter ?? null;
    this.requestId = extra.requestId ?? null;
  }

  /** The server's per-field messages by the last part of their path: `/email` → `email`. */
  fields(): Record<string, string> {
    const out: Record<string, string> = {};
    for (const d of this.details) {
      const key = d.path.split("/").filter(Boolean).at(-1);
      if (key && !(key in out)) out[key] = d.message;
    }
    return out;
  }
}

export type Unwrapped = { ok: true; data: unknown; meta: PageMeta } | { ok: false; error: ApiError };

const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === "object" && v !== null && !Array.isArray(v);

const fallbackMessage = (status: number): string => {
  if (status >= 500) return "The server could not answer. Please try again.";
  if (status === 404) return "That does not exist, or no longer does.";
  return "The server refused the request.";
};

function toDetails(raw: unknown): FaultDetail[] {
  if (!Array.isArray(raw)) return [];
  return raw.filter(isObject).map((d) => ({
    path: typeof d.path === "string" ? d.path : "",
    rule: typeof d.rule === "string" ? d.rule : undefined,
    message: typeof d.message === "string" ? d.message : "is not valid",
  }));
}

/** Seconds of a Retry-After header: a count, or an HTTP date. Null when absent or unreadable. */
export function retryAfterSeconds(header: unknown, now = Date.now()): number | null {
  if (typeof header !== "string" && typeof header !== "number") return null;
  const text = String(header).trim();
  if (/^\d+$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}

/** Reads any body that came back with `status`; never throws, whatever the body holds. */
export function unwrap(
  body: unknown,
  status: number,
  extra: { retryAfter?: number | null; requestId?: string | null } = {},
): Unwrapped {
  if (status >= 200 && status < 300 && (status === 204 || body === "" || body === undefined))
    return { ok: true, data: null, meta: {} };
  if (isObject(body) && typeof body.success === "boolean") {
    if (body.success && status < 400)
      return {
        ok: true,
        data: "data" in body ? body.data : null,
        meta: isObject(body.meta) ? (body.meta as PageMeta) : {},
      };
    const err = isObject(body.error) ? body.error : {};
    return {
      ok: false,
      error: new ApiError(
        typeof err.code === "string" ? err.code : "INTERNAL_ERROR",
        typeof err.message === "string" && err.message ? err.message : fallbackMessage(status),
        status,
        { ...extra, details: toDetails(err.details) },
      ),
    };
  }
  return {
    ok: false,
    error: new ApiError("INTERNAL_ERROR", fallbackMessage(status >= 400 ? status : 502), status, extra),
  };
}

/** One sentence for a person, from anything that was thrown. */
export function describe(error: unknown): string {
  if (error instanceof ApiError) {
    const first = error.details[0];
    if (error.code === "VALIDATION_ERROR" && first) {
      const where = first.path.split("/").filter(Boolean).at(-1);
      return where && !/^\d+$/.test(where) ? `${where}: ${first.message}` : first.message;
    }
    return error.message;
  }
  if (error instanceof Error && error.message) return error.message;
  return "Something went wrong.";
}
