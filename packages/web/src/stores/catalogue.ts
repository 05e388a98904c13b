// Providers and fields: loaded once, they change only when the server does.
import { create } from "zustand";
import type { FieldDef, Provider } from "../api/types";
import * as providerApi from "../features/provider/api";

interface CatalogueState {
  providers: Provider[];
  fields: FieldDef[];
  loaded: boolean;
  error: unknown;
  load: () => Promise<void>;
}

let loading: Promise<void> | null = null;

export const useCatalogue = create<CatalogueState>((set, get) => ({
  providers: [],
  fields: [],
  loaded: false,
  error: null,
  load: () => {
    if (get().loaded) return Promise.resolve();
    loading ??= Promise.all([providerApi.listProviders(), providerApi.listFields()])
      .then(([providers, fields]) => set({ providers, fields, loaded: true, error: null }))
      .catch((error: unknown) => set({ error }))
      .finally(() => {
        loading = null;
      });
    return loading;
  },
}));

/** Whether answers here come from the sandbox, which must be plain to see. */
export const useSandbox = (): boolean => useCatalogue((s) => s.providers.some((p) => p.source === "sandbox"));
