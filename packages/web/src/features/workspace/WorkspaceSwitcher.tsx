// Shows the open workspace and changes to another.
import { useState } from "react";
import { useNavigate } from "react-router";
import { useActiveWorkspace, useWorkspace } from "../../stores/workspace";
import { Icon } from "../../ui/Icon";
import { below, Menu, type MenuAt } from "../../ui/Menu";
import { ROLE_NAMES } from "./permissions";

export function WorkspaceSwitcher({ onCreate }: { onCreate: () => void }) {
  const active = useActiveWorkspace();
  const workspaces = useWorkspace((s) => s.workspaces);
  const navigate = useNavigate();
  const [at, setAt] = useState<MenuAt | null>(null);
  return (
    <>
      <button
        type="button"
        className="nav-item switcher"
        aria-haspopup="menu"
        aria-label={`Workspace ${active?.name ?? ""}, change`}
        onClick={(e) => setAt(below(e.currentTarget))}
      >
        <span className="initial" aria-hidden="true">
          {(active?.name ?? "?").slice(0, 1).toUpperCase()}
        </span>
        <span className="grow ellipsis">{active?.name}</span>
        <Icon name="down" size={16} />
      </button>
      {at && (
        <Menu
          at={at}
          label="Workspaces"
          onClose={() => setAt(null)}
          items={[
            ...workspaces.map((w) => ({
              label: w.name,
              checked: w.id === active?.id,
              end: w.id === active?.id ? undefined : ROLE_NAMES[w.role],
              run: () => navigate(`/w/${w.id}`),
            })),
            "separator" as const,
            { label: "New workspace", icon: "plus" as const, run: onCreate },
          ]}
        />
      )}
    </>
  );
}
