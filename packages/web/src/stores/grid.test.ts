import { beforeEach, expect, it, vi } from "vitest";
import type { StoredTable } from "../../tests/msw";
import { HttpResponse, http, server, state, withFixture } from "../../tests/msw";
import { setTokens } from "../api/session";
import { adoptRows, connectGrid, getRow, useGrid } from "./grid";
import { useUi } from "./ui";

withFixture();
let t: StoredTable;
let name = "";
const port = { redraw: vi.fn(), reload: vi.fn(), refresh: vi.fn(), isEditing: () => false };

beforeEach(async () => {
  const session = state.backend.addUser("ada@example.com", "correct horse battery", "Ada");
  setTokens(session);
  t = state.backend.addTable("T", [{ name: "Name", type: "text" }], [["one"], ["two"]]);
  name = t.table.columns[0]!.id;
  useUi.setState({ toasts: [], offline: false });
  useGrid.setState({ tableId: null });
  await useGrid.getState().open(session.workspace!.id, t.table.id);
  adoptRows(structuredClone(t.rows));
  connectGrid(port);
});

const edit = (row: number, after: string) => {
  const id = t.rows[row]!.id;
  useGrid
    .getState()
    .edit("edit", [{ recordId: id, columnId: name, before: getRow(id)!.data[name] ?? null, after }]);
};

it("shows an edit at once, saves it, and takes it back with undo", async () => {
  edit(0, "changed");
  expect(getRow(t.rows[0]!.id)?.data[name]).toBe("changed");
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("changed");
  expect(useGrid.getState().pending).toEqual({});
  useGrid.getState().undoLast();
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("one");
  useGrid.getState().redoLast();
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("changed");
});

it("keeps changes while offline", async () => {
  useUi.setState({ offline: true });
  edit(0, "kept");
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("one");
  useUi.setState({ offline: false });
  await vi.waitFor(() => expect(t.rows[0]!.data[name]).toBe("kept"));
});

it("saves again when only another cell of the row had changed", async () => {
  t.rows[0]!.version = 5;
  edit(0, "mine");
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("mine");
  expect(useUi.getState().toasts).toEqual([]);
});

it("keeps the other's value and says so when the same cell was changed", async () => {
  t.rows[0]!.version = 5;
  t.rows[0]!.data[name] = "theirs";
  edit(0, "mine");
  await useGrid.getState().flush();
  expect(t.rows[0]!.data[name]).toBe("theirs");
  expect(getRow(t.rows[0]!.id)?.data[name]).toBe("theirs");
  expect(useUi.getState().toasts[0]?.title).toBe("Somebody else changed the same cell");
});

it("keeps changes and says so when saving fails", async () => {
  server.use(http.patch("*/records", () => HttpResponse.error()));
  edit(1, "not yet");
  await useGrid.getState().flush();
  expect(Object.keys(useGrid.getState().pending)).toEqual([t.rows[1]!.id]);
  expect(useGrid.getState().saveFailed).toMatch(/cannot be reached/);
});

it("takes events into its rows, but not over unsaved cells, nor out of order", () => {
  const id = t.rows[0]!.id;
  useGrid.getState().receive({
    recordId: id,
    version: 3,
    data: { [name]: "event" },
    cells: { [name]: { status: "complete" } },
  });
  expect(getRow(id)?.data[name]).toBe("event");
  useGrid.getState().receive({ recordId: id, version: 2, data: { [name]: "late" } });
  expect(getRow(id)?.data[name]).toBe("event");
  edit(0, "unsaved");
  useGrid.getState().receive({ recordId: id, version: 4, data: { [name]: "again" } });
  expect(getRow(id)?.data[name]).toBe("unsaved");
});

it("shows a started job's cells as queued and restores those that were never asked", () => {
  useGrid.getState().markQueued([name], [t.rows[0]!.id], false);
  expect(getRow(t.rows[0]!.id)?.cells?.[name]?.status).toBe("queued");
  useGrid.getState().clearQueued();
  expect(getRow(t.rows[0]!.id)?.cells?.[name]).toBeUndefined();
});
