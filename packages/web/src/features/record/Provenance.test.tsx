import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { HttpResponse, http, type StoredTable, server, state, withFixture } from "../../../tests/msw";
import { setTokens } from "../../api/session";
import { useCatalogue } from "../../stores/catalogue";
import { adoptRows, useGrid } from "../../stores/grid";
import { Provenance } from "./Provenance";

withFixture();
let t: StoredTable;
let workspaceId = "";

beforeEach(async () => {
  const session = state.backend.addUser("ada@example.com", "correct horse battery", "Ada");
  setTokens(session);
  workspaceId = session.workspace!.id;
  t = state.backend.addTable("T", [{ name: "Industry", type: "text", key: "industry" }], [["Software"]]);
  const row = t.rows[0]!;
  const column = t.table.columns[0]!.id;
  row.cells = {
    [column]: {
      status: "complete",
      provider: "pdl-company",
      confidence: 0.87,
      costCredits: 2,
      updatedAt: "2026-11-24T10:00:00Z",
    },
  };
  const attempt = (provider: string, outcome: string, credits: number, error?: string) => ({
    idempotencyKey: `j:1:industry:${provider}`,
    provider,
    outcome,
    credits,
    latencyMs: 120,
    cached: false,
    error,
  });
  t.attempts.set(`${row.id}:${column}`, [
    attempt("hunter-company", "miss", 0),
    attempt("abstract-company", "retryable_error", 0, "answered 503"),
    attempt("pdl-company", "hit", 2),
  ]);
  useGrid.setState({ tableId: null });
  useCatalogue.setState({ workspaceId: null, loaded: false });
  await useGrid.getState().open(workspaceId, t.table.id);
  await useCatalogue.getState().load(workspaceId);
  adoptRows(structuredClone(t.rows));
});

const open = (onClose = vi.fn()) => {
  render(
    <Provenance
      workspaceId={workspaceId}
      tableId={t.table.id}
      recordId={t.rows[0]!.id}
      column={t.table.columns[0]!}
      at={new DOMRect(10, 10, 100, 30)}
      onClose={onClose}
    />,
  );
  return onClose;
};

it("tells value, provider, source, confidence, cost and everybody who was asked, in order", async () => {
  open();
  const card = await screen.findByRole("dialog", { name: "Where Industry came from" });
  expect(await screen.findByText("87%")).toBeInTheDocument();
  expect(card).toHaveTextContent("Software");
  expect(card).toHaveTextContent("Sandbox demo data");
  expect(card).toHaveTextContent("The real provider was not asked");
  expect(card).toHaveTextContent("2 credits");
  const steps = screen.getAllByRole("listitem").map((li) => li.textContent);
  expect(steps[0]).toMatch(/Hunter Company nothing found.*free/);
  expect(steps[1]).toMatch(/Abstract Company Enrichment failed.*answered 503/);
  expect(steps[2]).toMatch(/People Data Labs Company found.*2 cr/);
});

it("closes on Escape", async () => {
  const onClose = open();
  await screen.findByText("87%");
  await userEvent.keyboard("{Escape}");
  expect(onClose).toHaveBeenCalled();
});

it("offers another try when its history cannot be had", async () => {
  server.use(http.get("*/provenance", () => HttpResponse.error(), { once: true }));
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("87%")).toBeInTheDocument();
});
