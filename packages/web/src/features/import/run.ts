// Commits an import and follows it to its end. Asks at growing intervals, to stay within the limits.
import { ApiError } from "../../api/envelope";
import type { ImportStatus } from "../../api/types";
import { type CommitInput, commitImport, getImport } from "./api";

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Milliseconds before look number `n` (from 0): short at first for small files, up to 4 s. */
export const pollPause = (n: number): number => Math.min(4000, n === 0 ? 150 : 300 * 1.6 ** n);

export async function runImport(
  workspaceId: string,
  importId: string,
  input: CommitInput,
  onProgress: (status: ImportStatus) => void,
): Promise<ImportStatus> {
  const first = await commitImport(workspaceId, importId, input);
  if (first?.status) onProgress(first);
  for (let n = 0; ; n++) {
    await sleep(pollPause(n));
    let status: ImportStatus;
    try {
      status = await getImport(workspaceId, importId);
    } catch (error) {
      // A busy or restarting server does not end the import.
      if (
        error instanceof ApiError &&
        (error.status === 429 || error.status === 0 || error.status >= 500) &&
        n < 60
      )
        continue;
      throw error;
    }
    onProgress(status);
    if (status.status === "completed") return status;
    if (status.status === "failed")
      throw new ApiError(
        "IMPORT_FAILED",
        status.error ?? status.faults?.[0]?.message ?? "The import failed.",
        409,
      );
  }
}
