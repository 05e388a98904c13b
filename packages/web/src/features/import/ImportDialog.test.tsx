import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { http, server, state, withFixture } from "../../../tests/msw";
import { setTokens } from "../../api/session";
import type { ImportPreview } from "../../api/types";
import { ImportDialog, initialMapping, toMapping } from "./ImportDialog";
import { pollPause } from "./run";

withFixture();
let workspaceId = "";
beforeEach(() => {
  setTokens(state.backend.addUser("ada@example.com", "correct horse battery", "Ada"));
  workspaceId = [...state.backend.workspaces.keys()][0]!;
});

/** A file, and its text as the server gets it: jsdom's form data does not survive the way into Node. */
function csv(text: string): File {
  server.use(http.post("*/imports", () => state.backend.upload(text, null)));
  return new File([text], "my-firms_2026.csv", { type: "text/csv" });
}

it("shows what was found, imports with the mapping chosen, and reports faults by line", async () => {
  const user = userEvent.setup();
  const done = vi.fn();
  render(
    <ImportDialog
      workspaceId={workspaceId}
      table={null}
      file={csv("Company,Website,Notes\nApple,apple.com,x\nSAP,sap.com\n")}
      onClose={() => undefined}
      onDone={done}
    />,
  );
  expect(await screen.findByDisplayValue("my firms 2026")).toBeInTheDocument();
  expect(screen.getByText("apple.com")).toBeInTheDocument();
  expect(screen.getByText(/Line 3/)).toBeInTheDocument();
  await user.click(screen.getByRole("checkbox", { name: "Notes" }));
  const name = screen.getByLabelText("Name for Company");
  await user.clear(name);
  await user.type(name, "Firm");
  await user.click(screen.getByRole("button", { name: "Import" }));
  await waitFor(() => expect(done).toHaveBeenCalled());
  const table = [...state.backend.tables.values()][0]!.table;
  expect(done.mock.calls[0]?.[0]).toBe(table.id);
  expect(table.name).toBe("my firms 2026");
  expect(table.columns.map((c) => c.name)).toEqual(["Firm", "Website"]);
});

it("matches the file's columns to those of an existing table", () => {
  const preview = {
    columns: [
      { header: "company", name: "company", type: "text" },
      { header: "Extra", name: "Extra", type: "number" },
    ],
  } as unknown as ImportPreview;
  const rows = initialMapping(preview, [
    { id: "c1", key: "company_name", name: "Company", type: "text", position: 0, hidden: false },
  ]);
  expect(rows.map((r) => r.columnId)).toEqual(["c1", ""]);
  expect(toMapping(rows)).toEqual([
    { header: "company", columnId: "c1" },
    { header: "Extra", name: "Extra", type: "number" },
  ]);
});

it("polls an import within the limits: soon at first, then at most every four seconds", () => {
  const pauses = Array.from({ length: 40 }, (_, n) => pollPause(n));
  for (let i = 1; i < pauses.length; i++) expect(pauses[i]).toBeGreaterThanOrEqual(pauses[i - 1]!);
  expect(Math.max(...pauses)).toBe(4000);
  let time = 0;
  const inFirstMinute = pauses.filter((p) => {
    time += p;
    return time < 60_000;
  }).length;
  expect(inFirstMinute).toBeLessThan(30);
});
