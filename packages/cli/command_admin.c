/* millrace admin …: what the operator of an installation does, straight on its database and keys.
 */
#include "cli.h"
#include "session.h"

#include <string.h>

#include "app/app.h"
#include "base/token.h"
#include "cli_sql.h"
#include "crypto/crypto.h"
#include "features/auth/auth.h"
#include "features/credential/credential.h"
#include "features/credit/credit.h"

static enum err with_local(struct cli *cli, enum err (*run)(struct cli *cli))
{
        enum err e = local_open(cli);

        if (e == OK)
                e = run(cli);
        local_close(cli);
        return e;
}

/* One text as the result: {"key": text} or the text itself. */
static void put_text(struct cli *cli, const char *key, struct str text)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        if (!cli->json) {
                cli_print("%.*s\n", FMT(text));
                return;
        }
        buf_init(&b, &cli->arena, 1 << 20);
        out_object(&o, NULL);
        out_str(&o, key, text);
        out_end_object(&o);
        cli_put_data(cli, buf_str(&b));
}

/* ---- login-link, token ---- */

static enum err login_link(struct cli *cli)
{
        struct str url;

        TRY(auth_login_link(&cli->ctx, cli_text(cli, "user"), &url));
        put_text(cli, "url", url);
        return OK;
}

enum err command_admin_login_link(struct cli *cli)
{
        return with_local(cli, login_link);
}

static enum err token(struct cli *cli)
{
        struct ctx *ctx = &cli->ctx;
        struct db_result user, session;
        struct str text;

        TRY(db_query(ctx, ctx->app->db, &sql_actor_oldest, PARAMS(p_str(cli_text(cli, "user"))),
                     &user));
        if (user.rows == 0)
                return fail(ctx, ERR_NOT_FOUND,
                            "there is no such user; `millrace admin user add` makes one");
        struct str id = db_text(&user, 0, 0);

        TRY(db_query(ctx, ctx->app->db, &sql_session_begin, PARAMS(p_str(id)), &session));
        TRY(token_issue(ctx, id, db_text(&session, 0, 0), &text));
        put_text(cli, "accessToken", text);
        return OK;
}

enum err command_admin_token(struct cli *cli)
{
        return with_local(cli, token);
}

/* ---- users ---- */

static enum err user_list(struct cli *cli)
{
        struct ctx *ctx = &cli->ctx;
        struct db_result r;
        struct buf b;
        struct json_out o = {.buf = &b};

        TRY(db_query(ctx, ctx->app->db, &sql_user_list, NO_PARAMS, &r));
        buf_init(&b, &cli->arena, 64 << 20);
        out_array(&o, NULL);
        for (int i = 0; i < r.rows; i++) {
                out_object(&o, NULL);
                out_str(&o, "id", db_text(&r, i, 0));
                out_str(&o, "email", db_text(&r, i, 1));
                out_str(&o, "name", db_text(&r, i, 2));
                out_bool(&o, "platformAdmin", db_bool(&r, i, 3));
                out_str(&o, "createdAt", db_text(&r, i, 4));
                out_i64(&o, "workspaces", db_i64(&r, i, 5));
                out_end_object(&o);
                if (!cli->json)
                        cli_print("%-36.*s %-24.*s %s%lld workspace%s\n", FMT(db_text(&r, i, 1)),
                                  FMT(db_text(&r, i, 2)), db_bool(&r, i, 3) ? "admin, " : "",
                                  (long long)db_i64(&r, i, 5), db_i64(&r, i, 5) == 1 ? "" : "s");
        }
        out_end_array(&o);
        if (cli->json)
                cli_put_data(cli, buf_str(&b));
        return OK;
}

enum err command_admin_user_list(struct cli *cli)
{
        return with_local(cli, user_list);
}

/* The password is nobody's: the login link is how they come in, and a new one sets theirs. */
static enum err user_add(struct cli *cli)
{
        struct str email = cli->operands.ptr[0], url, name = cli_text(cli, "name");
        struct register_input in = {
                .email = email,
                .password = crypto_token(&cli->arena, 32),
                .name = name.len ? name : str_slice(email, 0, str_find_char(email, '@')),
                .workspace_name = cli_text(cli, "workspace"),
        };
        struct auth_session session;

        TRY(auth_register(&cli->ctx, &in, &session));
        TRY(auth_login_link(&cli->ctx, session.user.email, &url));
        put_text(cli, "url", url);
        return OK;
}

enum err command_admin_user_add(struct cli *cli)
{
        return with_local(cli, user_add);
}

static enum err grant(struct cli *cli)
{
        struct str email = cli->operands.ptr[0];
        bool take = cli_has(cli, "revoke");
        struct db_result r;

        TRY(db_query(&cli->ctx, cli->ctx.app->db, &sql_user_set_admin,
                     PARAMS(p_str(email), p_bool(!take)), &r));
        if (r.rows == 0)
                return fail(&cli->ctx, ERR_NOT_FOUND, "there is no user %.*s", FMT(email));
        TRY(auth_user_changed(&cli->ctx, db_text(&r, 0, 0)));
        put_text(cli, "result",
                 str_printf(&cli->arena, "%.*s is %s platform administrator", FMT(email),
                            take ? "no longer" : "now"));
        return OK;
}

