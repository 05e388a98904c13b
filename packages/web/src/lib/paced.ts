// Runs something for a burst of calls at growing intervals.

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;
const QUIET_MS = 8000;

/**
 * Soon after the first call, then ever less often down to every 4 s, so that a long burst stays within
 * the request limits. Starts anew after a quiet while.
 */
export function paced(fn: () => void): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let pause = FIRST_PAUSE_MS;
  let last = 0;
  return {
    call: () => {
      if (timer) return;
      if (Date.now() - last > QUIET_MS) pause = FIRST_PAUSE_MS;
      timer = setTimeout(() => {
        timer = null;
        last = Date.now();
        pause = Math.min(LONGEST_PAUSE_MS, pause * 1.7);
        fn();
      }, pause);
    },
    stop: () => {
      if (timer) clearTimeout(timer);
      timer = null;
    },
  };
}
