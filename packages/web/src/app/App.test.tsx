import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { App } from "./App";

it("sends a visitor without a session to the sign-in screen", async () => {
  render(<App />);
  expect(await screen.findByRole("heading", { name: "Welcome back" })).toBeInTheDocument();
});
