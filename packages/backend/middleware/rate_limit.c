/*
 * rateLimiter: requests a minute and caller, in windows of 60 s. Signed-in callers count by user,
 * others by address; sign-in routes count by address in a class of their own. Shared through Redis
 * when it is there, per process otherwise.
 */
#include "middleware/call.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/cache.h"
#include "crypto/crypto.h"

#define WINDOW_MS 60000
#define SLOTS     16384 /* callers remembered without Redis */
#define PROBES    8

struct slot {
        uint64_t key; /* 0: free */
        int64_t ends_ns, count;
};

struct rate_limiter {
        pthread_mutex_t lock;
        struct slot slots[SLOTS];
};

struct rate_limiter *rate_limiter_open(void)
{
        struct rate_limiter *l = mem_alloc(sizeof *l);

        pthread_mutex_init(&l->lock, NULL);
        return l;
}

void rate_limiter_close(struct rate_limiter *l)
{
        if (!l)
                return;
        pthread_mutex_destroy(&l->lock);
        mem_free(l);
}

/* The caller's slot; when its neighbourhood is full, the one whose window ends first gives way. */
static struct slot *find_slot(struct rate_limiter *l, uint64_t key, int64_t now)
{
        struct slot *best = NULL;

        for (size_t i = 0; i < PROBES; i++) {
                struct slot *s = &l->slots[(key + i) % SLOTS];

                if (s->key == key)
                        return s;
                if (!best || s->ends_ns < best->ends_ns)
                        best = s;
        }
        *best = (struct slot){.key = key, .ends_ns = now + WINDOW_MS * NS_PER_MS};
        return best;
}

static void count_locally(struct rate_limiter *l, struct str key, int64_t *ret_count,
                          int64_t *ret_left_ms)
{
        uint8_t hash[CRYPTO_HASH_SIZE];
        uint64_t id;
        int64_t now = time_mono_ns();

        crypto_sha256(key, hash);
        memcpy(&id, hash, sizeof id);
        pthread_mutex_lock(&l->lock);
        struct slot *s = find_slot(l, id | 1, now);

        if (s->ends_ns <= now) {
                s->ends_ns = now + WINDOW_MS * NS_PER_MS;
                s->count = 0;
        }
        *ret_count = ++s->count;
        *ret_left_ms = (s->ends_ns - now) / NS_PER_MS;
        pthread_mutex_unlock(&l->lock);
}

enum err mw_rate_limit(struct call *c)
{
        const struct settings *set = &c->app->settings;
        unsigned flags = c->route ? c->route->route->flags : 0;
        bool auth = (flags & ROUTE_AUTH_RATE) != 0;
        int64_t limit = auth ? set->rate_limit_auth : set->rate_limit_general;
        int64_t count = 0, left_ms = 0;

        call_identify(c);
        if ((flags & ROUTE_NO_RATE) || limit == 0)
                return OK;
        struct str key = auth ? str_printf(c->ctx->arena, "rate:auth:%.*s", FMT(c->actor.ip))
                              : str_printf(c->ctx->arena, "rate:general:%.*s", FMT(c->caller));

        if (!cache_count(c->ctx, c->app->cache, key, WINDOW_MS, &count, &left_ms))
                count_locally(c->app->rate_limiter, key, &count, &left_ms);
        struct arena *a = c->ctx->arena;
        int64_t reset_s = (left_ms + 999) / 1000;

        reply_header(c->reply, "RateLimit-Limit", str_printf(a, "%lld", (long long)limit));
        reply_header(c->reply, "RateLimit-Remaining",
                     str_printf(a, "%lld", (long long)MAX_OF(limit - count, 0)));
        reply_header(c->reply, "RateLimit-Reset", str_printf(a, "%lld", (long long)reset_s));
        if (count <= limit)
                return OK;
        c->ctx->retry_after_ms = reset_s * 1000;
        return fail(c->ctx, ERR_RATE_LIMITED,
                    "too many requests: %lld a minute, try again in %lld s", (long long)limit,
                    (long long)reset_s);
}
