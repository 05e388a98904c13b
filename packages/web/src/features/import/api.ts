// Import routes: preview, commit, progress.
import { api, slowApi, tbl, ws } from "../../api/client";
import type { ImportMapping, ImportPreview, ImportStatus } from "../../api/types";

export interface ImportOptions {
  delimiter?: string;
  encoding?: string;
  hasHeader?: boolean;
}

export function previewImport(
  workspaceId: string,
  tableId: string | null,
  file: File,
  options: ImportOptions | null,
  onUpload?: (share: number) => void,
  signal?: AbortSignal,
): Promise<ImportPreview> {
  const form = new FormData();
  if (options) form.append("options", JSON.stringify(options));
  form.append("file", file, file.name);
  const base = tableId ? tbl(workspaceId, tableId) : ws(workspaceId);
  return slowApi.post(`${base}/imports`, form, {
    quiet: true,
    timeout: 0,
    signal,
    onUploadProgress: (e) => onUpload?.(e.total ? e.loaded / e.total : 0),
  });
}

export interface CommitInput {
  tableName?: string;
  mapping?: ImportMapping[];
  onError?: "reject" | "keep_as_text";
}

export const commitImport = (
  workspaceId: string,
  importId: string,
  input: CommitInput,
): Promise<ImportStatus> =>
  slowApi.post(`${ws(workspaceId)}/imports/${importId}/commit`, input, { quiet: true });

export const getImport = (workspaceId: string, importId: string): Promise<ImportStatus> =>
  api.get(`${ws(workspaceId)}/imports/${importId}`, { quiet: true });
