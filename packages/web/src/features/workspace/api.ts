// Workspace routes.
import { api, ws } from "../../api/client";
import type { Page, Workspace } from "../../api/types";

export const listWorkspaces = (): Promise<Page<Workspace>> => api.page("/workspaces");
export const getWorkspace = (id: string): Promise<Workspace> => api.get(ws(id), { quiet: true });
export const createWorkspace = (name: string): Promise<Workspace> =>
  api.post("/workspaces", { name }, { quiet: true });
export const renameWorkspace = (id: string, name: string): Promise<Workspace> =>
  api.patch(ws(id), { name }, { quiet: true });
export const deleteWorkspace = (id: string): Promise<null> => api.del(ws(id));
