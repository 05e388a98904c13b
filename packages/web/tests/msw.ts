// MSW over the fixture server: component tests speak real HTTP semantics to it.
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { FixtureServer } from "./fixture/server";

export const state: { backend: FixtureServer } = { backend: new FixtureServer() };

export const server = setupServer(http.all("*/api/v1/*", ({ request }) => state.backend.handle(request)));

export function withFixture(): void {
  beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
  afterEach(() => {
    server.resetHandlers();
    state.backend = new FixtureServer();
  });
  afterAll(() => server.close());
}

export type { StoredTable } from "./fixture/server";
export { HttpResponse, http };
