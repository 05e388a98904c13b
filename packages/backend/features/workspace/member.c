/* Members of a workspace and their roles. See workspace.h. */
#include "features/workspace/workspace.h"

#include "base/cached.h"
#include "workspace_sql.h"

static const struct desc_field member_fields[] = {
        DESC_F(member, user_id, "userId", DESC_UUID),     DESC_F(member, email, "email", DESC_STR),
        DESC_F(member, name, "name", DESC_STR),           DESC_F(member, role, "role", DESC_STR),
        DESC_F(member, joined_at, "joinedAt", DESC_TIME), {0},
};
const struct desc member_desc = DESC("Member", member, member_fields);

void member_changed(struct ctx *ctx, struct str workspace_id, struct str user_id)
{
        cached_changed(ctx, CACHED_ROLE, workspace_id, user_id);
}

enum err member_list_of(struct ctx *ctx, struct str workspace_id, const struct keyset *k,
                        member_list *ret, struct page *ret_page)
{
        struct db_result r;

        TRY(keyset_fault(ctx, db_query(ctx, ctx->app->db, &sql_member_list,
                                       PARAMS(p_str(workspace_id), p_str(k->at), p_str(k->id),
                                              p_i64(ctx, keyset_fetch(k))),
                                       &r)));
        keyset_page(ctx, k, &r, "joined_at", "user_id", ret_page);
        desc_from_rows(ctx, &member_desc, &r, ret);
        return OK;
}

enum err member_add(struct ctx *ctx, struct tx *tx, struct str workspace_id, struct str user_id,
                    struct str role)
{
        int64_t added;

        TRY(tx_exec(tx, &sql_member_insert,
                    PARAMS(p_str(workspace_id), p_str(user_id), p_str(role)), &added));
        if (!added)
                return fail(ctx, ERR_CONFLICT, "already a member of this workspace");
        return OK;
}

static bool is_owner(struct str role)
{
        return str_eq_c(role, role_name(ROLE_OWNER));
}

/*
 * Locks the owners, then the member. Who is not an owner may not touch one or make one, and the
 * last owner cannot be taken away. `to` is STR_NULL for a removal.
 */
static enum err lock_for_change(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                                struct str user_id, struct str to, struct str *ret_from)
{
        struct db_result owners, r;

        TRY(tx_query(tx, &sql_member_lock_owners, PARAMS(p_str(workspace_id)), &owners));
        TRY(tx_query(tx, &sql_member_lock, PARAMS(p_str(workspace_id), p_str(user_id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "member");
        struct str from = db_text(&r, 0, 0);

        if ((is_owner(from) || is_owner(to)) && ctx->actor && ctx->actor->role != ROLE_OWNER)
                return fail(ctx, ERR_AUTHORIZATION, "only an owner may make or change owners");
        if (is_owner(from) && !is_owner(to) && owners.rows < 2)
                return fail(ctx, ERR_CONFLICT, "a workspace needs an owner: this is the last one");
        *ret_from = from;
        return OK;
}

static struct str change_details(struct ctx *ctx, struct str from, struct str to)
{
        struct json *o = json_new_object(ctx->arena);

        json_put(o, STR("from"), json_from_str(ctx->arena, from));
        if (to.ptr)
                json_put(o, STR("to"), json_from_str(ctx->arena, to));
        return json_text(ctx->arena, o);
}

enum err member_set_role(struct ctx *ctx, struct str workspace_id, struct str user_id,
                         struct str role, struct member *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;
        struct str from;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(lock_for_change(ctx, &tx, workspace_id, user_id, role, &from));
        TRY(tx_exec(&tx, &sql_member_update,
                    PARAMS(p_str(workspace_id), p_str(user_id), p_str(role)), NULL));
        TRY(audit_write(ctx, &tx, workspace_id, "member.role_changed", "user", user_id,
                        change_details(ctx, from, role)));
        TRY(tx_query(&tx, &sql_member_get, PARAMS(p_str(workspace_id), p_str(user_id)), &r));
        desc_from_row(ctx, &member_desc, &r, 0, ret);
        TRY(tx_commit(&tx));
        member_changed(ctx, workspace_id, user_id);
        return OK;
}

enum err member_remove(struct ctx *ctx, struct str workspace_id, struct str user_id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str from;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(lock_for_change(ctx, &tx, workspace_id, user_id, STR_NULL, &from));
        TRY(tx_exec(&tx, &sql_member_delete, PARAMS(p_str(workspace_id), p_str(user_id)), NULL));
        TRY(audit_write(ctx, &tx, workspace_id, "member.removed", "user", user_id,
                        change_details(ctx, from, STR_NULL)));
        TRY(tx_commit(&tx));
        member_changed(ctx, workspace_id, user_id);
        return OK;
}
