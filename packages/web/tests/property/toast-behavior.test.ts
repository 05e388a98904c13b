import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  addToast,
  autoDismisses,
  MAX_TOASTS,
  TOAST_MS,
  type Toast,
  type ToastKind,
  useUi,
} from "../../src/stores/ui";

const kind = fc.constantFrom<ToastKind>("success", "info", "warning", "error");
const RUNS = { numRuns: 200 };

describe("toasts", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    useUi.setState({ toasts: [] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("never shows more than five, and always the newest", () => {
    fc.assert(
      fc.property(fc.array(kind, { minLength: 1, maxLength: 30 }), (kinds) => {
        let list: Toast[] = [];
        kinds.forEach((k, id) => {
          list = addToast(list, { id, kind: k, title: String(id) });
          expect(list.length).toBeLessThanOrEqual(MAX_TOASTS);
          expect(list.at(-1)?.id).toBe(id);
        });
      }),
      RUNS,
    );
  });

  it("an error gives way only when five errors are there", () => {
    fc.assert(
      fc.property(fc.array(kind, { minLength: 1, maxLength: 30 }), (kinds) => {
        let list: Toast[] = [];
        kinds.forEach((k, id) => {
          const before = list;
          list = addToast(list, { id, kind: k, title: String(id) });
          const lost = before.filter((t) => !list.includes(t));
          if (lost.some((t) => t.kind === "error"))
            expect(before.every((t) => t.kind === "error")).toBe(true);
        });
      }),
      RUNS,
    );
  });

  it("after five seconds only errors are left", () => {
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 12 }), (kinds) => {
        useUi.setState({ toasts: [] });
        kinds.forEach((k, i) => {
          useUi.getState().toast(k, `toast ${i}`);
        });
        const errors = useUi.getState().toasts.filter((t) => t.kind === "error");
        vi.advanceTimersByTime(TOAST_MS);
        expect(useUi.getState().toasts).toEqual(errors);
        expect(useUi.getState().toasts.every((t) => !autoDismisses(t.kind))).toBe(true);
      }),
      RUNS,
    );
  });

  it("says the same thing once", () => {
    fc.assert(
      fc.property(kind, fc.string(), fc.integer({ min: 2, max: 10 }), (k, title, n) => {
        let list: Toast[] = [];
        for (let id = 0; id < n; id++) list = addToast(list, { id, kind: k, title });
        expect(list.map((t) => t.id)).toEqual([n - 1]);
      }),
      RUNS,
    );
  });

  it("a dismissed toast does not come back", () => {
    fc.assert(
      fc.property(fc.array(kind, { minLength: 1, maxLength: 5 }), fc.nat(), (kinds, pick) => {
        useUi.setState({ toasts: [] });
        const ids = kinds.map((k, i) => useUi.getState().toast(k, `t${i}`));
        const gone = ids[pick % ids.length]!;
        useUi.getState().dismiss(gone);
        vi.advanceTimersByTime(TOAST_MS * 2);
        expect(useUi.getState().toasts.some((t) => t.id === gone)).toBe(false);
      }),
      RUNS,
    );
  });
});
