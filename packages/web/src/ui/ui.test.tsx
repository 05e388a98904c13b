import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { useUi } from "../stores/ui";
import { ConfirmDialog } from "./Dialog";
import { Menu } from "./Menu";
import { ErrorState } from "./States";
import { Toasts } from "./Toasts";

beforeEach(() => useUi.setState({ toasts: [] }));

it("a menu is walked by arrows and letters, skips what is disabled, and closes on Escape", async () => {
  const close = vi.fn();
  const run = vi.fn();
  render(
    <Menu
      at={{ x: 0, y: 0 }}
      label="Row"
      onClose={close}
      items={[
        { label: "Copy", run: () => undefined },
        { label: "Clear", disabled: true, run: () => undefined },
        "separator",
        { label: "Delete", danger: true, run },
      ]}
    />,
  );
  expect(screen.getByRole("menuitem", { name: "Copy" })).toHaveFocus();
  await userEvent.keyboard("{ArrowDown}");
  expect(screen.getByRole("menuitem", { name: "Delete" })).toHaveFocus();
  await userEvent.keyboard("{ArrowDown}");
  expect(screen.getByRole("menuitem", { name: "Copy" })).toHaveFocus();
  await userEvent.keyboard("d{Enter}");
  expect(run).toHaveBeenCalled();
  expect(close).toHaveBeenCalledTimes(1);
  await userEvent.keyboard("{Escape}");
  expect(close).toHaveBeenCalledTimes(2);
});

it("errors are announced at once, news politely, and both can be dismissed", async () => {
  render(<Toasts />);
  useUi.getState().toast("error", "It broke");
  useUi.getState().toast("success", "It works");
  expect(await screen.findByRole("alert")).toHaveTextContent("It broke");
  expect(screen.getByRole("status")).toHaveTextContent("It works");
  await userEvent.click(screen.getAllByRole("button", { name: "Dismiss" })[0]!);
  expect(screen.queryByRole("alert")).toBeNull();
});

it("a confirmation names what it does and acts only when told", async () => {
  const yes = vi.fn();
  const no = vi.fn();
  render(
    <ConfirmDialog title="Delete it?" text="For good." action="Delete" danger onConfirm={yes} onClose={no} />,
  );
  await userEvent.click(screen.getByRole("button", { name: "Keep as it is" }));
  expect(no).toHaveBeenCalled();
  expect(yes).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Delete" }));
  expect(yes).toHaveBeenCalled();
});

it("a failed screen says why and offers another try", async () => {
  const again = vi.fn();
  render(<ErrorState error={new Error("The server cannot be reached.")} onRetry={again} />);
  expect(screen.getByRole("alert")).toHaveTextContent("The server cannot be reached.");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(again).toHaveBeenCalled();
});
