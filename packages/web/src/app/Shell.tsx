// The frame around every signed-in screen: sidebar, top bar, jobs drawer.
import { lazy, Suspense, useEffect, useState } from "react";
import { Link, NavLink, Outlet, useNavigate, useParams } from "react-router";
import { JobsDrawer } from "../features/enrichment/JobsDrawer";
import { useJobPolling } from "../features/enrichment/useJobPolling";
import { useRole } from "../features/workspace/useRole";
import { WorkspaceSwitcher } from "../features/workspace/WorkspaceSwitcher";
import { credits } from "../lib/format";
import { useAuth } from "../stores/auth";
import { useCatalogue, useSandbox } from "../stores/catalogue";
import { isTerminal, useJobs } from "../stores/job";
import { useUi } from "../stores/ui";
import { useActiveWorkspace, useWorkspace } from "../stores/workspace";
import { Icon, type IconName, Logo } from "../ui/Icon";
import { below, Menu, type MenuAt } from "../ui/Menu";
import { ErrorState, Loading } from "../ui/States";
import { NotFoundPage } from "./NotFoundPage";

const CreateWorkspaceDialog = lazy(() => import("../features/workspace/CreateWorkspaceDialog"));

function NavItem({ to, icon, label, end }: { to: string; icon: IconName; label: string; end?: boolean }) {
  return (
    <NavLink to={to} end={end} className="nav-item" title={label}>
      <Icon name={icon} />
      <span>{label}</span>
    </NavLink>
  );
}

function UserMenu() {
  const user = useAuth((s) => s.user);
  const signOut = useAuth((s) => s.signOut);
  const navigate = useNavigate();
  const [at, setAt] = useState<MenuAt | null>(null);
  const name = user?.name || user?.email || "Account";
  return (
    <>
      <button
        type="button"
        className="nav-item user"
        aria-haspopup="menu"
        onClick={(e) =>
          setAt({ ...below(e.currentTarget), y: e.currentTarget.getBoundingClientRect().top - 110 })
        }
      >
        <span className="avatar" aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
        </span>
        <span className="grow ellipsis">{name}</span>
      </button>
      {at && (
        <Menu
          at={at}
          label="Account"
          onClose={() => setAt(null)}
          items={[
            { title: user?.email ?? "" },
            "separator",
            {
              label: "Sign out",
              icon: "logout",
              run: () => {
                void signOut().then(() => {
                  useWorkspace.getState().reset();
                  navigate("/login");
                });
              },
            },
          ]}
        />
      )}
    </>
  );
}

function CreditsChip() {
  const workspace = useActiveWorkspace();
  const c = workspace?.credits;
  if (!c) return null;
  return (
    <span
      className="credits"
      title={`${credits(c.available)} available · ${credits(c.reserved)} reserved for running jobs · ${credits(c.spent)} spent`}
    >
      <Icon name="coin" />
      <b className="num" data-testid="credits">
        {credits(c.available)}
      </b>
      <span>credits</span>
      {c.reserved > 0 && <span className="reserved num">{credits(c.reserved)} reserved</span>}
    </span>
  );
}

function JobsButton() {
  const setOpen = useUi((s) => s.setJobsOpen);
  const open = useUi((s) => s.jobsOpen);
  const running = useJobs((s) => s.jobs.filter((j) => !isTerminal(j.status)).length);
  return (
    <button type="button" className="btn ghost small" aria-expanded={open} onClick={() => setOpen(!open)}>
      {running > 0 ? <span className="spinner" /> : <Icon name="jobs" />}
      Jobs
      {running > 0 && <span className="badge good num">{running}</span>}
    </button>
  );
}

export function Shell() {
  const { workspaceId = "" } = useParams();
  const { workspaces, loaded, error, load, activate } = useWorkspace();
  const activeId = useWorkspace((s) => s.activeId);
  const loadCatalogue = useCatalogue((s) => s.load);
  const catalogueError = useCatalogue((s) => s.error);
  const sandbox = useSandbox();
  const collapsed = useUi((s) => s.sidebarCollapsed);
  const toggle = useUi((s) => s.toggleSidebar);
  const offline = useUi((s) => s.offline);
  const jobsOpen = useUi((s) => s.jobsOpen);
  const openJobs = useJobs((s) => s.open);
  const { can } = useRole();
  const [creating, setCreating] = useState(false);
  const known = workspaces.some((w) => w.id === workspaceId);

  useEffect(() => {
    if (!loaded) void load();
  }, [loaded, load]);
  useEffect(() => {
    if (!known) return;
    activate(workspaceId);
    openJobs(workspaceId);
    void loadCatalogue(workspaceId);
  }, [known, workspaceId, activate, openJobs, loadCatalogue]);
  useJobPolling();

  if (error && !loaded) return <ErrorState error={error} onRetry={() => void load()} />;
  if (!loaded) return <Loading label="Opening your workspace" />;
  if (!known) return <NotFoundPage />;
  if (activeId !== workspaceId) return <Loading />;
  const base = `/w/${workspaceId}`;

  return (
    <div className={`shell${collapsed ? " collapsed" : ""}`}>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <aside className="sidebar">
        <Link to={base} className="brand" aria-label="Millrace, your tables">
          <Logo />
          <span>Millrace</span>
        </Link>
        <WorkspaceSwitcher onCreate={() => setCreating(true)} />
        <nav aria-label="Main">
          <NavItem to={base} end icon="table" label="Tables" />
          <NavItem to={`${base}/providers`} icon="providers" label="Providers" />
          <p className="nav-title">Settings</p>
          <NavItem to={`${base}/settings/members`} icon="people" label="Members" />
          {can("manage_credentials") && (
            <NavItem to={`${base}/settings/credentials`} icon="key" label="Credentials" />
          )}
          <NavItem to={`${base}/settings/workspace`} icon="cog" label="Workspace" />
        </nav>
        <div className="grow" />
        <button type="button" className="nav-item" onClick={toggle} aria-expanded={!collapsed}>
          <Icon name="panel" />
          <span>{collapsed ? "Expand" : "Collapse"}</span>
        </button>
        <UserMenu />
      </aside>
      <div className="main">
        {offline && (
          <div className="strip offline" role="status">
            <Icon name="wifiOff" /> You are offline. Changes are kept here and saved when the connection is
            back.
          </div>
        )}
        {catalogueError !== null && (
          <div className="strip offline" role="status">
            <Icon name="warn" /> The provider catalogue could not be loaded.
            <button type="button" className="link" onClick={() => void loadCatalogue(workspaceId)}>
              Try again
            </button>
          </div>
        )}
        <header className="topbar">
          <div id="topbar-slot" className="grow row" />
          {sandbox && (
            <Link
              to={`${base}/providers`}
              className="badge sandbox"
              title="Answers come from Millrace's own sandbox, which plays the providers over shipped demo data. Nothing real is asked or paid."
            >
              Sandbox mode
            </Link>
          )}
          <CreditsChip />
          <JobsButton />
        </header>
        <div className="content" id="content">
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
          {jobsOpen && <JobsDrawer />}
        </div>
      </div>
      {creating && (
        <Suspense fallback={null}>
          <CreateWorkspaceDialog onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </div>
  );
}
