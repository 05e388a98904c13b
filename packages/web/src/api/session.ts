// The signed-in session. The access token lives in memory only; the refresh token, which is
// rotated at each use, in localStorage. A refresh is single-flight: all callers of this tab share one
// promise, and a Web Lock makes the tabs take turns, so that no spent token is ever presented twice
// (the server would revoke the whole family). A tab that refreshed tells the others its new access
// token, so that they need not ask.
import { uuid } from "../lib/id";
import { ApiError } from "./envelope";

const STORAGE_KEY = "millrace.refreshToken";
const LOCK = "millrace.refresh";

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
}

type Refresher = (refreshToken: string) => Promise<Tokens>;

let accessToken: string | null = null;
let expiresAt = 0;
let inFlight: Promise<string> | null = null;
let refresher: Refresher | null = null;
let onEnd: (() => void) | null = null;

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("millrace.session");

channel?.addEventListener("message", (event: MessageEvent) => {
  const m = event.data as { type?: string; accessToken?: string; expiresAt?: number };
  if (m.type === "tokens" && m.accessToken && m.expiresAt) {
    accessToken = m.accessToken;
    expiresAt = m.expiresAt;
  } else if (m.type === "ended") {
    accessToken = null;
    onEnd?.();
  }
});

/** How refreshes are made and what happens when the session ends (here or in another tab). */
export function connectSession(opts: { refresh: Refresher; onEnd: () => void }): void {
  refresher = opts.refresh;
  onEnd = opts.onEnd;
}

export const getAccessToken = (): string | null => accessToken;

/** True when the token is there and good for at least `margin` more milliseconds. */
export const isFresh = (margin = 10_000): boolean => accessToken !== null && Date.now() + margin < expiresAt;

export function hasSession(): boolean {
  return accessToken !== null || localStorage.getItem(STORAGE_KEY) !== null;
}

export function getRefreshToken(): string | null {
  return localStorage.getItem(STORAGE_KEY);
}

export function setTokens(tokens: Tokens): void {
  accessToken = tokens.accessToken;
  expiresAt = Date.now() + tokens.expiresIn * 1000;
  localStorage.setItem(STORAGE_KEY, tokens.refreshToken);
  channel?.postMessage({ type: "tokens", accessToken, expiresAt });
}

export function endSession(): void {
  accessToken = null;
  expiresAt = 0;
  localStorage.removeItem(STORAGE_KEY);
  channel?.postMessage({ type: "ended" });
}

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/**
 * One tab at a time. Plain http on another host than localhost has no Web Locks: there a note in
 * localStorage, written and read back, stands in for them. It lapses when its tab has died.
 */
async function withLock<T>(fn: () => Promise<T>): Promise<T> {
  if (typeof navigator !== "undefined" && navigator.locks) return navigator.locks.request(LOCK, fn);
  const mine = uuid();
  const holder = (): string | null => {
    const [id, until] = (localStorage.getItem(LOCK) ?? "").split(" ");
    return id && Number(until) > Date.now() ? id : null;
  };
  while (holder() !== mine) {
    if (holder() === null) localStorage.setItem(LOCK, `${mine} ${Date.now() + 20_000}`);
    await sleep(25 + Math.random() * 25);
  }
  try {
    return await fn();
  } finally {
    if (holder() === mine) localStorage.removeItem(LOCK);
  }
}

async function refreshOnce(stale: string | null): Promise<string> {
  return withLock(async () => {
    // Another tab may have refreshed while this one waited for the lock.
    if (accessToken && accessToken !== stale && isFresh()) return accessToken;
    const token = localStorage.getItem(STORAGE_KEY);
    if (!token || !refresher) throw new ApiError("AUTHENTICATION_ERROR", "Please sign in.", 401);
    try {
      const tokens = await refresher(token);
      setTokens(tokens);
      return tokens.accessToken;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        endSession();
        onEnd?.();
      }
      throw error;
    }
  });
}

/** A new access token in place of `stale`; concurrent callers get the same answer. */
export function refreshAccessToken(stale: string | null = accessToken): Promise<string> {
  if (accessToken && accessToken !== stale && isFresh()) return Promise.resolve(accessToken);
  inFlight ??= refreshOnce(stale).finally(() => {
    inFlight = null;
  });
  return inFlight;
}

/** A token that works now: the one at hand, or a refreshed one. */
export async function freshAccessToken(): Promise<string> {
  return isFresh() && accessToken ? accessToken : refreshAccessToken();
}
