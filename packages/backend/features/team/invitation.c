/* Invitations. See team.h. */
#include "features/team/team.h"

#include <string.h>
#include "base/token.h"
#include "crypto/crypto.h"
#include "team_sql.h"

static const struct desc_field invitation_fields[] = {
        DESC_F(invitation, id, "id", DESC_UUID),
        DESC_F(invitation, email, "email", DESC_STR),
        DESC_F(invitation, role, "role", DESC_STR),
        DESC_F(invitation, status, "status", DESC_STR,
               .schema = "\"enum\":[\"pending\",\"accepted\",\"declined\",\"revoked\","
                         "\"expired\"]"),
        DESC_F(invitation, invited_by, "invitedBy", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(invitation, created_at, "createdAt", DESC_TIME),
        DESC_F(invitation, expires_at, "expiresAt", DESC_TIME),
        DESC_F(invitation, answered_at, "answeredAt", DESC_TIME, .flags = DESC_NULLABLE),
        DESC_F(invitation, token, "token", DESC_STR, .flags = DESC_OPTIONAL),
        DESC_F(invitation, url, "url", DESC_STR, .flags = DESC_OPTIONAL),
        DESC_F(invitation, workspace_name, "workspaceName", DESC_STR, .flags = DESC_OPTIONAL),
        {0},
};
const struct desc invitation_desc = DESC("Invitation", invitation, invitation_fields);

static struct str details_of(struct ctx *ctx, struct str email, struct str role)
{
        struct json *o = json_new_object(ctx->arena);

        json_put(o, STR("email"), json_from_str(ctx->arena, email));
        json_put(o, STR("role"), json_from_str(ctx->arena, role));
        return json_text(ctx->arena, o);
}

enum err invitation_list_of(struct ctx *ctx, struct str workspace_id, const struct keyset *k,
                            invitation_list *ret, struct page *ret_page)
{
        struct db_result r;

        TRY(keyset_fault(ctx, db_query(ctx, ctx->app->db, &sql_invitation_list,
                                       PARAMS(p_str(workspace_id), p_str(k->at), p_str(k->id),
                                              p_i64(ctx, keyset_fetch(k))),
                                       &r)));
        keyset_page(ctx, k, &r, "created_at", "id", ret_page);
        desc_from_rows(ctx, &invitation_desc, &r, ret);
        return OK;
}

enum err invitation_create(struct ctx *ctx, struct str workspace_id, struct str email,
                           struct str role, struct invitation *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str token = crypto_token(ctx->arena, 32);
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_invitation_is_member, PARAMS(p_str(workspace_id), p_str(email)),
                     &r));
        if (r.rows)
                return fail(ctx, ERR_CONFLICT, "%.*s is a member already", FMT(email));
        TRY(tx_exec(&tx, &sql_invitation_expire, PARAMS(p_str(workspace_id), p_str(email)), NULL));
        enum err e = tx_query(&tx, &sql_invitation_insert,
                              PARAMS(p_str(workspace_id), p_str(email), p_str(role),
                                     p_token(ctx, token), p_str(ctx->actor->user_id)),
                              &r);

        if (e == ERR_CONFLICT && strcmp(db_constraint(ctx), "invitations_pending_key") == 0)
                return fail(ctx, e, "%.*s has an open invitation: withdraw it first", FMT(email));
        TRY(e);
        desc_from_row(ctx, &invitation_desc, &r, 0, ret);
        TRY(audit_write(ctx, &tx, workspace_id, "invitation.created", "invitation", ret->id,
                        details_of(ctx, email, role)));
        TRY(tx_commit(&tx));
        ret->token = token;
        ret->url = app_link(ctx, "/invitations/", token);
        return OK;
}

enum err invitation_revoke(struct ctx *ctx, struct str workspace_id, struct str id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_invitation_revoke, PARAMS(p_str(workspace_id), p_str(id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "open invitation");
        TRY(audit_write(ctx, &tx, workspace_id, "invitation.revoked", "invitation", id,
                        details_of(ctx, db_text(&r, 0, 0), db_text(&r, 0, 1))));
        return tx_commit(&tx);
}

enum err invitation_show(struct ctx *ctx, struct str token, struct invitation *ret)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_invitation_open, PARAMS(p_token(ctx, token)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "open invitation");
        desc_from_row(ctx, &invitation_desc, &r, 0, ret);
        return OK;
}

struct open_invitation {
        struct str id, workspace_id, email, role;
};

static enum err lock_open(struct ctx *ctx, struct tx *tx, struct str token,
                          struct open_invitation *ret)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_invitation_lock, PARAMS(p_token(ctx, token)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "open invitation");
        *ret = (struct open_invitation){db_text(&r, 0, 0), db_text(&r, 0, 1), db_text(&r, 0, 2),
                                        db_text(&r, 0, 3)};
        return OK;
}

static enum err answer(struct ctx *ctx, struct tx *tx, const struct open_invitation *i,
                       const char *status, const char *action)
{
        TRY(tx_exec(tx, &sql_invitation_answer, PARAMS(p_str(i->id), p_c(status)), NULL));
        return audit_write(ctx, tx, i->workspace_id, action, "invitation", i->id,
                           details_of(ctx, i->email, i->role));
}

enum err invitation_accept(struct ctx *ctx, struct str token, struct workspace *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str user_id = ctx->actor->user_id;
        struct open_invitation i;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(lock_open(ctx, &tx, token, &i));
        if (!str_eq_nocase(i.email, ctx->actor->email))
                return fail(ctx, ERR_AUTHORIZATION,
                            "this invitation is for another e-mail address than yours");
        TRY(member_add(ctx, &tx, i.workspace_id, user_id, i.role));
        TRY(answer(ctx, &tx, &i, "accepted", "invitation.accepted"));
        TRY(tx_commit(&tx));
        member_changed(ctx, i.workspace_id, user_id);
        return workspace_get(ctx, i.workspace_id, user_id, ret);
}

enum err invitation_decline(struct ctx *ctx, struct str token)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct open_invitation i;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(lock_open(ctx, &tx, token, &i));
        TRY(answer(ctx, &tx, &i, "declined", "invitation.declined"));
        return tx_commit(&tx);
}
