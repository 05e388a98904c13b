/* Routes of credits: the balance, as every page shows it. */
#include "base/route.h"
#include "features/credit/credit.h"

static const struct desc_field balance_fields[] = {
        DESC_F(credit_balance, available, "available", DESC_I64),
        DESC_F(credit_balance, reserved, "reserved", DESC_I64),
        DESC_F(credit_balance, spent, "spent", DESC_I64),
        DESC_F(credit_balance, issued, "issued", DESC_I64),
        {0},
};
static const struct desc balance_desc = DESC("CreditBalance", credit_balance, balance_fields);

static enum err balance(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct credit_balance b;

        TRY(credit_read(ctx, ctx->app->db, req_param(req, "workspaceId"), &b));
        return reply_json(ctx, out, 200, &balance_desc, &b);
}

static const struct route routes[] = {
        {HTTP_GET, "/credits", ROLE_ANY_MEMBER, balance, .reply = &balance_desc,
         .summary = "The workspace's credits"},
        {0},
};

const struct router credit_router = {"/workspaces/:workspaceId", "credits", routes};
