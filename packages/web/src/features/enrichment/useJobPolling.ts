// Polls running jobs every five seconds while no event stream covers them.
import { useEffect } from "react";
import { isTerminal, POLL_MS, useJobs } from "../../stores/job";

export function useJobPolling(): void {
  const needed = useJobs((s) => s.jobs.some((j) => !isTerminal(j.status) && j.tableId !== s.streamTable));
  useEffect(() => {
    if (!needed) return;
    const timer = setInterval(() => void useJobs.getState().poll(), POLL_MS);
    return () => clearInterval(timer);
  }, [needed]);
}
