/* Sessions on this machine's own installation. See session.h. */
#include "session.h"

#include <stdlib.h>

#include "app/app.h"
#include "base/token.h"
#include "cli_sql.h"
#include "env.h"
#include "features/auth/auth.h"

enum err local_open(struct cli *cli)
{
        struct app *app = NULL;

        setenv("LOG_LEVEL", "error", 1); /* stdout is for results */
        enum err e = app_open(&cli->ctx, 0, &app);

        if (e != OK)
                cli->ctx.app = NULL;
        return e;
}

void local_close(struct cli *cli)
{
        app_close(cli->ctx.app);
        cli->ctx.app = NULL;
}

static enum err find_user(struct session *s, struct str email)
{
        struct ctx *ctx = &s->cli->ctx;
        struct str url;
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_actor_oldest, PARAMS(p_str(email)), &r));
        if (r.rows == 0 && !email.ptr) {
                /* nobody yet: making the first login link makes the first user */
                TRY(auth_login_link(ctx, STR_NULL, &url));
                TRY(db_query(ctx, ctx->app->db, &sql_actor_oldest, PARAMS(p_null()), &r));
        }
        if (r.rows == 0)
                return fail(ctx, ERR_NOT_FOUND, "there is no user %.*s", FMT(email));
        s->user_id = db_text(&r, 0, 0);
        s->email = db_text(&r, 0, 1);
        return OK;
}

enum err session_open(struct cli *cli, struct session *ret)
{
        struct db_result r;

        *ret = (struct session){.cli = cli, .fixed = env_get("MILLRACE_TOKEN")};
        if (ret->fixed.ptr)
                return OK;
        TRY(local_open(cli));
        TRY(find_user(ret, cli_text(cli, "user")));
        TRY(db_query(&cli->ctx, cli->ctx.app->db, &sql_session_begin, PARAMS(p_str(ret->user_id)),
                     &r));
        ret->session_id = db_text(&r, 0, 0);
        return OK;
}

void session_close(struct session *s)
{
        struct arena a;
        struct ctx ctx;

        if (!s->cli || !s->cli->ctx.app)
                return;
        arena_init(&a, 1 << 20);
        ctx_init(&ctx, &a); /* the command's own error stays as it is */
        if (s->session_id.ptr && db_exec(&ctx, s->cli->ctx.app->db, &sql_session_end,
                                         PARAMS(p_str(s->session_id)), NULL) != OK)
                cli_note(s->cli, "the session could not be ended: %.*s", FMT(ctx.message));
        arena_finish(&a);
        local_close(s->cli);
}

static enum err renew(void *arg, struct ctx *ctx, struct str *ret_token)
{
        struct session *s = arg;

        if (s->fixed.ptr) {
                if (s->fixed_used)
                        return fail(ctx, ERR_AUTHENTICATION,
                                    "MILLRACE_TOKEN is not valid or has expired");
                s->fixed_used = true;
                *ret_token = s->fixed;
                return OK;
        }
        struct app *before = ctx->app;

        ctx->app = s->cli->ctx.app;
        enum err e = token_issue(ctx, s->user_id, s->session_id, ret_token);

        ctx->app = before;
        return e;
}

struct api_auth session_auth(struct session *s)
{
        return (struct api_auth){renew, s};
}
