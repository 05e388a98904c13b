/* Registering, signing in, refreshing, signing out. See auth.h. */
#include "features/auth/auth_internal.h"

#include "auth_sql.h"
#include "base/cached.h"
#include "base/token.h"
#include "crypto/password.h"

#include <string.h>

static const struct desc_field user_fields[] = {
        DESC_F(user, id, "id", DESC_UUID),
        DESC_F(user, email, "email", DESC_STR),
        DESC_F(user, name, "name", DESC_STR),
        DESC_F(user, platform_admin, "platformAdmin", DESC_BOOL),
        DESC_F(user, created_at, "createdAt", DESC_TIME),
        {0},
};
const struct desc user_desc = DESC("User", user, user_fields);

static const struct desc_field session_fields[] = {
        DESC_F(auth_session, user, "user", DESC_OBJECT, .sub = &user_desc),
        DESC_F(auth_session, workspace, "workspace", DESC_OBJECT, .flags = DESC_NULLABLE,
               .sub = &workspace_desc, DESC_HAS(auth_session, has_workspace)),
        DESC_F(auth_session, access_token, "accessToken", DESC_STR),
        DESC_F(auth_session, refresh_token, "refreshToken", DESC_STR),
        DESC_F(auth_session, expires_in, "expiresIn", DESC_I64),
        {0},
};
const struct desc auth_session_desc = DESC("Session", auth_session, session_fields);

void auth_act_as(struct ctx *ctx, struct str user_id)
{
        struct actor *a = arena_new(ctx->arena, struct actor);

        if (ctx->actor)
                *a = *ctx->actor;
        a->user_id = user_id;
        ctx->actor = a;
}

static enum err refresh_issue(struct ctx *ctx, struct tx *tx, struct str session_id,
                              struct str *ret)
{
        *ret = crypto_token(ctx->arena, 32);
        return tx_exec(tx, &sql_refresh_insert, PARAMS(p_str(session_id), p_token(ctx, *ret)),
                       NULL);
}

static enum err tokens_issue(struct ctx *ctx, struct tx *tx, struct str session_id,
                             struct auth_session *s)
{
        TRY(refresh_issue(ctx, tx, session_id, &s->refresh_token));
        TRY(token_issue(ctx, s->user.id, session_id, &s->access_token));
        s->expires_in = TOKEN_ACCESS_SECONDS;
        return OK;
}

enum err auth_session_begin(struct ctx *ctx, struct tx *tx, const struct user *user,
                            struct auth_session *ret)
{
        struct db_result r;

        ret->user = *user;
        TRY(tx_query(tx, &sql_session_insert, PARAMS(p_str(user->id)), &r));
        return tokens_issue(ctx, tx, db_text(&r, 0, 0), ret);
}

enum err auth_session_fill(struct ctx *ctx, struct auth_session *s)
{
        const struct keyset first = {.limit = 1};
        workspace_list list = {0};
        struct page page;

        TRY(workspace_list_of(ctx, s->user.id, &first, &list, &page));
        s->has_workspace = list.len > 0;
        if (list.len)
                s->workspace = list.ptr[0];
        return OK;
}

void auth_sessions_ended(struct ctx *ctx, const struct db_result *ids)
{
        for (int i = 0; i < ids->rows; i++)
                cached_changed(ctx, CACHED_SESSION, db_text(ids, i, 0), STR_NULL);
}

static enum err user_insert(struct ctx *ctx, struct tx *tx, const struct register_input *in,
                            struct str hash, struct user *ret)
{
        struct db_result r;
        enum err e =
                tx_query(tx, &sql_user_insert,
                         PARAMS(p_str(in->email), p_str(in->name), p_str(hash), p_bool(false)), &r);

        if (e == ERR_CONFLICT && strcmp(db_constraint(ctx), "users_email_key") == 0)
                return fail(ctx, ERR_CONFLICT, "there is an account with this e-mail address");
        TRY(e);
        desc_from_row(ctx, &user_desc, &r, 0, ret);
        return OK;
}

enum err auth_register(struct ctx *ctx, const struct register_input *in, struct auth_session *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct auth_session s = {.has_workspace = true};
        struct user user = {0};
        struct str hash, name = str_trim(in->workspace_name);

        TRY(password_hash(ctx, ctx->app->hasher, in->password, &hash));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(user_insert(ctx, &tx, in, hash, &user));
        auth_act_as(ctx, user.id);
        TRY(audit_write(ctx, &tx, STR_NULL, "auth.registered", "user", user.id, STR_NULL));
        TRY(workspace_create(ctx, &tx, user.id, name.len ? name : STR("My workspace"),
                             &s.workspace));
        TRY(auth_session_begin(ctx, &tx, &user, &s));
        TRY(tx_commit(&tx));
        *ret = s;
        return OK;
}

static enum err login_failed(struct ctx *ctx, struct str user_id)
{
        if (user_id.ptr) {
                _cleanup_(tx_end) struct tx tx = {0};

                auth_act_as(ctx, user_id);
                TRY(tx_begin(ctx, ctx->app->db, &tx));
                TRY(audit_write(ctx, &tx, STR_NULL, "auth.login_failed", "user", user_id,
                                STR_NULL));
                TRY(tx_commit(&tx));
        }
        return fail(ctx, ERR_AUTHENTICATION, "the e-mail address or the password is wrong");
}

/* A hash made at another cost is replaced while the password is at hand. */
static enum err rehash(struct ctx *ctx, struct tx *tx, struct str user_id, struct str password,
                       struct str old)
{
        struct str hash;

