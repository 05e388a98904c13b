/* Workspaces: making, listing, renaming, deleting. See workspace.h. */
#include "features/workspace/workspace.h"

#include "base/cached.h"
#include "features/credit/credit.h"
#include "features/job/job.h"
#include "workspace_sql.h"

static const struct desc_field credits_fields[] = {
        DESC_F(workspace_credits, available, "available", DESC_I64),
        DESC_F(workspace_credits, reserved, "reserved", DESC_I64),
        DESC_F(workspace_credits, spent, "spent", DESC_I64),
        {0},
};
static const struct desc credits_desc = DESC("Credits", workspace_credits, credits_fields);

static const struct desc_field workspace_fields[] = {
        DESC_F(workspace, id, "id", DESC_UUID),
        DESC_F(workspace, name, "name", DESC_STR),
        DESC_F(workspace, role, "role", DESC_STR),
        DESC_F(workspace, credits, "credits", DESC_OBJECT, .sub = &credits_desc),
        DESC_F(workspace, created_at, "createdAt", DESC_TIME),
        {0},
};
const struct desc workspace_desc = DESC("Workspace", workspace, workspace_fields);

static void read_credits(const struct db_result *r, int row, struct workspace *w)
{
        w->credits.available = db_i64(r, row, db_column(r, "available"));
        w->credits.reserved = db_i64(r, row, db_column(r, "reserved"));
        w->credits.spent = db_i64(r, row, db_column(r, "spent"));
}

static enum err starter_credits(struct ctx *ctx, struct tx *tx, struct workspace *w)
{
        int64_t amount = ctx->app->settings.starter_credits;

        TRY(credit_account_open(ctx, tx, w->id));
        if (amount > 0)
                TRY(credit_grant(ctx, tx, w->id, amount,
                                 str_printf(ctx->arena, "starter:%.*s", FMT(w->id)),
                                 STR("Starter credits")));
        w->credits.available = amount;
        return OK;
}

enum err workspace_create(struct ctx *ctx, struct tx *tx, struct str user_id, struct str name,
                          struct workspace *ret)
{
        struct workspace w = {0};
        struct db_result r;

        TRY(tx_query(tx, &sql_workspace_insert, PARAMS(p_str(name), p_str(user_id)), &r));
        desc_from_row(ctx, &workspace_desc, &r, 0, &w);
        w.role = STR("owner");
        TRY(member_add(ctx, tx, w.id, user_id, w.role));
        TRY(starter_credits(ctx, tx, &w));
        TRY(audit_write(ctx, tx, w.id, "workspace.created", "workspace", w.id, STR_NULL));
        *ret = w;
        return OK;
}

enum err workspace_list_of(struct ctx *ctx, struct str user_id, const struct keyset *k,
                           workspace_list *ret, struct page *ret_page)
{
        struct db_result r;

        TRY(keyset_fault(ctx, db_query(ctx, ctx->app->db, &sql_workspace_list,
                                       PARAMS(p_str(user_id), p_str(k->at), p_str(k->id),
                                              p_i64(ctx, keyset_fetch(k))),
                                       &r)));
        keyset_page(ctx, k, &r, "created_at", "id", ret_page);
        desc_from_rows(ctx, &workspace_desc, &r, ret);
        for (int i = 0; i < r.rows; i++)
                read_credits(&r, i, &ret->ptr[i]);
        return OK;
}

/* Name and age, kept in the cache as "2026-…Z name". */
static enum err read_config(struct ctx *ctx, struct workspace *w)
{
        struct str text;
        struct db_result r;

        if (cached_get(ctx, CACHED_WORKSPACE, w->id, STR_NULL, &text) &&
            str_split(&text, ' ', &w->created_at)) {
                w->name = text;
                return OK;
        }
        TRY(db_query(ctx, ctx->app->db, &sql_workspace_config, PARAMS(p_str(w->id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "workspace");
        w->name = db_text(&r, 0, 0);
        w->created_at = desc_time(ctx->arena, db_text(&r, 0, 1));
        cached_fill(ctx, CACHED_WORKSPACE, w->id, STR_NULL,
                    str_printf(ctx->arena, "%.*s %.*s", FMT(w->created_at), FMT(w->name)));
        return OK;
}

static enum err read_role(struct ctx *ctx, struct str user_id, struct workspace *w)
{
        struct db_result r;

        if (ctx->actor && str_eq(ctx->actor->workspace_id, w->id) &&
            str_eq(ctx->actor->user_id, user_id)) {
                w->role = str_from(role_name(ctx->actor->role));
                return OK;
        }
        TRY(db_query(ctx, ctx->app->db, &sql_workspace_role, PARAMS(p_str(w->id), p_str(user_id)),
                     &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "workspace");
        w->role = db_text(&r, 0, 0);
        return OK;
}

enum err workspace_get(struct ctx *ctx, struct str id, struct str user_id, struct workspace *ret)
{
        struct workspace w = {.id = id};
        struct credit_balance b;

        TRY(read_role(ctx, user_id, &w));
        TRY(read_config(ctx, &w));
        TRY(credit_read(ctx, ctx->app->db, id, &b));
        w.credits = (struct workspace_credits){b.available, b.reserved, b.spent};
        *ret = w;
        return OK;
}

enum err workspace_rename(struct ctx *ctx, struct str id, struct str name)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct json *details = json_new_object(ctx->arena);
        int64_t changed;

        json_put(details, STR("name"), json_from_str(ctx->arena, name));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_exec(&tx, &sql_workspace_rename, PARAMS(p_str(id), p_str(name)), &changed));
        if (!changed)
                return fail_not_found(ctx, "workspace");
        TRY(audit_write(ctx, &tx, id, "workspace.renamed", "workspace", id,
                        json_text(ctx->arena, details)));
        TRY(tx_commit(&tx));
        cached_changed(ctx, CACHED_WORKSPACE, id, STR_NULL);
        return OK;
}

/* A workspace that nobody sees any more must not go on spending. */
static enum err end_jobs(struct ctx *ctx, struct tx *tx, struct str workspace)
{
        struct db_result jobs;

        TRY(tx_query(tx, &sql_workspace_open_jobs, PARAMS(p_str(workspace)), &jobs));
        for (int i = 0; i < jobs.rows; i++)
                TRY(job_abandon(ctx, tx, db_text(&jobs, i, 0), "the workspace was deleted"));
        return OK;
}

enum err workspace_delete(struct ctx *ctx, struct str id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result members;
        int64_t changed;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_exec(&tx, &sql_workspace_delete, PARAMS(p_str(id)), &changed));
        if (!changed)
                return fail_not_found(ctx, "workspace");
        TRY(end_jobs(ctx, &tx, id));
        TRY(audit_write(ctx, &tx, id, "workspace.deleted", "workspace", id, STR_NULL));
        TRY(tx_query(&tx, &sql_workspace_member_ids, PARAMS(p_str(id)), &members));
        TRY(tx_commit(&tx));
        cached_changed(ctx, CACHED_WORKSPACE, id, STR_NULL);
        for (int i = 0; i < members.rows; i++)
                member_changed(ctx, id, db_text(&members, i, 0));
        return OK;
}
