// The open workspace's providers, and the fields they know: loaded once for each workspace.
import { create } from "zustand";
import type { FieldDef, Provider } from "../api/types";
import * as providerApi from "../features/provider/api";

interface CatalogueState {
  providers: Provider[];
  fields: FieldDef[];
  loaded: boolean;
  error: unknown;
  workspaceId: string | null;
  /** Loads what is not there yet; `again` when a change (a credential) may have altered it. */
  load: (workspaceId: string, again?: boolean) => Promise<void>;
}

let loading: Promise<void> | null = null;

export const useCatalogue = create<CatalogueState>((set, get) => ({
  providers: [],
  fields: [],
  loaded: false,
  error: null,
  workspaceId: null,
  load: (workspaceId, again = false) => {
    if (get().workspaceId !== workspaceId) {
      loading = null;
      set({ workspaceId, providers: [], loaded: false, error: null });
    } else if (get().loaded && !again) return Promise.resolve();
    const fields = get().fields.length > 0 ? Promise.resolve(get().fields) : providerApi.listFields();
    loading ??= Promise.all([providerApi.listProviders(workspaceId), fields])
      .then(([providers, known]) => {
        if (get().workspaceId === workspaceId) set({ providers, fields: known, loaded: true, error: null });
      })
      .catch((error: unknown) => {
        if (get().workspaceId === workspaceId) set({ error });
      })
      .finally(() => {
        loading = null;
      });
    return loading;
  },
}));

/** Whether answers here come from the sandbox, which must be plain to see. */
export const useSandbox = (): boolean => useCatalogue((s) => s.providers.some((p) => p.source === "sandbox"));
