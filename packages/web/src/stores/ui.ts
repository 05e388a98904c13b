// Interface state: toasts, connection, sidebar.
import { create } from "zustand";

export type ToastKind = "success" | "info" | "warning" | "error";

export interface Toast {
  id: number;
  kind: ToastKind;
  title: string;
  detail?: string;
  action?: { label: string; run: () => void };
}

export const MAX_TOASTS = 5;
export const TOAST_MS = 5000;

/** Errors stay until they are dismissed; everything else goes by itself. */
export const autoDismisses = (kind: ToastKind): boolean => kind !== "error";

/** Adds a toast. At most five remain: the oldest that would go by itself makes room first. */
export function addToast(list: readonly Toast[], toast: Toast): Toast[] {
  const same = list.find(
    (t) => t.kind === toast.kind && t.title === toast.title && t.detail === toast.detail,
  );
  const out = [...list.filter((t) => t !== same), toast];
  while (out.length > MAX_TOASTS) {
    const i = out.findIndex((t) => autoDismisses(t.kind));
    out.splice(i >= 0 && i < out.length - 1 ? i : 0, 1);
  }
  return out;
}

const SIDEBAR_KEY = "millrace.sidebarCollapsed";

interface UiState {
  toasts: Toast[];
  offline: boolean;
  sidebarCollapsed: boolean;
  jobsOpen: boolean;
  toast: (kind: ToastKind, title: string, detail?: string, action?: Toast["action"]) => number;
  dismiss: (id: number) => void;
  setOffline: (offline: boolean) => void;
  toggleSidebar: () => void;
  setJobsOpen: (open: boolean) => void;
}

let nextId = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

export const useUi = create<UiState>((set, get) => ({
  toasts: [],
  offline: typeof navigator !== "undefined" && navigator.onLine === false,
  sidebarCollapsed: localStorage.getItem(SIDEBAR_KEY) === "1",
  jobsOpen: false,
  toast: (kind, title, detail, action) => {
    const id = nextId++;
    set((s) => ({ toasts: addToast(s.toasts, { id, kind, title, detail, action }) }));
    if (autoDismisses(kind))
      timers.set(
        id,
        setTimeout(() => get().dismiss(id), TOAST_MS),
      );
    return id;
  },
  dismiss: (id) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
    set((s) => ({ toasts: s.toasts.filter((t) => t.id !== id) }));
  },
  setOffline: (offline) => {
    if (get().offline !== offline) set({ offline });
  },
  toggleSidebar: () => {
    const sidebarCollapsed = !get().sidebarCollapsed;
    localStorage.setItem(SIDEBAR_KEY, sidebarCollapsed ? "1" : "0");
    set({ sidebarCollapsed });
  },
  setJobsOpen: (jobsOpen) => set({ jobsOpen }),
}));

export const toast = (kind: ToastKind, title: string, detail?: string, action?: Toast["action"]): number =>
  useUi.getState().toast(kind, title, detail, action);
