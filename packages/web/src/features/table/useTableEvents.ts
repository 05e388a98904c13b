// The open table's event stream: rows fill, jobs advance and credits move as it happens.
import { useEffect } from "react";
import { tbl } from "../../api/client";
import { openStream, type ServerEvent } from "../../api/events";
import type { Job, Row } from "../../api/types";
import { paced } from "../../lib/paced";
import { isLoaded, refreshRows, reloadRows, useGrid } from "../../stores/grid";
import { isTerminal, useJobs } from "../../stores/job";

type Update = { recordId: string; version?: number; data?: Row["data"]; cells?: Row["cells"] };
type Changed = { kind?: string; ids?: string[]; recordIds?: string[]; resync?: boolean };

/** The changed records of an event: one, or several of them. */
export function updatesIn(data: unknown): Update[] {
  const d = data as Update & { records?: (Omit<Update, "recordId"> & { id: string })[] };
  if (Array.isArray(d.records)) return d.records.map((r) => ({ ...r, recordId: r.id }));
  return d.recordId ? [d] : [];
}

export function useTableEvents(workspaceId: string, tableId: string): void {
  useEffect(() => {
    const rows = paced(reloadRows);
    const values = paced(refreshRows);
    const table = paced(() => void useGrid.getState().reloadTable());

    const onEvent = (e: ServerEvent) => {
      let data: unknown;
      try {
        data = JSON.parse(e.data);
      } catch {
        return;
      }
      switch (e.event) {
        case "record.updated":
          for (const update of updatesIn(data)) useGrid.getState().receive(update);
          break;
        case "records.changed": {
          const { kind, ids, recordIds, resync } = data as Changed;
          const named = ids ?? recordIds;
          if (kind === "updated" && !resync) {
            if (!named || named.some(isLoaded)) values.call();
          } else rows.call();
          break;
        }
        case "job.progress":
        case "job.finished": {
          const job = (data as { job?: Job }).job ?? (data as Job);
          if (!job?.id) break;
          useJobs.getState().merge(job);
          // What was shown as queued but never asked (cancelled, budget) shows its true state again.
          if (e.event === "job.finished" || isTerminal(job.status)) {
            useGrid.getState().clearQueued();
            values.call();
          }
          break;
        }
        case "table.changed":
          table.call();
          break;
      }
    };

    let lost = false;
    const stream = openStream(`${tbl(workspaceId, tableId)}/events`, {
      onEvent,
      onState: (up) => {
        useGrid.setState({ streamUp: up });
        useJobs.getState().setStream(up ? tableId : null);
        if (!up) lost = true;
        else if (lost) {
          lost = false;
          values.call();
        }
      },
    });
    return () => {
      stream.close();
      rows.stop();
      values.stop();
      table.stop();
      useGrid.setState({ streamUp: false });
      useJobs.getState().setStream(null);
    };
  }, [workspaceId, tableId]);

  // Without a stream the 5-second job polling is all there is: when it sees cells settle, fetch them.
  const streamUp = useGrid((s) => s.streamUp);
  const settled = useJobs((s) =>
    s.jobs
      .filter((j) => j.tableId === tableId)
      .reduce((n, j) => n + j.totals.complete + j.totals.notFound + j.totals.failed, 0),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of the count is the signal
  useEffect(() => {
    if (!streamUp) refreshRows();
  }, [settled]);
}
