// Who is signed in.
import { create } from "zustand";
import { connectAuthStore, connectUIStore } from "../api/client";
import { ApiError } from "../api/envelope";
import {
  connectSession,
  endSession,
  getRefreshToken,
  hasSession,
  refreshAccessToken,
  setTokens,
} from "../api/session";
import type { Session, User } from "../api/types";
import * as authApi from "../features/auth/api";
import { useUi } from "./ui";

type Status = "unknown" | "signed-in" | "signed-out";

interface AuthState {
  status: Status;
  user: User | null;
  /** Seconds until the server lets us ask again, while it holds us off at start. */
  waiting: number | null;
  accept: (session: Session) => void;
  restore: () => Promise<void>;
  signOut: () => Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

export const useAuth = create<AuthState>((set, get) => ({
  status: "unknown",
  user: null,
  waiting: null,

  accept: (session) => {
    setTokens(session);
    set({ status: "signed-in", user: session.user, waiting: null });
  },

  restore: async () => {
    if (get().status === "signed-in") return;
    if (!hasSession()) {
      set({ status: "signed-out" });
      return;
    }
    // A server that is starting or asks us to wait does not end the session: keep trying.
    for (let attempt = 0; ; attempt++) {
      try {
        await refreshAccessToken();
        set({ status: "signed-in", user: get().user ?? (await authApi.me()), waiting: null });
        return;
      } catch (error) {
        if (get().status === "signed-out") return;
        if (!(error instanceof ApiError) || error.status === 401 || error.status === 403) {
          set({ status: "signed-out", waiting: null });
          return;
        }
        const wait = Math.min(60, error.retryAfter ?? Math.min(15, 2 ** attempt));
        set({ waiting: wait });
        await sleep(wait * 1000);
      }
    }
  },

  signOut: async () => {
    const token = getRefreshToken();
    if (token) await authApi.logout(token).catch(() => undefined);
    endSession();
    set({ status: "signed-out", user: null });
  },
}));

const lost = (): void => {
  if (useAuth.getState().status !== "signed-out") useAuth.setState({ status: "signed-out", user: null });
};

connectSession({
  refresh: async (refreshToken) => {
    const session = await authApi.refresh(refreshToken);
    if (session.user) useAuth.setState({ user: session.user });
    return session;
  },
  onEnd: lost,
});
connectAuthStore({ onSessionLost: lost });
connectUIStore({
  toast: (kind, title, detail) => {
    useUi.getState().toast(kind, title, detail);
  },
  setOffline: (offline) => useUi.getState().setOffline(offline),
});
