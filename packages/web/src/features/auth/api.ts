// Auth routes. They carry no bearer token: a refusal here must not start a refresh.
import { api, apiClient } from "../../api/client";
import type { Session, User, Workspace } from "../../api/types";

const anonymous = { anonymous: true, quiet: true };

export const login = (email: string, password: string): Promise<Session> =>
  api.post("/auth/login", { email, password }, anonymous);

export const loginByLink = (token: string): Promise<Session> => api.post("/auth/link", { token }, anonymous);

export interface Registration {
  email: string;
  password: string;
  name: string;
  workspaceName?: string;
}

export const register = (input: Registration): Promise<Session> =>
  api.post("/auth/register", input, anonymous);

export const refresh = (refreshToken: string): Promise<Session> =>
  api.post("/auth/refresh", { refreshToken }, anonymous);

export const logout = (refreshToken: string): Promise<null> =>
  api.post("/auth/logout", { refreshToken }, { quiet: true });

export const forgotPassword = (email: string): Promise<null> =>
  api.post("/auth/password/forgot", { email }, anonymous);

export const resetPassword = (token: string, password: string): Promise<null> =>
  api.post("/auth/password/reset", { token, password }, anonymous);

/** The signed-in user; the server may send it bare or beside the workspaces. */
export async function me(): Promise<User> {
  const data = (
    await apiClient.get<User | { user: User; workspaces?: Workspace[] }>("/auth/me", { quiet: true })
  ).data;
  return "user" in data ? data.user : data;
}
