/* One-time tokens: password reset and login links. See auth.h. */
#include "features/auth/auth_internal.h"

#include "auth_sql.h"
#include "base/token.h"
#include "crypto/password.h"
#include "log/log.h"

#define RESET "password_reset"
#define LINK  "login_link"

/* Replaces the user's unused ones. *ret_user is STR_NULL when there is no such user. */
static enum err issue(struct ctx *ctx, struct tx *tx, struct str email, const char *purpose,
                      const char *life, struct str *ret_token, struct str *ret_user)
{
        struct str token = crypto_token(ctx->arena, 32);
        struct db_result r;

        TRY(tx_exec(tx, &sql_once_drop, PARAMS(p_str(email), p_c(purpose)), NULL));
        TRY(tx_query(tx, &sql_once_insert_by_email,
                     PARAMS(p_str(email), p_c(purpose), p_token(ctx, token), p_c(life)), &r));
        *ret_user = r.rows ? db_text(&r, 0, 0) : STR_NULL;
        *ret_token = token;
        return OK;
}

enum err auth_forgot(struct ctx *ctx, struct str email)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str token, user;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(issue(ctx, &tx, email, RESET, "1 hour", &token, &user));
        if (user.ptr) {
                auth_act_as(ctx, user);
                TRY(audit_write(ctx, &tx, STR_NULL, "auth.password_reset_requested", "user", user,
                                STR_NULL));
        }
        TRY(tx_commit(&tx));
        if (user.ptr)
                log_warn("somebody asked for a new password; there is no mail server, so pass this "
                         "link on to them if they are who they say (good for one hour, once)",
                         LOG_STR("userId", user),
                         LOG_STR("link", app_link(ctx, "/reset?token=", token)));
        return OK;
}

static enum err take(struct ctx *ctx, struct tx *tx, struct str token, const char *purpose,
                     struct str *ret_user)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_once_take, PARAMS(p_token(ctx, token), p_c(purpose)), &r));
        if (r.rows == 0)
                return fail(ctx, ERR_AUTHENTICATION, "this link was used before or has expired");
        *ret_user = db_text(&r, 0, 0);
        auth_act_as(ctx, *ret_user);
        return OK;
}

enum err auth_reset(struct ctx *ctx, struct str token, struct str password)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result ended;
        struct str user, hash;

        TRY(password_hash(ctx, ctx->app->hasher, password, &hash));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(take(ctx, &tx, token, RESET, &user));
        TRY(tx_exec(&tx, &sql_user_set_password, PARAMS(p_str(user), p_str(hash)), NULL));
        TRY(tx_query(&tx, &sql_sessions_revoke_all, PARAMS(p_str(user), p_c("password_reset")),
                     &ended));
        TRY(audit_write(ctx, &tx, STR_NULL, "auth.password_reset", "user", user, STR_NULL));
        TRY(tx_commit(&tx));
        auth_sessions_ended(ctx, &ended);
        return OK;
}

enum err auth_link(struct ctx *ctx, struct str token, struct auth_session *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct auth_session s = {0};
        struct user user = {0};
        struct db_result r;
        struct str id;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(take(ctx, &tx, token, LINK, &id));
        TRY(tx_query(&tx, &sql_user_by_id, PARAMS(p_str(id)), &r));
        desc_from_row(ctx, &user_desc, &r, 0, &user);
        TRY(auth_session_begin(ctx, &tx, &user, &s));
        TRY(audit_write(ctx, &tx, STR_NULL, "auth.login_link_used", "user", id, STR_NULL));
        TRY(tx_commit(&tx));
        TRY(auth_session_fill(ctx, &s));
        *ret = s;
        return OK;
}

/* The oldest administrator; made, with a workspace, when nobody is there yet. */
static enum err first_admin(struct ctx *ctx, struct tx *tx, struct str *ret_email)
{
        struct db_result r;
        struct user user = {0};
        struct workspace w;

        TRY(tx_exec(tx, &sql_users_lock, NO_PARAMS, NULL));
        TRY(tx_query(tx, &sql_user_first_admin, NO_PARAMS, &r));
        if (r.rows == 0) {
                TRY(tx_query(
                        tx, &sql_user_insert,
                        PARAMS(p_c("owner@millrace.local"), p_c("Owner"), p_null(), p_bool(true)),
                        &r));
                desc_from_row(ctx, &user_desc, &r, 0, &user);
                TRY(workspace_create(ctx, tx, user.id, STR("My workspace"), &w));
        }
        *ret_email = db_text(&r, 0, db_column(&r, "email"));
        return OK;
}

enum err auth_login_link(struct ctx *ctx, struct str email, struct str *ret_url)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str token, user;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        if (!email.ptr)
                TRY(first_admin(ctx, &tx, &email));
        TRY(issue(ctx, &tx, email, LINK, "24 hours", &token, &user));
        if (!user.ptr)
                return fail_not_found(ctx, "user");
        TRY(audit_write(ctx, &tx, STR_NULL, "auth.login_link_made", "user", user, STR_NULL));
        TRY(tx_commit(&tx));
        *ret_url = app_link(ctx, "/login?token=", token);
        return OK;
}
