import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { HttpResponse, http, type StoredTable, server, state, withFixture } from "../../../tests/msw";
import { setTokens } from "../../api/session";
import { useCatalogue } from "../../stores/catalogue";
import { useGrid } from "../../stores/grid";
import { useJobs } from "../../stores/job";
import { useWorkspace } from "../../stores/workspace";
import { buildRequest, EnrichPanel } from "./EnrichPanel";

withFixture();
let t: StoredTable;
let workspaceId = "";

beforeEach(async () => {
  const session = state.backend.addUser("ada@example.com", "correct horse battery", "Ada");
  setTokens(session);
  workspaceId = session.workspace!.id;
  t = state.backend.addTable(
    "Firms",
    [
      { name: "Company", type: "text", key: "company_name" },
      { name: "Website", type: "url", key: "website" },
    ],
    [
      ["Apple", "apple.com"],
      ["SAP", "sap.com"],
    ],
  );
  useGrid.setState({ tableId: null });
  useCatalogue.setState({ workspaceId: null, loaded: false, fields: [] });
  useJobs.setState({ workspaceId, jobs: [], loaded: true });
  useWorkspace.setState({ workspaces: [session.workspace!], activeId: workspaceId, loaded: true });
  await useGrid.getState().open(workspaceId, t.table.id);
  await useCatalogue.getState().load(workspaceId);
});

const open = (props: Partial<Parameters<typeof EnrichPanel>[0]> = {}) => {
  const onStarted = vi.fn();
  const onClose = vi.fn();
  render(
    <EnrichPanel
      workspaceId={workspaceId}
      tableId={t.table.id}
      start="suggested"
      onClose={onClose}
      onStarted={onStarted}
      {...props}
    />,
  );
  return { onStarted, onClose };
};

it("prepares the suggested columns, quotes, and spends nothing before Run is pressed", async () => {
  const { onStarted } = open();
  const quote = await screen.findByTestId("quote", undefined, { timeout: 5000 });
  expect(quote).toHaveTextContent("Quote for 10 cells");
  expect(quote).toHaveTextContent(/never more than \d+/);
  expect(t.table.columns.map((c) => c.key)).toEqual([
    "company_name",
    "website",
    "industry",
    "employee_count",
    "country",
    "description",
    "email",
  ]);
  expect(state.backend.jobs.size).toBe(0);
  await userEvent.click(screen.getByTestId("run-enrichment"));
  await waitFor(() => expect(onStarted).toHaveBeenCalled());
  expect(state.backend.jobs.size).toBe(1);
  expect(useJobs.getState().jobs).toHaveLength(1);
});

it("takes the columns that it added away again when nothing is run", async () => {
  const { onClose } = open();
  await screen.findByTestId("quote", undefined, { timeout: 5000 });
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(onClose).toHaveBeenCalled();
  await waitFor(() => expect(t.table.columns).toHaveLength(2));
});

it("orders the waterfall by the arrow buttons and quotes anew", async () => {
  open();
  await screen.findByTestId("quote", undefined, { timeout: 5000 });
  await userEvent.click(screen.getByRole("button", { name: /^Industry/ }));
  const steps = () => screen.getAllByRole("listitem").filter((li) => li.className.includes("step"));
  const names = () =>
    steps().map(
      (li) => within(li).getByText(/Hunter|People|Abstract/, { selector: ".step-name" }).textContent,
    );
  expect(names()).toEqual(["Hunter Company", "People Data Labs Company", "Abstract Company Enrichment"]);
  await userEvent.click(screen.getByRole("button", { name: "Ask Hunter Company later" }));
  expect(names()[0]).toBe("People Data Labs Company");
  await userEvent.click(screen.getByRole("button", { name: "Do not ask Abstract Company Enrichment" }));
  expect(names()).toEqual(["People Data Labs Company", "Hunter Company"]);
});

it("says what is wrong when the quote is refused, and does not let it run", async () => {
  server.use(
    http.post("*/jobs/estimate", () =>
      HttpResponse.json(
        {
          success: false,
          data: null,
          error: {
            code: "VALIDATION_ERROR",
            message: "no",
            details: [{ path: "/fields/0/waterfall", rule: "input", message: "no column gives a domain" }],
          },
          meta: null,
        },
        { status: 400 },
      ),
    ),
  );
  open();
  expect(
    await screen.findByText(/no column gives a domain/, undefined, { timeout: 5000 }),
  ).toBeInTheDocument();
  expect(screen.getByTestId("run-enrichment")).toBeDisabled();
});

it("warns when the credits do not cover the most it can cost", async () => {
  useWorkspace.setState((s) => ({
    workspaces: s.workspaces.map((w) => ({ ...w, credits: { available: 3, reserved: 0, spent: 0 } })),
  }));
  open();
  expect(await screen.findByText(/You have 3 credits/, undefined, { timeout: 5000 })).toBeInTheDocument();
});

it("asks only for what was chosen", () => {
  const targets = [{ columnId: "c", output: "industry", waterfall: ["a", "b"] }];
  expect(buildRequest("t", targets, { onlyIfEmpty: true, minConfidence: 0, budget: null })).toEqual({
    tableId: "t",
    fields: [{ columnId: "c", output: "industry", waterfall: ["a", "b"], onlyIfEmpty: true }],
  });
  expect(
    buildRequest("t", targets, { onlyIfEmpty: false, minConfidence: 0.8, budget: 50, recordIds: ["r"] }),
  ).toMatchObject({ recordIds: ["r"], budget: 50, fields: [{ minConfidence: 0.8, onlyIfEmpty: false }] });
});
