/* LISTEN: one thread with a connection of its own that reconnects with back-off. See db.h. */
#include "db/conn.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

struct db_listener {
        struct db_config config;
        const char *const *channels;
        char *session_sql;
        db_notify_fn *fn;
        void *user;
        int stop; /* eventfd, readable once the thread should end */
        pthread_t thread;
};

/* Waits until the socket is readable, the time is up (both false) or the stop is asked (true). */
static bool wait_or_stop(struct db_listener *l, int fd, int timeout_ms)
{
        struct pollfd p[2] = {{.fd = l->stop, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

        while (poll(p, fd >= 0 ? 2 : 1, timeout_ms) < 0 && errno == EINTR)
                ;
        return p[0].revents != 0;
}

static enum err subscribe(struct ctx *ctx, struct db_listener *l, struct db_conn *c)
{
        struct buf sql;

        ctx->deadline_ns = time_mono_ns() + 10 * NS_PER_S;
        TRY(conn_open(ctx, &l->config, c));
        if (l->session_sql)
                TRY(conn_script(ctx, c, l->session_sql));
        buf_init(&sql, ctx->arena, 4096);
        for (const char *const *ch = l->channels; *ch; ch++) {
                buf_add(&sql, STR("LISTEN "));
                db_quote_ident(&sql, str_from(*ch));
                buf_add_char(&sql, ';');
        }
        return conn_script(ctx, c, buf_str(&sql).ptr);
}

static void deliver(struct db_listener *l, struct db_conn *c)
{
        PGnotify *n;

        while ((n = PQnotifies(c->pg))) {
                l->fn(l->user, n->relname, n->extra);
                PQfreemem(n);
        }
}

static void *run(void *arg)
{
        struct db_listener *l = arg;
        struct db_conn *c = mem_alloc(sizeof *c);
        int backoff = BACKOFF_MIN_MS;
        bool stop = false;

        while (!stop) {
                struct arena arena;
                struct ctx ctx;

                arena_init(&arena, 1 << 20);
                ctx_init(&ctx, &arena);
                bool up = subscribe(&ctx, l, c) == OK;

                arena_finish(&arena);
                if (up) {
                        backoff = BACKOFF_MIN_MS;
                        l->fn(l->user, NULL, "");
                        while (!stop && PQstatus(c->pg) == CONNECTION_OK) {
                                deliver(l, c);
                                stop = wait_or_stop(l, PQsocket(c->pg), -1);
                                if (!stop && !PQconsumeInput(c->pg))
                                        break;
                        }
                } else {
                        stop = wait_or_stop(l, -1, backoff);
                        backoff = MIN_OF(backoff * 2, BACKOFF_MAX_MS);
                }
                if (c->pg)
                        conn_close(c);
        }
        mem_free(c);
        return NULL;
}

struct db_listener *db_listen(const struct db_config *config, const char *const *channels,
                              const char *session_sql, db_notify_fn *fn, void *user)
{
        struct db_listener *l = mem_alloc(sizeof *l);
        char *url = mem_alloc(config->url.len + 1);

        memcpy(url, config->url.ptr, config->url.len);
        l->config = *config;
        l->config.url = (struct str){url, config->url.len};
        l->config.statement_timeout_ms = 0;
        l->channels = channels;
        l->session_sql = session_sql ? mem_strdup(session_sql) : NULL;
        l->fn = fn;
        l->user = user;
        l->stop = eventfd(0, EFD_CLOEXEC);
        if (l->stop < 0 || pthread_create(&l->thread, NULL, run, l) != 0) {
                mem_free(url);
                mem_free(l->session_sql);
                mem_free(l);
                return NULL;
        }
        return l;
}

void db_unlisten(struct db_listener *l)
{
        uint64_t one = 1;

        if (!l)
                return;
        while (write(l->stop, &one, sizeof one) < 0 && errno == EINTR)
                ;
        pthread_join(l->thread, NULL);
        close(l->stop);
        mem_free((void *)(uintptr_t)l->config.url.ptr);
        mem_free(l->session_sql);
        mem_free(l);
}
