import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { beforeEach, expect, it } from "vitest";
import { http, server, state, withFixture } from "../../../tests/msw";
import { setTokens } from "../../api/session";
import type { Role } from "../../api/types";
import { useWorkspace } from "../../stores/workspace";
import { sampleCsv } from "../import/sample";
import { TablesPage } from "./TablesPage";

withFixture();

function as(role: Role): void {
  const session = state.backend.addUser("ada@example.com", "correct horse battery", "Ada");
  setTokens(session);
  useWorkspace.setState({
    workspaces: [{ ...session.workspace!, role }],
    activeId: session.workspace!.id,
    loaded: true,
  });
}

function Elsewhere() {
  const { pathname, state: passed } = useLocation();
  return (
    <p>
      at {pathname} {JSON.stringify(passed)}
    </p>
  );
}

const show = () =>
  render(
    <MemoryRouter>
      <Routes>
        <Route path="/" element={<TablesPage />} />
        <Route path="*" element={<Elsewhere />} />
      </Routes>
    </MemoryRouter>,
  );

beforeEach(() => as("owner"));

it("takes a newcomer from nothing to the sample table, with the enrichment open", async () => {
  server.use(http.post("*/imports", () => state.backend.upload(sampleCsv(), null)));
  show();
  expect(await screen.findByText("Drop a CSV here")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Try with sample companies" }));
  const text = await screen.findByText(/^at \/w\//);
  expect(text).toHaveTextContent('"suggest":"open"');
  const table = [...state.backend.tables.values()][0]!;
  expect(table.table.name).toBe("Sample companies");
  expect(table.rows).toHaveLength(24);
});

it("lists tables with their size", async () => {
  state.backend.addTable("Leads", [{ name: "Company", type: "text" }], [["a"], ["b"]]);
  show();
  const link = await screen.findByRole("link", { name: /Leads/ });
  expect(link).toHaveTextContent("2 rows");
});

it("offers a viewer nothing that would be refused", async () => {
  as("viewer");
  state.backend.addTable("Leads", [{ name: "Company", type: "text" }], []);
  show();
  await screen.findByRole("link", { name: /Leads/ });
  expect(screen.queryByRole("button", { name: "Import CSV" })).toBeNull();
  expect(screen.queryByRole("button", { name: /More about/ })).toBeNull();
});
