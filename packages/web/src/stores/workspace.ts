// The workspaces of the signed-in user, the open one, and its credits.
import { create } from "zustand";
import type { Credits, Job, Workspace } from "../api/types";
import * as workspaceApi from "../features/workspace/api";

const ACTIVE_KEY = "millrace.activeWorkspace";

interface WorkspaceState {
  workspaces: Workspace[];
  activeId: string | null;
  loaded: boolean;
  error: unknown;
  load: () => Promise<void>;
  activate: (id: string) => void;
  upsert: (workspace: Workspace) => void;
  remove: (id: string) => void;
  refreshCredits: () => Promise<void>;
  /** Moves the credits shown by what a job has spent and given back since `before`. */
  applyJob: (before: Job["credits"] | null, after: Job["credits"]) => void;
  reset: () => void;
}

/** The credits after a job's own counters moved. */
export function moveCredits(c: Credits, before: Job["credits"], after: Job["credits"]): Credits {
  const spent = after.spent - before.spent;
  const reserved = after.reserved - before.reserved;
  const refunded = after.refunded - before.refunded;
  // `reserved` of a job is what it set aside in all: spending and refunds come out of it.
  return {
    available: c.available - reserved + refunded,
    reserved: Math.max(0, c.reserved + reserved - spent - refunded),
    spent: c.spent + spent,
  };
}

export const useWorkspace = create<WorkspaceState>((set, get) => ({
  workspaces: [],
  activeId: localStorage.getItem(ACTIVE_KEY),
  loaded: false,
  error: null,

  load: async () => {
    try {
      const { items } = await workspaceApi.listWorkspaces();
      set((s) => ({
        workspaces: items,
        loaded: true,
        error: null,
        activeId: items.some((w) => w.id === s.activeId) ? s.activeId : (items[0]?.id ?? null),
      }));
    } catch (error) {
      set({ error });
    }
  },

  activate: (id) => {
    if (get().activeId === id) return;
    localStorage.setItem(ACTIVE_KEY, id);
    set({ activeId: id });
  },

  upsert: (workspace) =>
    set((s) => ({
      workspaces: s.workspaces.some((w) => w.id === workspace.id)
        ? s.workspaces.map((w) => (w.id === workspace.id ? { ...w, ...workspace } : w))
        : [...s.workspaces, workspace],
    })),

  remove: (id) =>
    set((s) => {
      const workspaces = s.workspaces.filter((w) => w.id !== id);
      return { workspaces, activeId: s.activeId === id ? (workspaces[0]?.id ?? null) : s.activeId };
    }),

  refreshCredits: async () => {
    const id = get().activeId;
    if (!id) return;
    try {
      get().upsert(await workspaceApi.getWorkspace(id));
    } catch {
      // The figures on screen stay as they are; the next event or visit brings new ones.
    }
  },

  applyJob: (before, after) => {
    if (!before) return;
    set((s) => ({
      workspaces: s.workspaces.map((w) =>
        w.id === s.activeId && w.credits ? { ...w, credits: moveCredits(w.credits, before, after) } : w,
      ),
    }));
  },

  reset: () => set({ workspaces: [], loaded: false, error: null }),
}));

export const useActiveWorkspace = (): Workspace | null =>
  useWorkspace((s) => s.workspaces.find((w) => w.id === s.activeId) ?? null);
