DROP TABLE invitations, workspace_members, workspaces;
