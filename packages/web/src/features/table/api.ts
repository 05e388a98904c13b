// Table and column routes.
import { api, tbl, ws } from "../../api/client";
import type { Column, ColumnType, Page, Table, TableSummary } from "../../api/types";

export const listTables = (workspaceId: string, cursor?: string): Promise<Page<TableSummary>> =>
  api.page(`${ws(workspaceId)}/tables`, { params: { limit: 100, cursor }, quiet: true });

export const getTable = (workspaceId: string, tableId: string): Promise<Table> =>
  api.get(tbl(workspaceId, tableId), { quiet: true });

export const createTable = (
  workspaceId: string,
  name: string,
  columns: { name: string; type: ColumnType; key?: string }[],
): Promise<Table> => api.post(`${ws(workspaceId)}/tables`, { name, columns });

export const renameTable = (workspaceId: string, tableId: string, name: string): Promise<Table> =>
  api.patch(tbl(workspaceId, tableId), { name });

export const deleteTable = (workspaceId: string, tableId: string): Promise<null> =>
  api.del(tbl(workspaceId, tableId));

export interface NewColumn {
  name: string;
  type: ColumnType;
  key?: string;
}

export const addColumn = (workspaceId: string, tableId: string, column: NewColumn): Promise<Column> =>
  api.post(`${tbl(workspaceId, tableId)}/columns`, column, { quiet: true });

export type ColumnPatch = Partial<Pick<Column, "name" | "type" | "width" | "hidden">>;

export const patchColumn = (
  workspaceId: string,
  tableId: string,
  columnId: string,
  patch: ColumnPatch,
): Promise<Column> => api.patch(`${tbl(workspaceId, tableId)}/columns/${columnId}`, patch, { quiet: true });

export const deleteColumn = (workspaceId: string, tableId: string, columnId: string): Promise<null> =>
  api.del(`${tbl(workspaceId, tableId)}/columns/${columnId}`);

/** Positions count from 1. */
export const moveColumn = (
  workspaceId: string,
  tableId: string,
  columnId: string,
  position: number,
): Promise<unknown> =>
  api.post(`${tbl(workspaceId, tableId)}/columns/${columnId}/move`, { position }, { quiet: true });
