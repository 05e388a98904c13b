/* millrace-sandbox: settings, start, stop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "conf/conf.h"
#include "log/log.h"
#include "sandbox.h"

struct settings {
        int64_t port;
        struct str bind, knobs, log, level;
        int64_t log_max, connections;
};

static const struct conf_entry table[] = {
        {"MILLRACE_SANDBOX_PORT", CONF_INT, offsetof(struct settings, port), "3900", 1, 65535,
         "port of the provider sandbox"},
        {"MILLRACE_SANDBOX_BIND", CONF_TEXT, offsetof(struct settings, bind), "127.0.0.1", 1, 0,
         "address to listen on"},
        {"MILLRACE_SANDBOX_KNOBS", CONF_TEXT, offsetof(struct settings, knobs), "", 0, 0,
         "JSON as PUT /_sandbox/knobs takes it"},
        {"MILLRACE_SANDBOX_LOG", CONF_TEXT, offsetof(struct settings, log), "", 0, 0,
         "file that every answered call is appended to"},
        {"MILLRACE_SANDBOX_LOG_MAX", CONF_INT, offsetof(struct settings, log_max), "200000", 1,
         10000000, "answered calls kept in memory"},
        {"MILLRACE_SANDBOX_CONNECTIONS", CONF_INT, offsetof(struct settings, connections), "10000",
         1, 100000, "connections at the same time"},
        {"LOG_LEVEL", CONF_TEXT, offsetof(struct settings, level), "info", 1, 0,
         "debug, info, warn or error"},
        {0},
};

static bool begin(void *owner, struct http_exchange *x)
{
        x->body_mode = HTTP_BODY_MEMORY;
        x->body_max = 1 << 20;
        return true;
}

static void run(void *owner, struct http_exchange *x)
{
        if (x->ctx.err == ERR_TOO_LARGE) {
                x->reply.status = 413;
                return;
        }
        if (str_starts(x->req.path, STR("/_sandbox/")))
                serve_control(owner, x);
        else
                serve_provider(owner, x);
}

static void done(void *owner, struct http_exchange *x)
{
}

static void allow_many_files(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static enum err start(struct ctx *ctx, const struct settings *s, struct sandbox *box,
                      struct http_server **ret)
{
        struct http_server_config config = {.bind = str_to_c(ctx->arena, s->bind),
                                            .port = (int)s->port,
                                            .connections_max = (int)s->connections,
                                            .per_address_max = (int)s->connections,
                                            .timeout_s = 120,
                                            .begin = begin,
                                            .run = run,
                                            .done = done,
                                            .owner = box};
        struct data *data = NULL;

        allow_many_files();
        TRY(data_load(ctx, &data));
        box->data = data;
        box->started_us = time_wall_us();
        gate_init(&box->gate);
        TRY(knobs_open(ctx, s->knobs, &box->knobs));
        TRY(log_open(ctx, s->log, s->log_max, &box->log));
        return http_server_open(ctx, &config, ret);
}

static void say_failure(const struct ctx *ctx)
{
        log_error("cannot start", LOG_STR("reason", ctx->message));
        LIST_EACH (f, &ctx->faults)
                log_error("fault", LOG_STR("path", f->path), LOG_STR("message", f->message));
}

int main(int argc, char **argv)
{
        struct sandbox box = {0};
        struct settings settings = {0};
        struct http_server *server = NULL;
        struct arena arena;
        struct ctx ctx;
        enum log_level level = LOG_LEVEL_INFO;
        sigset_t stop;
        int status = 1, sig;

        sigemptyset(&stop);
        sigaddset(&stop, SIGTERM);
        sigaddset(&stop, SIGINT);
        pthread_sigmask(SIG_BLOCK, &stop, NULL);
        signal(SIGPIPE, SIG_IGN);
        arena_init(&arena, 256 << 20);
        ctx_init(&ctx, &arena);
        log_init("millrace-sandbox", level);
        if (conf_load(&ctx, table, &settings) == OK) {
                if (log_level_parse(settings.level, &level))
                        log_init("millrace-sandbox", level);
                if (start(&ctx, &settings, &box, &server) == OK) {
                        log_info("listening", LOG_I64("port", http_server_port(server)),
                                 LOG_I64("companies", (int64_t)data_companies(box.data)),
                                 LOG_I64("people", (int64_t)data_people(box.data)));
                        sigwait(&stop, &sig);
                        gate_open(&box.gate);
                        http_server_close(server);
                        status = 0;
                }
        }
        if (status)
                say_failure(&ctx);
        log_close(box.log);
        knobs_close(box.knobs);
        arena_finish(&arena);
        return status;
}
