/* millraced: the HTTP API, the web app and the background roles in one process. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/app.h"
#include "app/pipeline.h"
#include "log/log.h"

#define DRAIN_SECONDS 30

static const char usage[] =
        "Usage: millraced [--roles api,worker,replicator,scheduler] [--settings]\n"
        "\n"
        "Serves the Millrace API and web app, and runs background work. Settings come from the\n"
        "environment; --settings lists them. Ends cleanly on SIGTERM and SIGINT.\n"
        "\n"
        "  --roles LIST   which parts run in this process (all)\n"
        "  --settings     print the settings, their defaults and meaning\n"
        "  --help         this text\n";

static bool parse_roles(const char *list, unsigned *ret)
{
        static const struct {
                const char *name;
                unsigned role;
        } known[] = {{"api", APP_ROLE_API},
                     {"worker", APP_ROLE_WORKER},
                     {"replicator", APP_ROLE_REPLICATOR},
                     {"scheduler", APP_ROLE_SCHEDULER},
                     {"all", APP_ROLE_ALL}};
        struct str rest = str_from(list), item;
        unsigned roles = 0;

        while (rest.ptr && str_split(&rest, ',', &item)) {
                size_t i = 0;

                while (i < ELEMENTS(known) && !str_eq_c(item, known[i].name))
                        i++;
                if (i == ELEMENTS(known))
                        return false;
                roles |= known[i].role;
        }
        *ret = roles;
        return roles != 0;
}

static void print_settings(void)
{
        struct buf b;

        buf_init(&b, NULL, 1 << 20);
        buf_add(&b, STR("| setting | default | meaning |\n| --- | --- | --- |\n"));
        conf_document(&b, settings_table);
        fputs(b.ptr, stdout);
        buf_finish(&b);
}

static int report(const struct ctx *ctx)
{
        log_error("cannot start", LOG_STR("error", ctx->message));
        LIST_EACH (f, &ctx->faults)
                log_error("setting is wrong", LOG_STR("setting", f->path),
                          LOG_STR("error", f->message));
        return 1;
}

/* Blocks until the process is asked to end. Signals are blocked in every thread before. */
static void wait_for_signal(const sigset_t *set)
{
        int sig = 0;

        while (sigwait(set, &sig) != 0)
                ;
        log_info("stopping", LOG_C("signal", strsignal(sig)));
}

/* No new connections; requests that run may end, up to the drain time or a second signal. */
static void drain(struct http_server *server, const sigset_t *set)
{
        int64_t until = time_mono_ns() + DRAIN_SECONDS * NS_PER_S;
        const struct timespec step = {.tv_nsec = 50 * NS_PER_MS};

        http_server_quiesce(server);
        while (http_server_active(server) > 0 && time_mono_ns() < until)
                if (sigtimedwait(set, NULL, &step) > 0)
                        break;
}

/* Thousands of outbound calls and connections need as many descriptors as we may have. */
static void raise_file_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int serve(struct ctx *ctx, unsigned roles)
{
        struct app *app = NULL;
        struct http_server *server = NULL;
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        raise_file_limit();
        if (app_open(ctx, roles, &app) != OK)
                return report(ctx);
        const struct http_server_config config = {
                .bind = str_to_c(ctx->arena, app->settings.bind),
                .port = (int)app->settings.port,
                .connections_max = (int)app->settings.connections_max,
                .per_address_max = (int)app->settings.connections_max,
                .timeout_s = 75,
                .begin = pipeline_begin,
                .run = pipeline_run,
                .done = pipeline_done,
                .owner = app,
        };

        if (app_start(ctx, app) != OK ||
            ((roles & APP_ROLE_API) && http_server_open(ctx, &config, &server) != OK)) {
                app_close(app);
                return report(ctx);
        }
        log_info("listening", LOG_STR("bind", app->settings.bind),
                 LOG_I64("port", server ? http_server_port(server) : 0),
                 LOG_F64("startMs", (double)(time_mono_ns() - app->started_ns) / 1e6));
        wait_for_signal(&set);
        app_stop(app);
        if (server)
                drain(server, &set);
        http_server_close(server);
        app_close(app);
        log_info("stopped");
        return 0;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {{"roles", required_argument, NULL, 'r'},
                                                {"settings", no_argument, NULL, 's'},
                                                {"help", no_argument, NULL, 'h'},
                                                {0}};
        unsigned roles = APP_ROLE_ALL;
        struct arena arena;
        struct ctx ctx;

        log_init("millraced", LOG_LEVEL_INFO);
        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
                if (c == 'r' && parse_roles(optarg, &roles))
                        continue;
                if (c == 's')
                        return print_settings(), 0;
                fputs(usage, c == 'h' ? stdout : stderr);
                return c == 'h' ? 0 : 2;
        }
        arena_init(&arena, 64 << 20);
        ctx_init(&ctx, &arena);
        int code = serve(&ctx, roles);

        arena_finish(&arena);
        return code;
}