enum err command_admin_grant(struct cli *cli)
{
        return with_local(cli, grant);
}

/* ---- credits ---- */

static enum err find_workspace(struct cli *cli, struct str asked, struct str *ret_id)
{
        struct ctx *ctx = &cli->ctx;
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_workspace_find, PARAMS(p_str(asked)), &r));
        if (r.rows == 0)
                return fail(ctx, ERR_NOT_FOUND, "there is no workspace \"%.*s\"", FMT(asked));
        if (r.rows > 1)
                return fail(ctx, ERR_CONFLICT, "several workspaces are called \"%.*s\": say its id",
                            FMT(asked));
        *ret_id = db_text(&r, 0, 0);
        return OK;
}

static enum err credits(struct cli *cli)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct ctx *ctx = &cli->ctx;
        struct str id, memo = cli_text(cli, "memo"), key = cli_text(cli, "key");
        struct credit_balance balance;
        int64_t amount;

        if (!str_to_i64(cli->operands.ptr[1], &amount) || amount == 0)
                return fail(ctx, ERR_VALIDATION, "the amount must be a whole number, not \"%.*s\"",
                            FMT(cli->operands.ptr[1]));
        if (!key.ptr)
                key = str_printf(ctx->arena, "admin:%.*s", FMT(crypto_token(ctx->arena, 16)));
        TRY(find_workspace(cli, cli->operands.ptr[0], &id));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        if (amount > 0)
                TRY(credit_grant(ctx, &tx, id, amount, key, memo));
        else
                TRY(credit_revoke(ctx, &tx, id, -amount, key, memo));
        TRY(tx_commit(&tx));
        TRY(credit_read(ctx, ctx->app->db, id, &balance));
        if (cli->json)
                cli_put_data(cli,
                             str_printf(ctx->arena,
                                        "{\"workspaceId\":\"%.*s\",\"available\":%lld,"
                                        "\"reserved\":%lld,\"spent\":%lld}",
                                        FMT(id), (long long)balance.available,
                                        (long long)balance.reserved, (long long)balance.spent));
        else
                cli_print("%lld credits available, %lld reserved, %lld spent\n",
                          (long long)balance.available, (long long)balance.reserved,
                          (long long)balance.spent);
        return OK;
}

enum err command_admin_credits(struct cli *cli)
{
        return with_local(cli, credits);
}

/* ---- reconcile ---- */

static void reconcile_json(struct cli *cli, const struct credit_report *r)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &cli->arena, 256 << 20);
        out_object(&o, NULL);
        out_i64(&o, "workspaces", r->workspaces);
        out_i64(&o, "accounts", r->accounts);
        out_i64(&o, "transfers", r->transfers);
        out_i64(&o, "jobs", r->jobs);
        out_i64(&o, "attempts", r->attempts);
        out_array(&o, "discrepancies");
        LIST_EACH (d, &r->discrepancies) {
                out_object(&o, NULL);
                out_str(&o, "check", d->check);
                out_str(&o, "workspaceId", d->workspace);
                out_str(&o, "subject", d->subject);
                out_str(&o, "expected", d->expected);
                out_str(&o, "actual", d->actual);
                out_end_object(&o);
        }
        out_end_array(&o);
        out_end_object(&o);
        cli_put_data(cli, buf_str(&b));
}

static enum err reconcile(struct cli *cli)
{
        struct credit_report r = {0};

        TRY(credit_reconcile(&cli->ctx, cli->ctx.app->db, &r));
        if (r.discrepancies.len)
                cli->status = EXIT_FAULTS;
        if (cli->json) {
                reconcile_json(cli, &r);
                return OK;
        }
        LIST_EACH (d, &r.discrepancies)
                cli_print("%.*s: workspace %.*s, %.*s: expected %.*s, found %.*s\n", FMT(d->check),
                          FMT(d->workspace), FMT(d->subject), FMT(d->expected), FMT(d->actual));
        cli_print("%lld transfers on %lld accounts of %lld workspaces, %lld jobs, %lld attempts: ",
                  (long long)r.transfers, (long long)r.accounts, (long long)r.workspaces,
                  (long long)r.jobs, (long long)r.attempts);
        if (r.discrepancies.len)
                cli_print("%zu discrepanc%s\n", r.discrepancies.len,
                          r.discrepancies.len == 1 ? "y" : "ies");
        else
                cli_print("the books are right\n");
        return OK;
}

enum err command_admin_reconcile(struct cli *cli)
{
        return with_local(cli, reconcile);
}

/* ---- reseal ---- */

static enum err reseal(struct cli *cli)
{
        int64_t count;

        TRY(credential_reseal(&cli->ctx, &count));
        if (cli->json)
                cli_put_data(cli, str_printf(&cli->arena, "{\"resealed\":%lld}", (long long)count));
        else
                cli_print("%lld credential%s sealed anew\n", (long long)count,
                          count == 1 ? "" : "s");
        return OK;
}

enum err command_admin_reseal(struct cli *cli)
{
        return with_local(cli, reseal);
}
