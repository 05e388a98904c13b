// Members and invitations.
import { api, ws } from "../../api/client";
import type { Invitation, Member, Page, Role } from "../../api/types";

export const listMembers = (workspaceId: string): Promise<Page<Member>> =>
  api.page(`${ws(workspaceId)}/members`, { quiet: true });
export const setRole = (workspaceId: string, userId: string, role: Role): Promise<Member> =>
  api.patch(`${ws(workspaceId)}/members/${userId}`, { role }, { quiet: true });
export const removeMember = (workspaceId: string, userId: string): Promise<null> =>
  api.del(`${ws(workspaceId)}/members/${userId}`, undefined, { quiet: true });

export const listInvitations = (workspaceId: string): Promise<Page<Invitation>> =>
  api.page(`${ws(workspaceId)}/invitations`, { quiet: true });
export const invite = (workspaceId: string, email: string, role: Role): Promise<Invitation> =>
  api.post(`${ws(workspaceId)}/invitations`, { email, role }, { quiet: true });
export const revokeInvitation = (workspaceId: string, id: string): Promise<null> =>
  api.del(`${ws(workspaceId)}/invitations/${id}`, undefined, { quiet: true });

export const getInvitation = (token: string): Promise<Invitation> =>
  api.get(`/invitations/${encodeURIComponent(token)}`, { anonymous: true, quiet: true });
export const acceptInvitation = (token: string): Promise<unknown> =>
  api.post(`/invitations/${encodeURIComponent(token)}/accept`, {}, { quiet: true });
export const declineInvitation = (token: string): Promise<unknown> =>
  api.post(`/invitations/${encodeURIComponent(token)}/decline`, {}, { anonymous: true, quiet: true });
