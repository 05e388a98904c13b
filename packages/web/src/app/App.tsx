// Routes. Heavy screens are loaded when they are first visited.
import { lazy, Suspense, useEffect, useState } from "react";
import { createBrowserRouter, Navigate, Outlet, RouterProvider, useLocation } from "react-router";
import { ForgotPage } from "../features/auth/ForgotPage";
import { LoginPage } from "../features/auth/LoginPage";
import { RegisterPage } from "../features/auth/RegisterPage";
import { ResetPage } from "../features/auth/ResetPage";
import { TablesPage } from "../features/table/TablesPage";
import { useAuth } from "../stores/auth";
import { useUi } from "../stores/ui";
import { useWorkspace } from "../stores/workspace";
import { EmptyState, ErrorState, Loading } from "../ui/States";
import { Toasts } from "../ui/Toasts";
import { ErrorPage } from "./ErrorPage";
import { NotFoundPage } from "./NotFoundPage";
import { Shell } from "./Shell";

const TablePage = lazy(() => import("../features/table/TablePage"));
const ProvidersPage = lazy(() => import("../features/provider/ProvidersPage"));
const MembersPage = lazy(() => import("../features/team/MembersPage"));
const InvitationPage = lazy(() => import("../features/team/InvitationPage"));
const CredentialsPage = lazy(() => import("../features/credential/CredentialsPage"));
const CreateWorkspaceDialog = lazy(() => import("../features/workspace/CreateWorkspaceDialog"));
const WorkspacePage = lazy(() => import("../features/workspace/WorkspacePage"));

function Root() {
  return (
    <>
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
      <Toasts />
    </>
  );
}

function RequireAuth() {
  const status = useAuth((s) => s.status);
  const waiting = useAuth((s) => s.waiting);
  const restore = useAuth((s) => s.restore);
  const location = useLocation();
  useEffect(() => {
    if (status === "unknown") void restore();
  }, [status, restore]);
  if (status === "signed-out") {
    const to = location.pathname + location.search;
    return <Navigate to={to === "/" ? "/login" : `/login?next=${encodeURIComponent(to)}`} replace />;
  }
  if (status === "unknown")
    return (
      <Loading label={waiting ? `Waiting for the server, trying again in ${waiting} s` : "Signing you in"} />
    );
  return <Outlet />;
}

function Home() {
  const { loaded, error, activeId, load } = useWorkspace();
  const [creating, setCreating] = useState(false);
  useEffect(() => {
    if (!loaded) void load();
  }, [loaded, load]);
  if (error) return <ErrorState error={error} onRetry={() => void load()} />;
  if (!loaded) return <Loading />;
  if (activeId) return <Navigate to={`/w/${activeId}`} replace />;
  return (
    <main className="fill center">
      <EmptyState
        icon="table"
        title="You are in no workspace"
        text="Create one to keep tables in, or ask a colleague for an invitation."
      >
        <button type="button" className="btn primary" onClick={() => setCreating(true)}>
          New workspace
        </button>
      </EmptyState>
      {creating && <CreateWorkspaceDialog onClose={() => setCreating(false)} />}
    </main>
  );
}

const router = createBrowserRouter([
  {
    element: <Root />,
    errorElement: <ErrorPage />,
    children: [
      { path: "/login", element: <LoginPage /> },
      { path: "/register", element: <RegisterPage /> },
      { path: "/forgot", element: <ForgotPage /> },
      { path: "/reset", element: <ResetPage /> },
      { path: "/invitations/:token", element: <InvitationPage /> },
      {
        element: <RequireAuth />,
        children: [
          { path: "/", element: <Home /> },
          {
            path: "/w/:workspaceId",
            element: <Shell />,
            children: [
              { index: true, element: <TablesPage /> },
              { path: "tables/:tableId", element: <TablePage /> },
              { path: "providers", element: <ProvidersPage /> },
              { path: "settings/members", element: <MembersPage /> },
              { path: "settings/credentials", element: <CredentialsPage /> },
              { path: "settings/workspace", element: <WorkspacePage /> },
              { path: "*", element: <NotFoundPage /> },
            ],
          },
        ],
      },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
]);

export function App() {
  const setOffline = useUi((s) => s.setOffline);
  useEffect(() => {
    const on = () => setOffline(false);
    const off = () => setOffline(true);
    window.addEventListener("online", on);
    window.addEventListener("offline", off);
    return () => {
      window.removeEventListener("online", on);
      window.removeEventListener("offline", off);
    };
  }, [setOffline]);
  return <RouterProvider router={router} />;
}
