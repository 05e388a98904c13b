// A job's status in words.
import type { JobStatus } from "../../api/types";

const STATUS: Readonly<Record<JobStatus, [text: string, tone: string]>> = {
  queued: ["Queued", ""],
  running: ["Running", "good"],
  completed: ["Finished", "good"],
  partially_completed: ["Finished in part", "warn"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", ""],
};

export function JobStatusBadge({ status }: { status: JobStatus }) {
  const [text, tone] = STATUS[status] ?? [status, ""];
  return (
    <span className={`badge ${tone}`}>
      {status === "running" && <span className="spinner tiny" />}
      {text}
    </span>
  );
}
