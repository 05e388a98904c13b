import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MemoryRouter, Route, Routes } from "react-router";
import { beforeEach, expect, it } from "vitest";
import { state, withFixture } from "../../../tests/msw";
import { endSession } from "../../api/session";
import { useAuth } from "../../stores/auth";
import { LoginPage, safeNext } from "./LoginPage";
import { RegisterPage } from "./RegisterPage";

withFixture();
beforeEach(() => {
  endSession();
  useAuth.setState({ status: "signed-out", user: null });
});

const at = (path: string) =>
  render(
    <MemoryRouter initialEntries={[path]}>
      <Routes>
        <Route path="/login" element={<LoginPage />} />
        <Route path="/register" element={<RegisterPage />} />
        <Route path="*" element={<p>inside</p>} />
      </Routes>
    </MemoryRouter>,
  );

it("signs in with the right password and says so when it is wrong", async () => {
  state.backend.addUser("ada@example.com", "correct horse battery", "Ada");
  const user = userEvent.setup();
  at("/login");
  await user.type(screen.getByLabelText("E-mail"), "ada@example.com");
  await user.type(screen.getByLabelText("Password"), "wrong");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("E-mail or password is wrong");
  await user.clear(screen.getByLabelText("Password"));
  await user.type(screen.getByLabelText("Password"), "correct horse battery");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText("inside")).toBeInTheDocument();
  expect(useAuth.getState().user?.name).toBe("Ada");
});

it("lands signed in from a first-login link", async () => {
  at("/login?token=first");
  expect(await screen.findByText("inside")).toBeInTheDocument();
  expect(useAuth.getState().status).toBe("signed-in");
});

it("falls back to the form when the link was used", async () => {
  at("/login?token=used");
  expect(await screen.findByRole("alert")).toHaveTextContent("no longer works");
  expect(screen.getByLabelText("Password")).toBeInTheDocument();
});

it("shows every fault of a registration at its field", async () => {
  const user = userEvent.setup();
  at("/register");
  await user.type(screen.getByLabelText("Name"), "Bob");
  await user.type(screen.getByLabelText("E-mail"), "bob");
  await user.type(screen.getByLabelText("Password"), "short");
  await user.click(screen.getByRole("button", { name: "Create account" }));
  expect(await screen.findByText("must be an e-mail address")).toBeInTheDocument();
  expect(screen.getByText("must have at least 8 characters")).toBeInTheDocument();
});

it("never follows a next address to another site", () => {
  expect(safeNext("/w/1")).toBe("/w/1");
  for (const bad of [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    null,
  ])
    expect(safeNext(bad)).toBe("/");
});
