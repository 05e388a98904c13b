// Who belongs to the workspace, and who is invited.
import { useState } from "react";
import { describe } from "../../api/envelope";
import type { Invitation, Member, Role } from "../../api/types";
import { Topbar } from "../../app/Topbar";
import { ago } from "../../lib/format";
import { useLoad, useTitle } from "../../lib/hooks";
import { useAuth } from "../../stores/auth";
import { toast } from "../../stores/ui";
import { useActiveWorkspace } from "../../stores/workspace";
import { ConfirmDialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { FormDialog } from "../../ui/FormDialog";
import { Icon } from "../../ui/Icon";
import { ErrorState, Skeleton } from "../../ui/States";
import { canAssign, ROLE_NAMES } from "../workspace/permissions";
import { useRole } from "../workspace/useRole";
import * as teamApi from "./api";

const ROLES = Object.keys(ROLE_NAMES) as Role[];

function InviteDialog({
  workspaceId,
  actor,
  onClose,
  onDone,
}: {
  workspaceId: string;
  actor: Role;
  onClose: () => void;
  onDone: (invitation: Invitation) => void;
}) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  return (
    <FormDialog
      title="Invite somebody"
      submitLabel="Invite"
      ready={!!email.trim()}
      onClose={onClose}
      onSubmit={async () => {
        onDone(await teamApi.invite(workspaceId, email.trim(), role));
      }}
    >
      {(fault) => (
        <>
          <Field
            label="E-mail"
            type="email"
            autoFocus
            value={email}
            fault={fault}
            onChange={(e) => setEmail(e.target.value)}
          />
          <div className="field">
            <label htmlFor="invite-role">Role</label>
            <select
              id="invite-role"
              className="select"
              value={role}
              onChange={(e) => setRole(e.target.value as Role)}
            >
              {ROLES.filter((r) => r !== "owner" && canAssign(actor, r)).map((r) => (
                <option key={r} value={r}>
                  {ROLE_NAMES[r]}
                </option>
              ))}
            </select>
            <span className="hint">The invitation is good for seven days.</span>
          </div>
        </>
      )}
    </FormDialog>
  );
}

export default function MembersPage() {
  useTitle("Members");
  const workspace = useActiveWorkspace();
  const id = workspace?.id ?? "";
  const { role: actor, can } = useRole();
  const user = useAuth((s) => s.user);
  const manage = can("manage_members");
  const members = useLoad(id, () => teamApi.listMembers(id));
  const invitations = useLoad(`${id}:${manage}`, async () =>
    manage ? (await teamApi.listInvitations(id)).items : [],
  );
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const [link, setLink] = useState<string | null>(null);

  const change = (m: Member, role: Role) => {
    teamApi.setRole(id, m.userId, role).then(members.reload, (e: unknown) => {
      toast("error", "The role could not be changed", describe(e));
      members.reload();
    });
  };

  const pending = (invitations.data ?? []).filter((i) => !i.status || i.status === "pending");
  return (
    <main className="page">
      <Topbar>
        <span className="topbar-title">Members</span>
      </Topbar>
      <div className="page-inner">
        <div className="page-head">
          <div>
            <h1>Members</h1>
            <p>Owners and admins run the workspace, members work in it, viewers read and export.</p>
          </div>
          {manage && (
            <button type="button" className="btn primary" onClick={() => setInviting(true)}>
              <Icon name="plus" /> Invite
            </button>
          )}
        </div>
        {link && (
          <div className="notice" style={{ marginBottom: 16 }} role="status">
            <span className="grow">
              The invitation link, to pass on yourself: <code className="mono">{link}</code>
            </span>
            <button type="button" className="link" onClick={() => setLink(null)}>
              Hide
            </button>
          </div>
        )}
        {members.error ? (
          <ErrorState error={members.error} onRetry={members.reload} />
        ) : !members.data ? (
          <Skeleton rows={3} />
        ) : (
          <div className="card">
            <table className="table">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>E-mail</th>
                  <th>Role</th>
                  <th>
                    <span className="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {members.data.items.map((m) => (
                  <tr key={m.userId}>
                    <td>
                      <b>{m.name || m.email}</b>
                      {m.userId === user?.id && <span className="muted"> (you)</span>}
                    </td>
                    <td>{m.email}</td>
                    <td>
                      {manage && actor && canAssign(actor, m.role) && m.userId !== user?.id ? (
                        <select
                          className="select small"
                          aria-label={`Role of ${m.name || m.email}`}
                          value={m.role}
                          onChange={(e) => change(m, e.target.value as Role)}
                        >
                          {ROLES.filter((r) => r === m.role || canAssign(actor, r)).map((r) => (
                            <option key={r} value={r}>
                              {ROLE_NAMES[r]}
                            </option>
                          ))}
                        </select>
                      ) : (
                        ROLE_NAMES[m.role]
                      )}
                    </td>
                    <td>
                      {manage && actor && canAssign(actor, m.role) && m.userId !== user?.id && (
                        <button type="button" className="btn small danger" onClick={() => setRemoving(m)}>
                          Remove
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {manage && pending.length > 0 && (
          <section style={{ marginTop: 26 }}>
            <h2 style={{ marginBottom: 10 }}>Invited</h2>
            <div className="card">
              <table className="table">
                <thead>
                  <tr>
                    <th>E-mail</th>
                    <th>Role</th>
                    <th>Sent</th>
                    <th>
                      <span className="sr-only">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {pending.map((i) => (
                    <tr key={i.id}>
                      <td>{i.email}</td>
                      <td>{ROLE_NAMES[i.role]}</td>
                      <td>{ago(i.createdAt)}</td>
                      <td>
                        <button
                          type="button"
                          className="btn small"
                          onClick={() => {
                            teamApi
                              .revokeInvitation(id, i.id)
                              .then(invitations.reload, (e: unknown) =>
                                toast("error", "The invitation could not be withdrawn", describe(e)),
                              );
                          }}
                        >
                          Withdraw
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        )}
      </div>
      {inviting && actor && (
        <InviteDialog
          workspaceId={id}
          actor={actor}
          onClose={() => setInviting(false)}
          onDone={(i) => {
            setInviting(false);
            toast("success", `${i.email} is invited`);
            if (i.token) setLink(`${window.location.origin}/invitations/${i.token}`);
            invitations.reload();
          }}
        />
      )}
      {removing && (
        <ConfirmDialog
          danger
          title={`Remove ${removing.name || removing.email}?`}
          text="They lose access to this workspace at once. What they made stays."
          action="Remove"
          onClose={() => setRemoving(null)}
          onConfirm={() => {
            teamApi
              .removeMember(id, removing.userId)
              .then(members.reload, (e: unknown) =>
                toast("error", "The member could not be removed", describe(e)),
              )
              .finally(() => setRemoving(null));
          }}
        />
      )}
    </main>
  );
}
