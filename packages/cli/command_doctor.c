/* millrace doctor: looks at every part of this installation and says how to mend what is wrong. */
#include "cli.h"
#include "env.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/app.h"
#include "cache/cache.h"
#include "cli_sql.h"
#include "features/provider/provider.h"
#include "fetch/fetch.h"
#include "migrations/migrations.h"

enum verdict { FINE, WARN, FAIL };

struct doctor {
        struct cli *cli;
        struct buf out;
        struct json_out o;
        int warnings, failures;
};

static void say(struct doctor *d, enum verdict v, const char *part, struct str found,
                const char *mend)
{
        static const char *const names[] = {"ok", "warning", "fault"};

        d->warnings += v == WARN;
        d->failures += v == FAIL;
        out_object(&d->o, NULL);
        out_c(&d->o, "part", part);
        out_c(&d->o, "status", names[v]);
        out_str(&d->o, "found", found);
        out_c(&d->o, "mend", v == FINE ? NULL : mend);
        out_end_object(&d->o);
        if (d->cli->json)
                return;
        cli_print("%-8s %-12s %.*s\n", names[v], part, FMT(found));
        if (v != FINE && mend)
                cli_print("%-8s %-12s → %s\n", "", "", mend);
}

#define FOUND(...) str_printf(&d->cli->arena, __VA_ARGS__)

static void check_settings(struct doctor *d)
{
        struct settings settings;
        struct ctx ctx;

        ctx_init(&ctx, &d->cli->arena);
        if (conf_load(&ctx, settings_table, &settings) == OK) {
                say(d, FINE, "settings", STR("all in range"), NULL);
                return;
        }
        LIST_EACH (f, &ctx.faults)
                say(d, FAIL, "settings", FOUND("%.*s", FMT(f->message)),
                    str_starts(f->path, STR("MILLRACE_MASTER_KEY")) ||
                                    str_starts(f->path, STR("MILLRACE_SERVICE_KEY"))
                            ? "./run makes the keys at its first start; run this as the user that "
                              "owns the state directory"
                            : "set it in the environment or in .env beside run");
}

static void check_secret(struct doctor *d, const char *name)
{
        struct stat st;
        char *path = arena_printf(&d->cli->arena, "%.*s/secrets/%s",
                                  FMT(env_get("MILLRACE_STATE_DIR")), name);

        if (stat(path, &st) == 0 && (st.st_mode & 077))
                say(d, FAIL, "keys", FOUND("%s can be read by others", path),
                    "chmod 600 that file");
}

static void check_state(struct doctor *d)
{
        struct str dir = env_get("MILLRACE_STATE_DIR");
        char *path = str_to_c(&d->cli->arena, dir);
        struct statvfs fs;

        if (access(path, F_OK) != 0) {
                say(d, WARN, "state", FOUND("%s is not there yet", path),
                    "./run makes it at its first start");
                return;
        }
        if (access(path, W_OK) != 0)
                say(d, FAIL, "state", FOUND("%s cannot be written", path),
                    "run as the user that owns it");
        else
                say(d, FINE, "state", FOUND("%s", path), NULL);
        check_secret(d, "master.key");
        check_secret(d, "service.key");
        if (statvfs(path, &fs) != 0)
                return;
        double gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;

        say(d,
            gb < 0.3 ? FAIL
            : gb < 2 ? WARN
                     : FINE,
            "disk", FOUND("%.1f GB free", gb),
            "make room: imports, the database and its log need it");
}

static bool check_server_version(struct doctor *d, struct ctx *ctx, struct db *db)
{
        struct db_result r;

        if (db_query(ctx, db, &sql_server_version, NO_PARAMS, &r) != OK) {
                say(d, FAIL, "PostgreSQL", ctx->message,
                    "start the stack with ./run --detach, or mend MILLRACE_DATABASE_URL; log: "
                    "log/postgres.log in the state directory");
                return false;
        }
        say(d, db_i64(&r, 0, 0) < 150000 ? FAIL : FINE, "PostgreSQL",
            FOUND("version %.*s, database of %.*s", FMT(db_text(&r, 0, 1)), FMT(db_text(&r, 0, 2))),
            "Millrace needs PostgreSQL 15 or newer");
        return true;
}

static void check_database(struct doctor *d)
{
        struct ctx ctx;
        struct db *db = NULL;
        int at = 0, newest = migrations_count ? migrations[migrations_count - 1].number : 0;

        ctx_init(&ctx, &d->cli->arena);
        ctx.deadline_ns = time_mono_ns() + 5 * NS_PER_S;
        if (env_database(d->cli, &db) != OK)
                return; /* check_settings() has said so */
        if (check_server_version(d, &ctx, db)) {
                if (db_migrate_status(&ctx, db, &at) != OK)
                        say(d, FAIL, "migrations", ctx.message, "millrace migrate up");
                else
                        say(d, at == newest ? FINE : FAIL, "migrations",
                            FOUND("%03d of %03d", at, newest),
                            at < newest ? "millrace migrate up"
                                        : "the database is newer than this program: update it");
        }
        db_close(db);
}

static void check_redis(struct doctor *d)
{
        struct cache *cache = cache_open(env_get("MILLRACE_REDIS_URL"));
        enum cache_health health = cache_health(cache);

        cache_close(cache);
        say(d, health == CACHE_UP ? FINE : WARN, "Redis",
            health == CACHE_UP    ? STR("answers")
            : health == CACHE_OFF ? STR("not configured")
                                  : FOUND("no answer at %.*s", FMT(env_get("MILLRACE_REDIS_URL"))),
            "everything works without it, but rate limits then count per process; ./run starts it");
}

