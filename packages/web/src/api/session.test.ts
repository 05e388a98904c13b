import { beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "./envelope";
import {
  connectSession,
  endSession,
  freshAccessToken,
  getAccessToken,
  getRefreshToken,
  refreshAccessToken,
  setTokens,
  type Tokens,
} from "./session";

const tokens = (n: number): Tokens => ({ accessToken: `a${n}`, refreshToken: `r${n}`, expiresIn: 900 });

beforeEach(() => endSession());

it("makes one refresh for any number of concurrent callers, and rotates the token", async () => {
  let n = 1;
  const refresh = vi.fn(async (_: string) => {
    await new Promise((r) => setTimeout(r, 5));
    return tokens(++n);
  });
  connectSession({ refresh, onEnd: () => undefined });
  setTokens(tokens(1));
  const all = await Promise.all(Array.from({ length: 8 }, () => refreshAccessToken("a1")));
  expect(new Set(all)).toEqual(new Set(["a2"]));
  expect(refresh).toHaveBeenCalledTimes(1);
  expect(refresh).toHaveBeenCalledWith("r1");
  expect(getRefreshToken()).toBe("r2");
});

it("does not refresh again for a caller whose token was replaced meanwhile", async () => {
  const refresh = vi.fn(async () => tokens(9));
  connectSession({ refresh, onEnd: () => undefined });
  setTokens(tokens(2));
  expect(await refreshAccessToken("a1")).toBe("a2");
  expect(await freshAccessToken()).toBe("a2");
  expect(refresh).not.toHaveBeenCalled();
});

it("ends the session when the refresh token is refused", async () => {
  const onEnd = vi.fn();
  connectSession({
    refresh: async () => {
      throw new ApiError("AUTHENTICATION_ERROR", "spent", 401);
    },
    onEnd,
  });
  setTokens(tokens(1));
  await expect(refreshAccessToken("a1")).rejects.toThrow("spent");
  expect(onEnd).toHaveBeenCalled();
  expect(getAccessToken()).toBeNull();
  expect(getRefreshToken()).toBeNull();
});

it("keeps the session when the server is only busy or away", async () => {
  const onEnd = vi.fn();
  connectSession({
    refresh: async () => {
      throw new ApiError("RATE_LIMITED", "slow down", 429, { retryAfter: 3 });
    },
    onEnd,
  });
  setTokens(tokens(1));
  await expect(refreshAccessToken("a1")).rejects.toThrow("slow down");
  expect(onEnd).not.toHaveBeenCalled();
  expect(getRefreshToken()).toBe("r1");
});

it("waits for another tab's note where there are no Web Locks, and for no dead tab's", async () => {
  const refresh = vi.fn(async () => tokens(2));
  connectSession({ refresh, onEnd: () => undefined });
  setTokens(tokens(1));
  localStorage.setItem("millrace.refresh", `another-tab ${Date.now() + 150}`);
  const waiting = refreshAccessToken("a1");
  await new Promise((r) => setTimeout(r, 60));
  expect(refresh).not.toHaveBeenCalled();
  expect(await waiting).toBe("a2");
  expect(localStorage.getItem("millrace.refresh")).toBeNull();
});