        if (!password_outdated(ctx->app->hasher, old))
                return OK;
        TRY(password_hash(ctx, ctx->app->hasher, password, &hash));
        return tx_exec(tx, &sql_user_set_password, PARAMS(p_str(user_id), p_str(hash)), NULL);
}

enum err auth_login(struct ctx *ctx, struct str email, struct str password,
                    struct auth_session *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct auth_session s = {0};
        struct user user = {0};
        struct db_result r;
        struct str hash = STR_NULL;
        bool right;

        TRY(db_query(ctx, ctx->app->db, &sql_user_by_email, PARAMS(p_str(email)), &r));
        if (r.rows) {
                desc_from_row(ctx, &user_desc, &r, 0, &user);
                hash = db_text(&r, 0, db_column(&r, "password_hash"));
        }
        TRY(password_verify(ctx, ctx->app->hasher, password, hash, &right));
        if (!right)
                return login_failed(ctx, user.id);
        auth_act_as(ctx, user.id);
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(rehash(ctx, &tx, user.id, password, hash));
        TRY(auth_session_begin(ctx, &tx, &user, &s));
        TRY(audit_write(ctx, &tx, STR_NULL, "auth.login", "user", user.id, STR_NULL));
        TRY(tx_commit(&tx));
        TRY(auth_session_fill(ctx, &s));
        *ret = s;
        return OK;
}

/* A spent token came again: whoever holds the family loses it. */
static enum err reused(struct ctx *ctx, struct tx *tx, struct str session_id, struct str user_id)
{
        struct db_result r;

        auth_act_as(ctx, user_id);
        TRY(tx_query(tx, &sql_session_revoke, PARAMS(p_str(session_id), p_c("refresh_reuse")), &r));
        if (r.rows)
                TRY(audit_write(ctx, tx, STR_NULL, "auth.refresh_reused", "session", session_id,
                                STR_NULL));
        TRY(tx_commit(tx));
        cached_changed(ctx, CACHED_SESSION, session_id, STR_NULL);
        return fail(ctx, ERR_AUTHENTICATION,
                    "this refresh token was used before: the session is ended, sign in again");
}

enum err auth_refresh(struct ctx *ctx, struct str refresh_token, struct auth_session *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct auth_session s = {0};
        struct db_result r, user;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_refresh_lock, PARAMS(p_token(ctx, refresh_token)), &r));
        if (r.rows == 0)
                return fail(ctx, ERR_AUTHENTICATION, "this refresh token is not one of ours");
        struct str session_id = db_text(&r, 0, 1), user_id = db_text(&r, 0, 2);

        if (db_bool(&r, 0, db_column(&r, "spent")))
                return reused(ctx, &tx, session_id, user_id);
        if (db_bool(&r, 0, db_column(&r, "expired")) || db_bool(&r, 0, db_column(&r, "revoked")))
                return fail(ctx, ERR_AUTHENTICATION, "this session has ended, sign in again");
        TRY(tx_exec(&tx, &sql_refresh_spend, PARAMS(p_str(db_text(&r, 0, 0))), NULL));
        TRY(tx_query(&tx, &sql_user_by_id, PARAMS(p_str(user_id)), &user));
        desc_from_row(ctx, &user_desc, &user, 0, &s.user);
        TRY(tokens_issue(ctx, &tx, session_id, &s));
        TRY(tx_commit(&tx));
        TRY(auth_session_fill(ctx, &s));
        *ret = s;
        return OK;
}

static enum err session_of(struct ctx *ctx, struct str refresh_token, struct str *session_id)
{
        struct db_result r;

        if (!refresh_token.ptr)
                return OK;
        TRY(db_query(ctx, ctx->app->db, &sql_refresh_session, PARAMS(p_token(ctx, refresh_token)),
                     &r));
        *session_id = r.rows ? db_text(&r, 0, 0) : STR_NULL;
        return OK;
}

enum err auth_logout(struct ctx *ctx, struct str refresh_token, struct str session_id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;

        TRY(session_of(ctx, refresh_token, &session_id));
        if (!session_id.ptr)
                return fail(ctx, ERR_AUTHENTICATION, "there is no session to end");
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_session_revoke, PARAMS(p_str(session_id), p_c("logout")), &r));
        if (r.rows) {
                auth_act_as(ctx, db_text(&r, 0, 0));
                TRY(audit_write(ctx, &tx, STR_NULL, "auth.logout", "session", session_id,
                                STR_NULL));
        }
        TRY(tx_commit(&tx));
        cached_changed(ctx, CACHED_SESSION, session_id, STR_NULL);
        return OK;
}

enum err auth_me(struct ctx *ctx, struct str user_id, struct user *ret)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_user_by_id, PARAMS(p_str(user_id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "user");
        desc_from_row(ctx, &user_desc, &r, 0, ret);
        if (ctx->actor && ctx->actor->platform_admin)
                ret->platform_admin = true;
        return OK;
}

enum err auth_user_changed(struct ctx *ctx, struct str user_id)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_sessions_live, PARAMS(p_str(user_id)), &r));
        auth_sessions_ended(ctx, &r);
        return OK;
}

enum err auth_sweep(struct ctx *ctx, struct tx *tx)
{
        TRY(tx_exec(tx, &sql_sweep_sessions, NO_PARAMS, NULL));
        TRY(tx_exec(tx, &sql_sweep_refresh, NO_PARAMS, NULL));
        return tx_exec(tx, &sql_sweep_once, NO_PARAMS, NULL);
}
