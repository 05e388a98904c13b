/* The command `millrace enrich`: its steps in order, and what it says. */
#include "enrich/enrich.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "env.h"
#include "session.h"

static void note(const struct enrich *e, const char *text)
{
        if (!e->cli->json)
                cli_note(e->cli, "%s", text);
}

/* ---- the server ---- */

static bool server_answers(struct cli *cli, struct str url, int64_t patience_ms)
{
        struct fetch_client *client = NULL;
        struct egress_url parsed;
        struct fetch_res res = {0};
        struct arena a;
        struct ctx ctx;
        bool ok = false;

        arena_init(&a, 1 << 20);
        ctx_init(&ctx, &a);
        ctx.deadline_ns = time_mono_ns() + patience_ms * NS_PER_MS;
        if (egress_url_parse(&ctx, url, &parsed) == OK) {
                struct fetch_config config = {
                        .egress_allow = str_printf(&a, "%.*s:%d", FMT(parsed.host), parsed.port)};
                struct fetch_req req = {.url = str_printf(&a, "%.*s/api/v1/health", FMT(url)),
                                        .timeout_ms = patience_ms};

                ok = fetch_open(&ctx, &config, &client) == OK &&
                     fetch(&ctx, client, &req, &res) == OK && res.status == 200;
        }
        fetch_close(client);
        arena_finish(&a);
        return ok;
}

/* Runs ./run --detach of this checkout; its words go to stderr. */
static enum err start_server(struct cli *cli)
{
        char *run = str_to_c(&cli->arena, str_printf(&cli->arena, "%.*s/run", FMT(cli->root)));
        char *argv[] = {run, (char[]){"--detach"}, NULL};
        posix_spawn_file_actions_t files;
        pid_t pid;
        int status = 0;

        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        int failed = posix_spawn(&pid, run, &files, NULL, argv, cli->environment);

        posix_spawn_file_actions_destroy(&files);
        if (failed)
                return fail(&cli->ctx, ERR_UNAVAILABLE, "cannot start %s: %s", run,
                            strerror(failed));
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (status != 0)
                return fail(&cli->ctx, ERR_UNAVAILABLE, "%s --detach did not start the server",
                            run);
        env_load(cli); /* keys may have been made just now */
        return OK;
}

static enum err ensure_server(struct enrich *e)
{
        struct cli *cli = e->cli;

        if (server_answers(cli, env_url(), 3000))
                return OK;
        if (!cli->root.ptr || cli_has(cli, "no-start") || env_get("MILLRACE_TOKEN").ptr)
                return fail(&cli->ctx, ERR_UNAVAILABLE,
                            "no server answers at %.*s; start it with ./run, or say where it is "
                            "with MILLRACE_URL",
                            FMT(env_url()));
        note(e, "no server runs yet: starting one");
        return start_server(cli);
}

/* ---- the workspace ---- */

static enum err choose_workspace(struct enrich *e)
{
        struct ctx *ctx = &e->cli->ctx;
        struct str asked = cli_text(e->cli, "workspace");
        const struct json *list = NULL;

        TRY(api_get(&e->api, ctx, STR("/workspaces"), &list));
        JSON_EACH_ITEM (i, w, list) {
                struct str id = json_member_text(w, "id");

                if (asked.ptr && !str_eq(asked, id) && !str_eq(asked, json_member_text(w, "name")))
                        continue;
                e->workspace = str_printf(ctx->arena, "/workspaces/%.*s", FMT(id));
                e->available = json_get_i64(json_member(json_member(w, "credits"), "available"), 0);
                return OK;
        }
        if (asked.ptr)
                return fail(ctx, ERR_NOT_FOUND, "you belong to no workspace \"%.*s\"", FMT(asked));
        return fail(ctx, ERR_NOT_FOUND, "you belong to no workspace yet");
}

/* ---- what is said ---- */

static void say_plan(struct enrich *e, bool resumed)
{
        struct arena *a = &e->cli->arena;

        if (e->cli->json)
                return;
        cli_note(e->cli, "%.*s: %.*s rows, %zu columns", FMT(e->input.path),
                 FMT(number_text(a, e->input.rows)), e->input.headers.len);
        for (size_t i = 0; i < e->input.headers.len; i++)
                if (e->input.known.ptr[i])
                        cli_note(e->cli, "  %.*s holds %s", FMT(e->input.headers.ptr[i]),
                                 e->input.known.ptr[i]->label);
        LIST_EACH (t, &e->targets) {
                struct buf b;

                buf_init(&b, a, 4096);
                LIST_EACH (slug, &t->waterfall)
                        buf_printf(&b, "%s%.*s", b.len ? ", then " : "", FMT(*slug));
                cli_note(e->cli, "  %s %s from %s",
                         t->csv_column == SIZE_MAX ? "adds" : "completes", t->field->label,
                         buf_str(&b).ptr);
        }
        if (resumed)
                cli_note(e->cli, "going on where an earlier run stopped");
}

