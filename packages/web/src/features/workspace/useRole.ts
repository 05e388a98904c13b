// The signed-in user's role in the open workspace, and what it allows.
import { useCallback } from "react";
import { useWorkspace } from "../../stores/workspace";
import { type Action, can } from "./permissions";

export function useRole() {
  const role = useWorkspace((s) => s.workspaces.find((w) => w.id === s.activeId)?.role ?? null);
  return { role, can: useCallback((action: Action) => can(role, action), [role]) };
}
