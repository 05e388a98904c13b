/* Routes of the team feature: in a workspace, and public ones by invitation token. */
#include "features/team/team.h"

struct invitation_input {
        struct str email, role;
};
static const struct desc_field input_fields[] = {
        DESC_F(invitation_input, email, "email", DESC_STR,
               .schema = "\"format\":\"email\",\"maxLength\":254"),
        DESC_F(invitation_input, role, "role", DESC_STR,
               .schema = "\"enum\":[\"viewer\",\"member\",\"admin\",\"billing_admin\"]"),
        {0},
};
static const struct desc input_desc = DESC("InvitationInput", invitation_input, input_fields);

struct audit_query {
        struct list_query page;
        struct audit_filter filter;
        struct str format;
};
static const struct desc_field audit_query_fields[] = {
        DESC_F(audit_query, page.limit, "limit", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1,\"maximum\":1000", DESC_HAS(audit_query, page.has_limit)),
        DESC_F(audit_query, page.cursor, "cursor", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":2000"),
        DESC_F(audit_query, filter.user_id, "userId", DESC_UUID, .flags = DESC_OPTIONAL),
        DESC_F(audit_query, filter.action, "action", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":100"),
        DESC_F(audit_query, filter.entity_type, "entityType", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":100"),
        DESC_F(audit_query, filter.from, "from", DESC_TIME, .flags = DESC_OPTIONAL),
        DESC_F(audit_query, filter.to, "to", DESC_TIME, .flags = DESC_OPTIONAL),
        DESC_F(audit_query, format, "format", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"enum\":[\"json\",\"csv\"]"),
        {0},
};
static const struct desc audit_query_desc = DESC("AuditQuery", audit_query, audit_query_fields);

static enum err list(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct list_query q = {0};
        invitation_list invitations = {0};
        struct keyset k;
        struct page page;

        TRY(req_decode_query(ctx, req, &list_query_desc, &q));
        TRY(keyset_read(ctx, &q, &k));
        TRY(invitation_list_of(ctx, ctx->actor->workspace_id, &k, &invitations, &page));
        return reply_list(ctx, out, &invitation_desc, &invitations, &page);
}

static enum err invite(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct invitation_input in = {0};
        struct invitation i = {0};

        TRY(req_decode(ctx, req, &input_desc, &in));
        TRY(invitation_create(ctx, ctx->actor->workspace_id, in.email, in.role, &i));
        return reply_json(ctx, out, 201, &invitation_desc, &i);
}

static enum err revoke(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(invitation_revoke(ctx, ctx->actor->workspace_id, req_param(req, "id")));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err activity(struct ctx *ctx, const struct req *req, struct reply *out)
{
        const struct audit_filter feed = {.feed = true};
        struct list_query q = {0};
        audit_list entries = {0};
        struct keyset k;
        struct page page;

        TRY(req_decode_query(ctx, req, &list_query_desc, &q));
        TRY(keyset_read(ctx, &q, &k));
        TRY(audit_list_of(ctx, ctx->actor->workspace_id, &feed, &k, &entries, &page));
        return reply_list(ctx, out, &activity_desc, &entries, &page);
}

static enum err audit_as_csv(struct ctx *ctx, const struct audit_filter *f, struct reply *out)
{
        struct audit_csv *csv;

        TRY(audit_csv_open(ctx, ctx->actor->workspace_id, f, &csv));
        reply_header(out, "Content-Disposition", STR("attachment; filename=\"audit.csv\""));
        reply_stream(out, 200, "text/csv; charset=utf-8", audit_csv_read, audit_csv_close, csv);
        return OK;
}

static enum err audit(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct audit_query q = {0};
        audit_list entries = {0};
        struct keyset k;
        struct page page;

        TRY(req_decode_query(ctx, req, &audit_query_desc, &q));
        if (str_eq(q.format, STR("csv")))
                return audit_as_csv(ctx, &q.filter, out);
        TRY(keyset_read(ctx, &q.page, &k));
        TRY(audit_list_of(ctx, ctx->actor->workspace_id, &q.filter, &k, &entries, &page));
        return reply_list(ctx, out, &audit_desc, &entries, &page);
}

static enum err show(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct invitation i = {0};

        TRY(invitation_show(ctx, req_param(req, "token"), &i));
        return reply_json(ctx, out, 200, &invitation_desc, &i);
}

static enum err accept_invitation(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct workspace w;

        TRY(invitation_accept(ctx, req_param(req, "token"), &w));
        return reply_json(ctx, out, 200, &workspace_desc, &w);
}

static enum err decline(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(invitation_decline(ctx, req_param(req, "token")));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static const struct route routes[] = {
        {HTTP_GET, "/invitations", ROLE_ADMIN, list, .query = &list_query_desc,
         .reply = &invitation_desc, .list = true, .summary = "Invitations of a workspace"},
        {HTTP_POST, "/invitations", ROLE_ADMIN, invite, .body = &input_desc,
         .reply = &invitation_desc, .status = 201,
         .summary = "Invite somebody; the link comes once"},
        {HTTP_DELETE, "/invitations/:id", ROLE_ADMIN, revoke, .summary = "Withdraw an invitation"},
        {HTTP_GET, "/activity", ROLE_VIEWER, activity, .query = &list_query_desc,
         .reply = &activity_desc, .list = true, .summary = "What happened lately"},
        {HTTP_GET, "/audit", ROLE_ADMIN, audit, .query = &audit_query_desc, .reply = &audit_desc,
         .list = true, .summary = "The audit log; ?format=csv for all of it"},
        {0},
};
const struct router team_router = {"/workspaces/:workspaceId", "team", routes};

static const struct route public_routes[] = {
        {HTTP_GET, "/:token", ROLE_PUBLIC, show, .reply = &invitation_desc,
         .summary = "What an invitation offers"},
        {HTTP_POST, "/:token/accept", ROLE_USER, accept_invitation, .reply = &workspace_desc,
         .summary = "Join"},
        {HTTP_POST, "/:token/decline", ROLE_PUBLIC, decline, .summary = "Decline"},
        {0},
};
const struct router team_public_router = {"/invitations", "team", public_routes};
