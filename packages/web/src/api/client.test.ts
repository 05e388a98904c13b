import { beforeEach, expect, it, vi } from "vitest";
import { HttpResponse, http, server, withFixture } from "../../tests/msw";
import { api, connectAuthStore, connectUIStore } from "./client";
import { ApiError } from "./envelope";
import { connectSession, endSession, setTokens } from "./session";

withFixture();
const toast = vi.fn();
beforeEach(() => {
  toast.mockClear();
  endSession();
  connectUIStore({ toast, setOffline: () => undefined });
});

const ok = (data: unknown, meta: unknown = null) =>
  HttpResponse.json({ success: true, data, error: null, meta });
const fail = (status: number, code: string, headers: Record<string, string> = {}) =>
  HttpResponse.json(
    { success: false, data: null, error: { code, message: code }, meta: null },
    { status, headers },
  );

it("attaches the bearer token and returns the data itself", async () => {
  setTokens({ accessToken: "tok", refreshToken: "r", expiresIn: 900 });
  let seen: string | null = null;
  server.use(
    http.get("*/api/v1/thing", ({ request }) => {
      seen = request.headers.get("Authorization");
      return ok({ a: 1 });
    }),
  );
  expect(await api.get("/thing")).toEqual({ a: 1 });
  expect(seen).toBe("Bearer tok");
});

it("refreshes once on 401 and repeats the request with the same idempotency key", async () => {
  setTokens({ accessToken: "old", refreshToken: "r", expiresIn: 900 });
  const refresh = vi.fn(async () => ({ accessToken: "new", refreshToken: "r2", expiresIn: 900 }));
  connectSession({ refresh, onEnd: () => undefined });
  const keys: (string | null)[] = [];
  server.use(
    http.post("*/api/v1/thing", ({ request }) => {
      keys.push(request.headers.get("Idempotency-Key"));
      return request.headers.get("Authorization") === "Bearer new"
        ? ok("done")
        : fail(401, "AUTHENTICATION_ERROR");
    }),
  );
  expect(await Promise.all([api.post("/thing", {}), api.post("/thing", {})])).toEqual(["done", "done"]);
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(new Set(keys).size).toBe(2);
  expect(keys).toHaveLength(4);
});

it("gives up after one repeat and reports the lost session", async () => {
  setTokens({ accessToken: "old", refreshToken: "r", expiresIn: 900 });
  connectSession({
    refresh: async () => ({ accessToken: "new", refreshToken: "r2", expiresIn: 900 }),
    onEnd: () => undefined,
  });
  const lost = vi.fn();
  connectAuthStore({ onSessionLost: lost });
  server.use(http.get("*/api/v1/thing", () => fail(401, "AUTHENTICATION_ERROR")));
  await expect(api.get("/thing")).rejects.toMatchObject({ status: 401 });
  expect(lost).toHaveBeenCalledTimes(1);
});

it("waits for Retry-After, then succeeds without a word", async () => {
  let calls = 0;
  server.use(
    http.get("*/api/v1/thing", () =>
      ++calls === 1 ? fail(429, "RATE_LIMITED", { "Retry-After": "0" }) : ok(7),
    ),
  );
  expect(await api.get("/thing")).toBe(7);
  expect(toast).not.toHaveBeenCalled();
});

it.each([
  [429, "RATE_LIMITED", "warning", "The server asks us to slow down"],
  [403, "AUTHORIZATION_ERROR", "error", "You are not allowed to do that"],
  [500, "INTERNAL_ERROR", "error", "The server could not do that"],
])("shows a toast on %i", async (status, code, kind, title) => {
  server.use(http.get("*/api/v1/thing", () => fail(status, code, { "Retry-After": "60" })));
  await expect(api.get("/thing")).rejects.toBeInstanceOf(ApiError);
  expect(toast).toHaveBeenCalledWith(kind, title, expect.any(String));
});

it("says nothing itself when the caller asked for quiet", async () => {
  server.use(http.get("*/api/v1/thing", () => fail(500, "INTERNAL_ERROR")));
  await expect(api.get("/thing", { quiet: true })).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  expect(toast).not.toHaveBeenCalled();
});

it("turns an unreachable server into a plain sentence", async () => {
  server.use(http.get("*/api/v1/thing", () => HttpResponse.error()));
  await expect(api.get("/thing")).rejects.toMatchObject({ code: "NETWORK_ERROR", status: 0 });
});
