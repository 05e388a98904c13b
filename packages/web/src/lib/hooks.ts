// Small React hooks used across features.
import { type RefObject, useEffect, useRef, useState } from "react";

/** The value as it was when it last rested for `ms`. */
export function useDebounced<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** A clock that ticks every `ms` while `on`. */
export function useNow(ms: number, on = true): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms, on]);
  return now;
}

/** Calls `onAway` on a press outside of `ref` and on Escape. */
export function useDismiss(ref: RefObject<HTMLElement | null>, onAway: () => void): void {
  const handler = useRef(onAway);
  handler.current = onAway;
  useEffect(() => {
    const press = (e: PointerEvent) => {
      if (ref.current && !ref.current.contains(e.target as Node)) handler.current();
    };
    const key = (e: KeyboardEvent) => {
      if (e.key === "Escape") {
        e.stopPropagation();
        handler.current();
      }
    };
    document.addEventListener("pointerdown", press, true);
    document.addEventListener("keydown", key, true);
    return () => {
      document.removeEventListener("pointerdown", press, true);
      document.removeEventListener("keydown", key, true);
    };
  }, [ref]);
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Millrace` : "Millrace";
  }, [title]);
}

/** Loads once per `key`; `reload` asks again. */
export function useLoad<T>(key: string, load: () => Promise<T>) {
  const [state, setState] = useState<{ data: T | null; error: unknown; loading: boolean }>({
    data: null,
    error: null,
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  const fn = useRef(load);
  fn.current = load;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when to load again
  useEffect(() => {
    let live = true;
    setState((s) => ({ ...s, loading: true, error: null }));
    fn.current().then(
      (data) => live && setState({ data, error: null, loading: false }),
      (error) => live && setState((s) => ({ ...s, error, loading: false })),
    );
    return () => {
      live = false;
    };
  }, [key, turn]);
  return {
    ...state,
    reload: () => setTurn((n) => n + 1),
    setData: (update: (old: T | null) => T | null) => setState((s) => ({ ...s, data: update(s.data) })),
  };
}
