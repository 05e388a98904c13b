import { afterEach, expect, it, vi } from "vitest";
import { EventParser, openStream, type ServerEvent } from "./events";
import { setTokens } from "./session";

const TEXT =
  ': hello\n\nid: 7\nevent: record.updated\ndata: {"a":1}\n\nid: 8\r\nevent: job.progress\r\ndata: line one\r\ndata: line two\r\n\r\ndata: bare\n\n';

it("reads the same events however the bytes are cut", () => {
  const whole = new EventParser().push(TEXT);
  expect(whole).toEqual([
    { event: "record.updated", id: "7", data: '{"a":1}' },
    { event: "job.progress", id: "8", data: "line one\nline two" },
    { event: "message", id: "8", data: "bare" },
  ]);
  for (let cut = 1; cut < TEXT.length; cut++) {
    const p = new EventParser();
    expect([...p.push(TEXT.slice(0, cut)), ...p.push(TEXT.slice(cut))]).toEqual(whole);
  }
  const p = new EventParser();
  expect([...TEXT].flatMap((c) => p.push(c))).toEqual(whole);
});

it("keeps the retry time and ignores fields it does not know", () => {
  const p = new EventParser();
  expect(p.push("retry: 1500\nfoo: bar\ndata: x\n\n")).toEqual([{ event: "message", id: null, data: "x" }]);
  expect(p.retry).toBe(1500);
});

afterEach(() => vi.unstubAllGlobals());

it("sends the token, and resumes after the last event it saw", async () => {
  setTokens({ accessToken: "tok", refreshToken: "r", expiresIn: 900 });
  const seen: Headers[] = [];
  const body = () => new Response("retry: 10\nid: 41\nevent: e\ndata: 1\n\n");
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    seen.push(new Headers(init.headers));
    return seen.length <= 2 ? Promise.resolve(body()) : new Promise(() => undefined);
  });
  const events: ServerEvent[] = [];
  const states: boolean[] = [];
  const stream = openStream("/x/events", {
    onEvent: (e) => events.push(e),
    onState: (up) => states.push(up),
  });
  await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(2), { timeout: 3000 });
  stream.close();
  expect(seen[0]?.get("Authorization")).toBe("Bearer tok");
  expect(seen[0]?.get("Last-Event-ID")).toBeNull();
  expect(seen[1]?.get("Last-Event-ID")).toBe("41");
  expect(events[0]).toEqual({ event: "e", id: "41", data: "1" });
  expect(states.slice(0, 2)).toEqual([true, false]);
});
