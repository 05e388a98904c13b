import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError, retryAfterSeconds, describe as sentence, unwrap } from "../../src/api/envelope";

const RUNS = { numRuns: 300 };
const code = fc.constantFrom("VALIDATION_ERROR", "NOT_FOUND", "CONFLICT", "RATE_LIMITED", "INTERNAL_ERROR");

describe("api envelope", () => {
  it("gives back exactly the data and meta of a success", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.option(fc.record({ limit: fc.nat(), nextCursor: fc.string() })),
        fc.integer({ min: 200, max: 299 }).filter((s) => s !== 204),
        (data, meta, status) => {
          const r = unwrap({ success: true, data, error: null, meta }, status);
          expect(r).toEqual({ ok: true, data, meta: meta ?? {} });
        },
      ),
      RUNS,
    );
  });

  it("turns every failure envelope into an ApiError with its code, message and status", () => {
    fc.assert(
      fc.property(
        code,
        fc.string({ minLength: 1 }),
        fc.integer({ min: 400, max: 599 }),
        (c, message, status) => {
          const r = unwrap({ success: false, data: null, error: { code: c, message }, meta: null }, status);
          expect(r.ok).toBe(false);
          if (r.ok) return;
          expect(r.error).toBeInstanceOf(ApiError);
          expect([r.error.code, r.error.message, r.error.status]).toEqual([c, message, status]);
        },
      ),
      RUNS,
    );
  });

  it("never throws, whatever the body, and never takes an error status for a success", () => {
    fc.assert(
      fc.property(fc.anything(), fc.integer({ min: 200, max: 599 }), (body, status) => {
        const r = unwrap(body, status);
        if (status >= 400) expect(r.ok).toBe(false);
        if (!r.ok) expect(r.error.message.length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it("keeps the first fault of each field", () => {
    const fault = fc.record({
      path: fc.constantFrom("/email", "/password", "/data/0/email"),
      message: fc.string({ minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(fault, { minLength: 1, maxLength: 6 }), (details) => {
        const r = unwrap(
          { success: false, error: { code: "VALIDATION_ERROR", message: "no", details } },
          400,
        );
        if (r.ok) throw new Error("must fail");
        const fields = r.error.fields();
        for (const [key, message] of Object.entries(fields))
          expect(details.find((d) => d.path.endsWith(`/${key}`))?.message).toBe(message);
        expect(sentence(r.error).length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it("reads Retry-After as seconds or as a date, and nothing else", () => {
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), (s) => {
        const now = 1_700_000_000_000;
        expect(retryAfterSeconds(String(s))).toBe(s);
        expect(retryAfterSeconds(new Date(now + s * 1000).toUTCString(), now)).toBe(s);
      }),
      RUNS,
    );
    expect(retryAfterSeconds("soon")).toBeNull();
    expect(retryAfterSeconds(undefined)).toBeNull();
  });
});
