// Credential routes. The key itself goes to the server and never comes back.
import { api, slowApi, ws } from "../../api/client";
import type { Credential, Page } from "../../api/types";

export const listCredentials = (workspaceId: string): Promise<Page<Credential>> =>
  api.page(`${ws(workspaceId)}/credentials`, { quiet: true });
export const addCredential = (
  workspaceId: string,
  input: { provider: string; name?: string; value: string },
): Promise<Credential> => api.post(`${ws(workspaceId)}/credentials`, input, { quiet: true });
export const deleteCredential = (workspaceId: string, id: string): Promise<null> =>
  api.del(`${ws(workspaceId)}/credentials/${id}`, undefined, { quiet: true });
export const testCredential = (
  workspaceId: string,
  id: string,
): Promise<{ ok?: boolean; success?: boolean; valid?: boolean; message?: string }> =>
  slowApi.post(`${ws(workspaceId)}/credentials/${id}/test`, {}, { quiet: true });
