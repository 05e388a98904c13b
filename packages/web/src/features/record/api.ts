// Record routes.
import { api, slowApi, tbl } from "../../api/client";
import type { CellValue, Page, Provenance, Row } from "../../api/types";

export interface RecordQuery {
  limit: number;
  cursor?: string;
  from?: number;
  sort?: string;
  filter?: string;
}

export const listRecords = (workspaceId: string, tableId: string, query: RecordQuery): Promise<Page<Row>> =>
  api.page(`${tbl(workspaceId, tableId)}/records`, { params: query, quiet: true });

export const getRecord = (workspaceId: string, tableId: string, id: string): Promise<Row> =>
  api.get(`${tbl(workspaceId, tableId)}/records/${id}`, { quiet: true });

export interface RecordUpdate {
  id: string;
  version?: number;
  data: Record<string, CellValue>;
}

export const patchRecords = (
  workspaceId: string,
  tableId: string,
  updates: RecordUpdate[],
): Promise<unknown> => api.patch(`${tbl(workspaceId, tableId)}/records`, { updates }, { quiet: true });

export const addRecords = (
  workspaceId: string,
  tableId: string,
  records: { data: Record<string, CellValue> }[],
): Promise<unknown> => api.post(`${tbl(workspaceId, tableId)}/records`, { records });

export const deleteRecords = (workspaceId: string, tableId: string, ids: string[]): Promise<unknown> =>
  api.del(`${tbl(workspaceId, tableId)}/records`, { ids });

export const getProvenance = (workspaceId: string, tableId: string, id: string): Promise<Provenance> =>
  api.get(`${tbl(workspaceId, tableId)}/records/${id}/provenance`, { quiet: true });

export interface ExportQuery {
  format: "csv" | "jsonl";
  ids?: string;
  filter?: string;
  /** "1": with the source and confidence of each value beside it. */
  provenance?: string;
}

export const exportTable = (workspaceId: string, tableId: string, query: ExportQuery): Promise<Blob> =>
  slowApi.blob(`${tbl(workspaceId, tableId)}/export`, { params: query, timeout: 0 });
