// Server-sent events over fetch: EventSource cannot send an Authorization header. Reconnects
// with growing, jittered pauses and resumes with Last-Event-ID.
import { API_BASE } from "./client";
import { retryAfterSeconds } from "./envelope";
import { freshAccessToken, refreshAccessToken } from "./session";

export interface ServerEvent {
  event: string;
  id: string | null;
  data: string;
}

/** Incremental parser of the text/event-stream format (any chunking; LF, CRLF and CR). */
export class EventParser {
  private buffer = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;
  private first = true;
  retry: number | null = null;

  push(chunk: string): ServerEvent[] {
    if (this.first && chunk !== "") {
      this.first = false;
      if (chunk.startsWith("\uFEFF")) chunk = chunk.slice(1);
    }
    this.buffer += chunk;
    const out: ServerEvent[] = [];
    for (;;) {
      const m = /\r\n|\n|\r/.exec(this.buffer);
      if (!m) break;
      // A CR at the very end may be half of a CRLF that is still on its way.
      if (m[0] === "\r" && m.index === this.buffer.length - 1) break;
      const line = this.buffer.slice(0, m.index);
      this.buffer = this.buffer.slice(m.index + m[0].length);
      const e = this.line(line);
      if (e) out.push(e);
    }
    return out;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") {
      const done =
        this.data.length > 0
          ? { event: this.event || "message", id: this.id, data: this.data.join("\n") }
          : null;
      this.event = "";
      this.data = [];
      return done;
    }
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }
}

export interface StreamHandlers {
  onEvent: (event: ServerEvent) => void;
  /** Told whenever the stream comes up or goes down; `resumed` is false when events may have been lost. */
  onState: (up: boolean) => void;
}

export interface Stream {
  close: () => void;
}

const MIN_PAUSE = 1000;
const MAX_PAUSE = 30_000;

export function openStream(path: string, handlers: StreamHandlers): Stream {
  const abort = new AbortController();
  let lastId: string | null = null;
  let failures = 0;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        abort.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      window.addEventListener("online", done);
      abort.signal.addEventListener("abort", done);
    });

  async function once(): Promise<number | null> {
    const token = await freshAccessToken();
    const headers: Record<string, string> = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
    if (lastId !== null) headers["Last-Event-ID"] = lastId;
    const response = await fetch(API_BASE + path, { headers, signal: abort.signal, cache: "no-store" });
    if (response.status === 401) {
      await refreshAccessToken(token);
      failures++;
      return failures > 1 ? null : 0;
    }
    if (response.status === 429 || response.status === 503) {
      const wait = retryAfterSeconds(response.headers.get("Retry-After"));
      failures++;
      return wait === null ? null : wait * 1000;
    }
    if (!response.ok || !response.body) throw new Error(`stream answered ${response.status}`);
    failures = 0;
    handlers.onState(true);
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const e of parser.push(decoder.decode(value, { stream: true }))) {
        if (e.id !== null) lastId = e.id;
        handlers.onEvent(e);
      }
    }
    return parser.retry;
  }

  (async () => {
    while (!abort.signal.aborted) {
      let wait: number | null = null;
      try {
        wait = await once();
      } catch {
        failures++;
      }
      if (abort.signal.aborted) break;
      handlers.onState(false);
      const backoff = Math.min(MAX_PAUSE, MIN_PAUSE * 2 ** Math.min(failures, 5));
      await pause((wait ?? backoff) + Math.random() * 500);
    }
  })();

  return { close: () => abort.abort() };
}