static struct str credits_text(struct enrich *e, const struct json *estimate)
{
        const struct json *credits = json_member(estimate, "credits");
        struct arena *a = &e->cli->arena;

        return str_printf(a, "%.*s cells to fill; %.*s credits expected, %.*s at most",
                          FMT(number_text(a, json_get_i64(json_member(estimate, "cells"), 0))),
                          FMT(number_text(a, json_get_i64(json_member(credits, "expected"), 0))),
                          FMT(number_text(a, json_get_i64(json_member(credits, "max"), 0))));
}

static void say_estimate(struct enrich *e, const struct json *v)
{
        cli_print("%.*s\n", FMT(credits_text(e, v)));
        JSON_EACH_ITEM (i, p, json_member(v, "providers"))
                cli_print("  %-28.*s %8.0f calls  %8.0f credits\n",
                          FMT(json_member_text(p, "slug")),
                          json_get_double(json_member(p, "expectedCalls"), 0),
                          json_get_double(json_member(p, "expectedCredits"), 0));
        JSON_EACH_ITEM (i, warning, json_member(v, "warnings"))
                cli_print("  note: %.*s\n", FMT(json_get_str(warning)));
}

/*
 * A job reserves the most it could cost. Where the workspace has less than that, what it has is the
 * budget: the job then runs as far as that goes.
 */
static enum err set_budget(struct enrich *e)
{
        const struct json *v = NULL;

        if (e->state.job_id.ptr)
                return OK;
        TRY(remote_estimate(e, &v));
        if (!e->cli->json)
                cli_note(e->cli, "%.*s", FMT(credits_text(e, v)));
        int64_t most = json_get_i64(json_member(json_member(v, "credits"), "max"), 0);

        if (e->budget >= 0 || most <= e->available)
                return OK;
        e->budget = e->available;
        if (!e->cli->json)
                cli_note(e->cli, "the workspace has %.*s credits: the job ends when they are spent",
                         FMT(number_text(&e->cli->arena, e->available)));
        return OK;
}

static void say_result(struct enrich *e, const struct json *job, const struct result_counts *n)
{
        const struct json *credits = json_member(job, "credits");
        struct arena *a = &e->cli->arena;
        struct str status = json_member_text(job, "status");

        if (e->cli->json) {
                struct buf b;
                struct json_out o = {.buf = &b};

                buf_init(&b, a, 1 << 20);
                out_object(&o, NULL);
                out_str(&o, "output", e->output);
                out_i64(&o, "rows", n->rows);
                out_i64(&o, "filled", n->filled);
                out_i64(&o, "fromSandbox", n->sandbox);
                out_json(&o, "job", job);
                out_end_object(&o);
                cli_put_data(e->cli, buf_str(&b));
                return;
        }
        cli_print("%.*s: %.*s cells filled in %.*s rows for %.*s credits\n", FMT(e->output),
                  FMT(number_text(a, n->filled)), FMT(number_text(a, n->rows)),
                  FMT(number_text(a, json_get_i64(json_member(credits, "spent"), 0))));
        if (n->sandbox)
                cli_note(e->cli,
                         "%.*s of them are demo data: the sandbox plays providers that have no "
                         "credential yet",
                         FMT(number_text(a, n->sandbox)));
        if (!str_eq_c(status, "completed")) {
                struct str why = json_member_text(job, "error");

                if (!why.len && json_get_bool(json_member(job, "budgetReached"), false))
                        why = STR("the budget is spent");
                cli_note(e->cli, "the job ended early: %.*s%s%.*s", FMT(status),
                         why.len ? ", " : "", FMT(why));
        }
}

/* ---- the run ---- */

static struct enrich *interrupted; /* for the signal handler only */

/* The state is on disk after every step and the server goes on by itself: leaving is enough. */
static void on_interrupt(int sig)
{
        static const char text[] =
                "\nStopped. The server goes on with the job; the same command picks it up again.\n";

        if (interrupted && write(STDERR_FILENO, text, sizeof text - 1) < 0)
                _exit(EXIT_INTERRUPTED);
        _exit(EXIT_INTERRUPTED);
}

static struct str purpose_of(struct enrich *e)
{
        struct buf b;

