/* A workspace's own definitions in the database. */
#include "features/provider/own.h"

#include "base/route.h"
#include "provider_sql.h"

static enum err compile_own(struct ctx *ctx, const struct json *source, struct own_provider *ret)
{
        const struct provider_def *def = NULL;

        TRY(provider_compile(ctx, json_text(ctx->arena, source), &def));
        *ret = (struct own_provider){def, source};
        return OK;
}

static enum err from_row(struct ctx *ctx, struct str text, struct own_provider *ret)
{
        const struct json *source = NULL;

        TRY(json_parse(ctx, text, &source));
        return compile_own(ctx, source, ret);
}

enum err own_list(struct ctx *ctx, struct str workspace_id, own_provider_list *ret)
{
        own_provider_list list = {0};
        struct db_result r = {0};

        TRY(db_query(ctx, ctx->app->db, &sql_own_list, PARAMS(p_str(workspace_id)), &r));
        for (int i = 0; i < r.rows; i++) {
                struct own_provider own = {0};

                if (from_row(ctx, db_text(&r, i, 1), &own) == OK)
                        LIST_PUSH(ctx->arena, &list, own);
                else
                        ctx_clear(ctx);
        }
        *ret = list;
        return OK;
}

enum err provider_own_load(struct ctx *ctx, struct str workspace_id, provider_list *ret)
{
        own_provider_list own = {0};
        provider_list list = {0};

        TRY(own_list(ctx, workspace_id, &own));
        LIST_EACH (o, &own)
                LIST_PUSH(ctx->arena, &list, o->def);
        *ret = list;
        return OK;
}

enum err own_get(struct ctx *ctx, struct str workspace_id, struct str slug,
                 struct own_provider *ret)
{
        struct db_result r = {0};

        TRY(db_query(ctx, ctx->app->db, &sql_own_get, PARAMS(p_str(workspace_id), p_str(slug)),
                     &r));
        if (!r.rows)
                return fail_not_found(ctx, "provider");
        return from_row(ctx, db_text(&r, 0, 2), ret);
}

enum err own_create(struct ctx *ctx, struct str workspace_id, const struct json *definition,
                    struct own_provider *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct own_provider own = {0};
        struct db_result r = {0};

        TRY(compile_own(ctx, definition, &own));
        if (provider_find(ctx->app->providers, own.def->slug))
                return fail(ctx, ERR_CONFLICT,
                            "\"%.*s\" is the slug of a provider that ships with Millrace",
                            FMT(own.def->slug));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_own_count, PARAMS(p_str(workspace_id)), &r));
        if (db_i64(&r, 0, 0) >= OWN_MAX)
                return fail(ctx, ERR_CONFLICT, "a workspace has at most %d providers of its own",
                            OWN_MAX);
        TRY(tx_query(&tx, &sql_own_insert,
                     PARAMS(p_str(workspace_id), p_str(own.def->slug), p_json(ctx, own.source),
                            p_str(ctx->actor ? ctx->actor->user_id : STR_NULL)),
                     &r));
        if (!r.rows)
                return fail(ctx, ERR_CONFLICT, "there is a provider \"%.*s\" already",
                            FMT(own.def->slug));
        TRY(audit_write(ctx, &tx, workspace_id, "provider.created", "provider", db_text(&r, 0, 0),
                        STR_NULL));
        TRY(tx_commit(&tx));
        *ret = own;
        return OK;
}

/* `base` with the members of `changes` in place of its own. */
static const struct json *merged(struct ctx *ctx, const struct json *base,
                                 const struct json *changes)
{
        struct json *out = json_new_object(ctx->arena);

        JSON_EACH_MEMBER (it, base)
                if (!json_member_str(changes, it.key))
                        json_put(out, it.key, it.value);
        JSON_EACH_MEMBER (it, changes)
                json_put(out, it.key, it.value);
        return out;
}

enum err own_change(struct ctx *ctx, struct str workspace_id, struct str slug,
                    const struct json *changes, struct own_provider *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        const struct json *source = NULL;
        struct own_provider own = {0};
        struct db_result r = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_own_lock, PARAMS(p_str(workspace_id), p_str(slug)), &r));
        if (!r.rows)
                return fail_not_found(ctx, "provider");
        TRY(json_parse(ctx, db_text(&r, 0, 2), &source));
        TRY(compile_own(ctx, merged(ctx, source, changes), &own));
        if (!str_eq(own.def->slug, slug)) {
                ctx_fault(ctx, STR("/slug"), "const", "a provider keeps its slug");
                return fail(ctx, ERR_VALIDATION, "a provider keeps its slug");
        }
        TRY(tx_exec(&tx, &sql_own_update, PARAMS(p_str(db_text(&r, 0, 0)), p_json(ctx, own.source)),
                    NULL));
        TRY(audit_write(ctx, &tx, workspace_id, "provider.updated", "provider", db_text(&r, 0, 0),
                        STR_NULL));
        TRY(tx_commit(&tx));
        *ret = own;
        return OK;
}

enum err own_delete(struct ctx *ctx, struct str workspace_id, struct str slug)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_own_lock, PARAMS(p_str(workspace_id), p_str(slug)), &r));
        if (!r.rows)
                return fail_not_found(ctx, "provider");
        TRY(tx_exec(&tx, &sql_own_delete, PARAMS(p_str(db_text(&r, 0, 0))), NULL));
        TRY(audit_write(ctx, &tx, workspace_id, "provider.deleted", "provider", db_text(&r, 0, 0),
                        STR_NULL));
        return tx_commit(&tx);
}

enum err credential_slugs(struct ctx *ctx, struct str workspace_id, str_list *ret)
{
        str_list list = {0};
        struct db_result r = {0};

        TRY(db_query(ctx, ctx->app->db, &sql_provider_credential_slugs, PARAMS(p_str(workspace_id)),
                     &r));
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, &list, db_text(&r, i, 0));
        *ret = list;
        return OK;
}
