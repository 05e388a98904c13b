// What can be done to a column; each shows its effect at once and takes it back if the server refuses.
import { describe } from "../../api/envelope";
import type { Column } from "../../api/types";
import { reloadRows, useGrid } from "../../stores/grid";
import { toast } from "../../stores/ui";
import * as tableApi from "./api";

const place = (): { workspaceId: string; tableId: string } | null => {
  const { workspaceId, tableId } = useGrid.getState();
  return workspaceId && tableId ? { workspaceId, tableId } : null;
};

async function optimistic(
  what: string,
  change: (columns: Column[]) => Column[],
  send: (workspaceId: string, tableId: string) => Promise<unknown>,
): Promise<boolean> {
  const at = place();
  if (!at) return false;
  const before = useGrid.getState().columns;
  useGrid.getState().setColumns(change);
  try {
    await send(at.workspaceId, at.tableId);
    return true;
  } catch (error) {
    useGrid.getState().setColumns(() => before);
    toast("error", what, describe(error));
    return false;
  }
}

const replace = (id: string, patch: Partial<Column>) => (list: Column[]) =>
  list.map((c) => (c.id === id ? { ...c, ...patch } : c));

export const renameColumn = (id: string, name: string): Promise<boolean> =>
  optimistic("The column could not be renamed", replace(id, { name }), (w, t) =>
    tableApi.patchColumn(w, t, id, { name }),
  );

export const setHidden = (id: string, hidden: boolean): Promise<boolean> =>
  optimistic("The column could not be changed", replace(id, { hidden }), (w, t) =>
    tableApi.patchColumn(w, t, id, { hidden }),
  );

export async function retypeColumn(id: string, type: Column["type"]): Promise<boolean> {
  await useGrid.getState().flush();
  const done = await optimistic("The column's type could not be changed", replace(id, { type }), (w, t) =>
    tableApi.patchColumn(w, t, id, { type }),
  );
  if (done) reloadRows();
  return done;
}

export const removeColumn = (id: string): Promise<boolean> =>
  optimistic(
    "The column could not be deleted",
    (list) => list.filter((c) => c.id !== id),
    (w, t) => tableApi.deleteColumn(w, t, id),
  );

export async function createColumn(column: tableApi.NewColumn): Promise<Column> {
  const at = place();
  if (!at) throw new Error("No table is open.");
  const made = await tableApi.addColumn(at.workspaceId, at.tableId, column);
  useGrid.getState().setColumns((list) => (list.some((c) => c.id === made.id) ? list : [...list, made]));
  return made;
}

/** The columns with `id` put after `afterId` (null: first). */
export function reorder(columns: readonly Column[], id: string, afterId: string | null): Column[] {
  const moved = columns.find((c) => c.id === id);
  if (!moved) return [...columns];
  const rest = columns.filter((c) => c.id !== id);
  const at = afterId === null ? 0 : rest.findIndex((c) => c.id === afterId) + 1;
  return [...rest.slice(0, at), moved, ...rest.slice(at)];
}

export function placeColumn(id: string, afterId: string | null): Promise<boolean> {
  const next = reorder(useGrid.getState().columns, id, afterId);
  const index = next.findIndex((c) => c.id === id);
  return optimistic(
    "The column could not be moved",
    () => next,
    (w, t) => tableApi.moveColumn(w, t, id, index + 1),
  );
}
