// What each role may do. The server enforces this; the app only hides what would be refused.
import type { Role } from "../../api/types";

export const ACTIONS = [
  "view_records",
  "export_csv",
  "edit_records",
  "add_records",
  "delete_records",
  "import_csv",
  "run_enrichment",
  "manage_columns",
  "manage_credentials",
  "manage_members",
  "edit_workspace",
  "delete_workspace",
  "manage_billing",
] as const;

export type Action = (typeof ACTIONS)[number];

const VIEWER: Action[] = ["view_records", "export_csv"];
const MEMBER: Action[] = [
  ...VIEWER,
  "edit_records",
  "add_records",
  "delete_records",
  "import_csv",
  "run_enrichment",
  "manage_columns",
];
const ADMIN: Action[] = [...MEMBER, "manage_credentials", "manage_members", "edit_workspace"];
const OWNER: Action[] = [...ADMIN, "delete_workspace", "manage_billing"];

export const PERMISSIONS: Readonly<Record<Role, ReadonlySet<Action>>> = {
  viewer: new Set(VIEWER),
  member: new Set(MEMBER),
  admin: new Set(ADMIN),
  owner: new Set(OWNER),
  // Manages the subscription and nothing else, but sees the data as a viewer does.
  billing_admin: new Set<Action>([...VIEWER, "manage_billing"]),
};

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  owner: "Owner",
  admin: "Admin",
  member: "Member",
  viewer: "Viewer",
  billing_admin: "Billing admin",
};

export const can = (role: Role | null | undefined, action: Action): boolean =>
  role ? (PERMISSIONS[role]?.has(action) ?? false) : false;

/** Whether a holder of `actor` may give, change or take away the role `target`. */
export const canAssign = (actor: Role, target: Role): boolean =>
  can(actor, "manage_members") && (actor === "owner" || target !== "owner");
