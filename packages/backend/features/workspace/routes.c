/* Routes of workspaces and their members. */
#include "features/workspace/workspace.h"

struct workspace_input {
        struct str name;
};
static const struct desc_field workspace_input_fields[] = {
        DESC_F(workspace_input, name, "name", DESC_STR,
               .schema = "\"minLength\":1,\"maxLength\":200,\"pattern\":\"\\\\S\""),
        {0},
};
static const struct desc workspace_input_desc =
        DESC("WorkspaceInput", workspace_input, workspace_input_fields);

struct role_input {
        struct str role;
};
static const struct desc_field role_input_fields[] = {
        DESC_F(role_input, role, "role", DESC_STR,
               .schema = "\"enum\":[\"viewer\",\"member\",\"admin\",\"owner\","
                         "\"billing_admin\"]"),
        {0},
};
static const struct desc role_input_desc = DESC("RoleInput", role_input, role_input_fields);

static enum err read_keyset(struct ctx *ctx, const struct req *req, struct keyset *ret)
{
        struct list_query q = {0};

        TRY(req_decode_query(ctx, req, &list_query_desc, &q));
        return keyset_read(ctx, &q, ret);
}

static enum err list(struct ctx *ctx, const struct req *req, struct reply *out)
{
        workspace_list workspaces = {0};
        struct keyset k;
        struct page page;

        TRY(read_keyset(ctx, req, &k));
        TRY(workspace_list_of(ctx, ctx->actor->user_id, &k, &workspaces, &page));
        return reply_list(ctx, out, &workspace_desc, &workspaces, &page);
}

static enum err create(struct ctx *ctx, const struct req *req, struct reply *out)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct workspace_input in = {0};
        struct workspace w;

        TRY(req_decode(ctx, req, &workspace_input_desc, &in));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(workspace_create(ctx, &tx, ctx->actor->user_id, str_trim(in.name), &w));
        TRY(tx_commit(&tx));
        return reply_json(ctx, out, 201, &workspace_desc, &w);
}

static enum err get(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct workspace w;

        TRY(workspace_get(ctx, ctx->actor->workspace_id, ctx->actor->user_id, &w));
        return reply_json(ctx, out, 200, &workspace_desc, &w);
}

static enum err change(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct workspace_input in = {0};

        TRY(req_decode(ctx, req, &workspace_input_desc, &in));
        TRY(workspace_rename(ctx, ctx->actor->workspace_id, str_trim(in.name)));
        return get(ctx, req, out);
}

static enum err remove_workspace(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(workspace_delete(ctx, ctx->actor->workspace_id));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err list_members(struct ctx *ctx, const struct req *req, struct reply *out)
{
        member_list members = {0};
        struct keyset k;
        struct page page;

        TRY(read_keyset(ctx, req, &k));
        TRY(member_list_of(ctx, ctx->actor->workspace_id, &k, &members, &page));
        return reply_list(ctx, out, &member_desc, &members, &page);
}

static enum err change_member(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct role_input in = {0};
        struct member m = {0};

        TRY(req_decode(ctx, req, &role_input_desc, &in));
        TRY(member_set_role(ctx, ctx->actor->workspace_id, req_param(req, "userId"), in.role, &m));
        return reply_json(ctx, out, 200, &member_desc, &m);
}

static enum err remove_member(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(member_remove(ctx, ctx->actor->workspace_id, req_param(req, "userId")));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static const struct route routes[] = {
        {HTTP_GET, "", ROLE_USER, list, .query = &list_query_desc, .reply = &workspace_desc,
         .list = true, .summary = "Workspaces you belong to"},
        {HTTP_POST, "", ROLE_USER, create, .body = &workspace_input_desc, .reply = &workspace_desc,
         .status = 201, .summary = "Make a workspace"},
        {HTTP_GET, "/:workspaceId", ROLE_ANY_MEMBER, get, .reply = &workspace_desc,
         .summary = "One workspace with its credits"},
        {HTTP_PATCH, "/:workspaceId", ROLE_ADMIN, change, .body = &workspace_input_desc,
         .reply = &workspace_desc, .summary = "Rename a workspace"},
        {HTTP_DELETE, "/:workspaceId", ROLE_OWNER, remove_workspace,
         .summary = "Delete a workspace"},
        {0},
};
const struct router workspace_router = {"/workspaces", "workspaces", routes};

static const struct route member_routes[] = {
        {HTTP_GET, "", ROLE_VIEWER, list_members, .query = &list_query_desc, .reply = &member_desc,
         .list = true, .summary = "Members of a workspace"},
        {HTTP_PATCH, "/:userId", ROLE_ADMIN, change_member, .body = &role_input_desc,
         .reply = &member_desc, .summary = "Change a member's role"},
        {HTTP_DELETE, "/:userId", ROLE_ADMIN, remove_member, .summary = "Remove a member"},
        {0},
};
const struct router workspace_member_router = {"/workspaces/:workspaceId/members", "workspaces",
                                               member_routes};