/* GET of an own address; STR_NULL and the reason in ctx when there is no answer of 200. */
static struct str get(struct doctor *d, struct ctx *ctx, struct str base, const char *path,
                      int *ret_status)
{
        struct fetch_client *client = NULL;
        struct fetch_res res = {0};
        struct egress_url url;
        struct str body = STR_NULL;

        ctx_init(ctx, &d->cli->arena);
        ctx->deadline_ns = time_mono_ns() + 5 * NS_PER_S;
        *ret_status = 0;
        if (egress_url_parse(ctx, base, &url) != OK)
                return STR_NULL;
        struct fetch_config config = {.egress_allow = FOUND("%.*s:%d", FMT(url.host), url.port)};
        struct fetch_req req = {.url = FOUND("%.*s%s", FMT(base), path), .timeout_ms = 4000};

        if (fetch_open(ctx, &config, &client) == OK && fetch(ctx, client, &req, &res) == OK) {
                *ret_status = res.status;
                body = res.body.ptr ? res.body : STR("");
        }
        fetch_close(client);
        return body;
}

static void check_server(struct doctor *d)
{
        struct ctx ctx;
        int status;
        struct str url = env_url();

        if (!get(d, &ctx, url, "/api/v1/health", &status).ptr) {
                say(d, FAIL, "server", FOUND("no answer at %.*s: %.*s", FMT(url), FMT(ctx.message)),
                    "./run --detach starts it; log: log/millraced.log in the state directory");
                return;
        }
        struct str body = get(d, &ctx, url, "/api/v1/readiness", &status);

        say(d, status == 200 ? FINE : FAIL, "server",
            status == 200 ? FOUND("ready at %.*s", FMT(url))
                          : FOUND("not ready: %.*s", FMT(str_slice(body, 0, 300))),
            "its log says why: log/millraced.log in the state directory");
}

static void check_sandbox(struct doctor *d)
{
        struct str url = env_get("MILLRACE_SANDBOX_URL");
        struct ctx ctx;
        int status;

        if (!url.ptr) {
                say(d, FINE, "sandbox", STR("turned off"), NULL);
                return;
        }
        get(d, &ctx, url, "/_sandbox/health", &status);
        say(d, status == 200 ? FINE : WARN, "sandbox",
            status == 200 ? FOUND("answers at %.*s", FMT(url))
                          : FOUND("no answer at %.*s", FMT(url)),
            "providers without a credential cannot be asked; ./run --detach starts it");
}

static void check_providers(struct doctor *d)
{
        provider_check_list checks = {0};
        struct ctx ctx;
        size_t bad = 0;

        ctx_init(&ctx, &d->cli->arena);
        enum err e = provider_check_all(&ctx, env_get("MILLRACE_PROVIDERS_DIR"), &checks);

        LIST_EACH (c, &checks)
                bad += c->faults.len > 0;
        say(d, e == OK && !bad ? FINE : FAIL, "providers",
            e == OK ? FOUND("%zu definitions, %zu with faults", checks.len, bad) : ctx.message,
            "millrace providers check lists the faults");
}

static void check_web(struct doctor *d)
{
        struct str dir = env_get("MILLRACE_WEB_DIR");
        char *index = arena_printf(&d->cli->arena, "%.*s/index.html", FMT(dir));

        say(d, dir.ptr && access(index, R_OK) == 0 ? FINE : WARN, "web app",
            dir.ptr ? FOUND("%s", index) : STR("no folder is known"),
            "./run builds it (npm is needed); the API and this command line work without");
}

static bool on_path(struct doctor *d, const char *program)
{
        struct str rest = env_get("PATH"), dir;

        while (rest.ptr && str_split(&rest, ':', &dir))
                if (access(arena_printf(&d->cli->arena, "%.*s/%s", FMT(dir), program), X_OK) == 0)
                        return true;
        return false;
}

static void check_chromium(struct doctor *d)
{
        static const char *const names[] = {"chromium", "chromium-headless-shell", "google-chrome"};

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (on_path(d, names[i])) {
                        say(d, FINE, "Chromium", str_from(names[i]), NULL);
                        return;
                }
        say(d, WARN, "Chromium", STR("not found"),
            "only the end-to-end tests need it: apt install chromium");
}

static void check_limits(struct doctor *d)
{
        struct rlimit files = {0};

        getrlimit(RLIMIT_NOFILE, &files);
        say(d, files.rlim_max >= 8192 ? FINE : WARN, "open files",
            FOUND("up to %llu", (unsigned long long)files.rlim_max),
            "raise the limit (ulimit -Hn 65536): each outbound call and each browser takes one");
}

enum err command_doctor(struct cli *cli)
{
        struct doctor d = {.cli = cli};

        buf_init(&d.out, &cli->arena, 4 << 20);
        d.o.buf = &d.out;
        out_array(&d.o, NULL);
        check_settings(&d);
        check_state(&d);
        check_limits(&d);
        check_database(&d);
        check_redis(&d);
        check_sandbox(&d);
        check_providers(&d);
        check_web(&d);
        check_chromium(&d);
        check_server(&d);
        out_end_array(&d.o);
        if (d.failures)
                cli->status = EXIT_FAULTS;
        if (cli->json)
                cli_put_data(cli, buf_str(&d.out));
        else
                cli_print("%d fault%s, %d warning%s\n", d.failures, d.failures == 1 ? "" : "s",
                          d.warnings, d.warnings == 1 ? "" : "s");
        return OK;
}