        buf_init(&b, &e->cli->arena, 1 << 20);
        buf_printf(&b, "%.*s\n%.*s\n%.*s\n", FMT(e->input.hash), FMT(e->api.base),
                   FMT(e->workspace));
        LIST_EACH (t, &e->targets) {
                buf_printf(&b, "%s:", t->field->key);
                LIST_EACH (slug, &t->waterfall)
                        buf_printf(&b, "%.*s,", FMT(*slug));
        }
        buf_printf(&b, "\n%.*s", FMT(cli_text(e->cli, "budget")));
        return crypto_sha256_hex(&e->cli->arena, buf_str(&b));
}

static enum err dry_run(struct enrich *e)
{
        const struct json *v = NULL;

        TRY(remote_import(e));
        TRY(remote_columns(e));
        enum err err = remote_estimate(e, &v);
        struct ctx quiet;

        if (err == OK && e->cli->json)
                cli_put_data(e->cli, json_text(&e->cli->arena, v));
        else if (err == OK)
                say_estimate(e, v);
        quiet = e->cli->ctx;
        if (remote_forget_table(e) == OK)
                state_remove(e->cli, &e->state);
        e->cli->ctx = quiet;
        return err;
}

static enum err full_run(struct enrich *e)
{
        struct result_counts counts = {0};
        const struct json *job = NULL;

        TRY(remote_import(e));
        TRY(remote_columns(e));
        TRY(set_budget(e));
        TRY(remote_job(e));
        TRY(watch_job(e, &job));
        TRY(result_write(e, &counts));
        state_remove(e->cli, &e->state);
        struct str status = json_member_text(job, "status");

        if (str_eq_c(status, "failed"))
                e->cli->status = EXIT_FAULTS;
        else if (!str_eq_c(status, "completed"))
                e->cli->status = EXIT_PARTIAL;
        say_result(e, job, &counts);
        return OK;
}

static enum err run(struct enrich *e)
{
        struct cli *cli = e->cli;
        bool resumed;

        TRY(choose_workspace(e));
        TRY(api_get(&e->api, &cli->ctx, STR("/providers"), &e->providers));
        if (cli_has(cli, "column"))
                TRY(plan_asked(cli, &e->input, e->providers, &e->targets));
        else
                TRY(plan_default(cli, &e->input, e->providers, &e->targets));
        TRY(state_open(cli, e->output, purpose_of(e), &e->state, &resumed));
        say_plan(e, resumed);
        interrupted = e;
        signal(SIGINT, on_interrupt);
        enum err err = cli_has(cli, "dry-run") ? dry_run(e) : full_run(e);

        /* What the state names is gone from the server: begin afresh, once. */
        if (err == ERR_NOT_FOUND && resumed) {
                note(e, "the earlier run's table is gone from the server: starting over");
                state_remove(cli, &e->state);
                ctx_clear(&cli->ctx);
                TRY(state_open(cli, e->output, purpose_of(e), &e->state, &resumed));
                err = cli_has(cli, "dry-run") ? dry_run(e) : full_run(e);
        }
        return err;
}

static enum err check_usage(struct enrich *e)
{
        struct cli *cli = e->cli;

        cli->status = EXIT_USAGE;
        if (cli_has(cli, "waterfall") && !cli_has(cli, "column"))
                return fail(&cli->ctx, ERR_VALIDATION, "--waterfall goes with a --column");
        TRY(cli_number(cli, "budget", -1, 0, INT64_C(1000000000000), &e->budget));
        cli->status = EXIT_FINE;
        return OK;
}

static struct str default_output(struct cli *cli, struct str input)
{
        struct str out = cli_text(cli, "output");

        if (out.ptr)
                return out;
        if (str_ends(input, STR(".csv")))
                input.len -= 4;
        return str_printf(&cli->arena, "%.*s.enriched.csv", FMT(input));
}

enum err command_enrich(struct cli *cli)
{
        struct enrich e = {.cli = cli, .progress_bar = isatty(STDERR_FILENO)};
        struct session session = {0};

        TRY(check_usage(&e));
        e.output = default_output(cli, cli->operands.ptr[0]);
        TRY(input_open(cli, cli->operands.ptr[0], &e.input));
        enum err err = ensure_server(&e);

        if (err == OK)
                err = session_open(cli, &session);
        struct api_auth auth = session_auth(&session);

        if (err == OK)
                err = api_open(cli, env_url(), &auth, &e.api);
        if (err == OK)
                err = run(&e);
        api_close(&e.api);
        session_close(&session);
        input_close(&e.input);
        return err;
}
