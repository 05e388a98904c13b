/* The connection pool: a bounded number of connections, and a queue with a deadline before them. */
#include "db/conn.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

struct pool {
        pthread_mutex_t lock;
        pthread_cond_t freed;
        struct db_conn *idle; /* last used first */
        int open, waiting;
        int64_t queries, failures;
};

struct db *db_open(const struct db_config *config)
{
        struct db *db = mem_alloc(sizeof *db);
        struct pool *p = mem_alloc(sizeof *p);
        pthread_condattr_t attr;
        char *url = mem_alloc(config->url.len + 1);

        memcpy(url, config->url.ptr, config->url.len);
        db->config = *config;
        db->config.url = (struct str){url, config->url.len};
        db->pool = p;
        pthread_mutex_init(&p->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&p->freed, &attr);
        pthread_condattr_destroy(&attr);
        return db;
}

void db_close(struct db *db)
{
        if (!db)
                return;
        struct pool *p = db->pool;

        for (struct db_conn *c = p->idle, *next; c; c = next) {
                next = c->next;
                conn_close(c);
                mem_free(c);
        }
        pthread_cond_destroy(&p->freed);
        pthread_mutex_destroy(&p->lock);
        mem_free(p);
        mem_free((void *)(uintptr_t)db->config.url.ptr);
        mem_free(db);
}

/* With the lock held: waits until a connection is idle or may be opened. */
static enum err wait_free(struct ctx *ctx, struct db *db)
{
        struct pool *p = db->pool;
        int64_t until = time_mono_ns() + db->config.queue_timeout_ms * NS_PER_MS;

        if (ctx->deadline_ns && ctx->deadline_ns < until)
                until = ctx->deadline_ns;
        struct timespec ts = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};

        while (!p->idle && p->open >= db->config.connections) {
                p->waiting++;
                int e = pthread_cond_timedwait(&p->freed, &p->lock, &ts);

                p->waiting--;
                if (e != 0 && !p->idle && p->open >= db->config.connections) {
                        ctx->retry_after_ms = 1000;
                        return fail(ctx, ERR_UNAVAILABLE, "the database is busy, try again");
                }
        }
        return OK;
}

enum err pool_take(struct ctx *ctx, struct db *db, struct db_conn **ret)
{
        struct pool *p = db->pool;
        struct db_conn *c;
        enum err e;

        pthread_mutex_lock(&p->lock);
        e = wait_free(ctx, db);
        if (e != OK) {
                pthread_mutex_unlock(&p->lock);
                return e;
        }
        c = p->idle;
        if (c)
                p->idle = c->next;
        else
                p->open++;
        pthread_mutex_unlock(&p->lock);
        if (c) {
                *ret = c;
                return OK;
        }
        c = mem_alloc(sizeof *c);
        c->db = db;
        e = conn_open(ctx, &db->config, c);
        if (e != OK) {
                c->broken = true;
                pool_give(db, c);
                return e;
        }
        *ret = c;
        return OK;
}

void pool_give(struct db *db, struct db_conn *c)
{
        struct pool *p = db->pool;
        bool keep = !c->broken && !c->copying && c->pg && PQstatus(c->pg) == CONNECTION_OK &&
                    PQtransactionStatus(c->pg) == PQTRANS_IDLE;

        if (!keep) {
                if (c->pg)
                        conn_close(c);
                mem_free(c);
                c = NULL;
        }
        pthread_mutex_lock(&p->lock);
        if (c) {
                c->next = p->idle;
                p->idle = c;
        } else {
                p->open--;
        }
        pthread_cond_signal(&p->freed);
        pthread_mutex_unlock(&p->lock);
}

void pool_count(struct db *db, bool failed)
{
        struct pool *p = db->pool;

        __atomic_fetch_add(&p->queries, 1, __ATOMIC_RELAXED);
        if (failed)
                __atomic_fetch_add(&p->failures, 1, __ATOMIC_RELAXED);
}

struct db_stats db_stats(struct db *db)
{
        struct pool *p = db->pool;
        struct db_stats s = {0};

        pthread_mutex_lock(&p->lock);
        int idle = 0;

        for (struct db_conn *c = p->idle; c; c = c->next)
                idle++;
        s.connections = p->open;
        s.busy = p->open - idle;
        s.waiting = p->waiting;
        pthread_mutex_unlock(&p->lock);
        s.queries = __atomic_load_n(&p->queries, __ATOMIC_RELAXED);
        s.failures = __atomic_load_n(&p->failures, __ATOMIC_RELAXED);
        return s;
}
