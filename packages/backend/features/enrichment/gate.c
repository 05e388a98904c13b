/* Limits and breakers of providers, one set a process. See gate.h. */
#include "features/enrichment/gate.h"

#include <pthread.h>
#include <string.h>

#include "fetch/fetch.h"

#define WAITERS_MAX 256 /* batches at work in one process: MILLRACE_WORKERS is at most 64 */

static const struct breaker_config breaker_config = {
        .window = 10,
        .failures = 5,
        .cooldown_ns = 60 * NS_PER_S,
};

struct gate {
        struct gate *next;
        char *key;
        struct breaker breaker;
        struct bucket bucket;
        pthread_mutex_t lock; /* guards what follows */
        int64_t in_flight, limit;
        int64_t rate_requests, rate_per_ms; /* as the bucket is set */
        struct fetch_batch *waiters[WAITERS_MAX];
        size_t waiter_count;
};

struct gates {
        pthread_mutex_t lock; /* guards the list */
        struct gate *first;
};

struct gates *gates_open(void)
{
        struct gates *gs = mem_alloc(sizeof *gs);

        *gs = (struct gates){0};
        pthread_mutex_init(&gs->lock, NULL);
        return gs;
}

void gates_close(struct gates *gs)
{
        if (!gs)
                return;
        for (struct gate *g = gs->first, *next; g; g = next) {
                next = g->next;
                breaker_finish(&g->breaker);
                bucket_finish(&g->bucket);
                pthread_mutex_destroy(&g->lock);
                mem_free(g->key);
                mem_free(g);
        }
        pthread_mutex_destroy(&gs->lock);
        mem_free(gs);
}

static struct gate *gate_new(struct str key)
{
        struct gate *g = mem_alloc(sizeof *g);

        *g = (struct gate){0};
        g->key = mem_alloc(key.len + 1);
        memcpy(g->key, key.ptr, key.len);
        g->key[key.len] = 0;
        breaker_init(&g->breaker, &breaker_config);
        bucket_init(&g->bucket, 0, NS_PER_S, 1);
        pthread_mutex_init(&g->lock, NULL);
        return g;
}

/* A burst of a tenth of the rate's second: smooth, and not below one call. */
static void configure(struct gate *g, const struct provider_route *route)
{
        pthread_mutex_lock(&g->lock);
        g->limit = route->concurrency > 0 ? route->concurrency : INT64_MAX;
        if (g->rate_requests != route->rate_requests || g->rate_per_ms != route->rate_per_ms) {
                int64_t tokens = route->rate_per_ms > 0 ? route->rate_requests : 0;
                int64_t per_ms = MAX_OF(route->rate_per_ms, 1);
                int64_t burst = MAX_OF(tokens * 100 / per_ms, 1);

                bucket_configure(&g->bucket, tokens, per_ms * NS_PER_MS, burst);
                g->rate_requests = route->rate_requests;
                g->rate_per_ms = route->rate_per_ms;
        }
        pthread_mutex_unlock(&g->lock);
}

struct gate *gate_of(struct gates *gs, const struct provider_def *def,
                     const struct provider_route *route, struct str workspace)
{
        struct arena scratch;
        struct gate *g;

        arena_init(&scratch, 1 << 16);
        struct str owner = def->own ? workspace : STR("");
        struct str key = str_printf(&scratch, "%s:%.*s:%.*s", provider_source_name(route->source),
                                    FMT(owner), FMT(def->slug));

        pthread_mutex_lock(&gs->lock);
        for (g = gs->first; g; g = g->next)
                if (str_eq_c(key, g->key))
                        break;
        if (!g) {
                g = gate_new(key);
                g->next = gs->first;
                gs->first = g;
        }
        pthread_mutex_unlock(&gs->lock);
        configure(g, route);
        arena_finish(&scratch);
        return g;
}

/* With the lock held. */
static void add_waiter(struct gate *g, struct fetch_batch *waiter)
{
        for (size_t i = 0; i < g->waiter_count; i++)
                if (g->waiters[i] == waiter)
                        return;
        if (g->waiter_count < WAITERS_MAX)
                g->waiters[g->waiter_count++] = waiter;
}

enum gate_answer gate_enter(struct gate *g, struct fetch_batch *waiter, int64_t now_ns,
                            struct breaker_permit *ret_permit, int64_t *ret_at_ns)
{
        enum gate_answer answer = GATE_GO;
        int64_t wait_ns = 0;

        *ret_at_ns = 0;
        pthread_mutex_lock(&g->lock);
        if (g->in_flight >= g->limit) {
                add_waiter(g, waiter);
                answer = GATE_WAIT;
        } else if (!breaker_admit(&g->breaker, now_ns, ret_permit)) {
                answer = GATE_OPEN;
        } else if (!bucket_take(&g->bucket, 1, now_ns, &wait_ns)) {
                breaker_withdraw(&g->breaker, *ret_permit, now_ns);
                *ret_at_ns = now_ns + wait_ns;
                answer = GATE_WAIT;
        } else {
                g->in_flight++;
        }
        pthread_mutex_unlock(&g->lock);
        return answer;
}

void gate_leave(struct gate *g, struct breaker_permit permit, enum gate_report report,
                int64_t now_ns)
{
        if (report == GATE_UNTRIED)
                breaker_withdraw(&g->breaker, permit, now_ns);
        else
                breaker_report(&g->breaker, permit, report == GATE_WORKED, now_ns);
        pthread_mutex_lock(&g->lock);
        g->in_flight--;
        for (size_t i = 0; i < g->waiter_count; i++)
                fetch_batch_wake(g->waiters[i]);
        g->waiter_count = 0;
        pthread_mutex_unlock(&g->lock);
}

void gate_hold(struct gate *g, int64_t until_ns)
{
        bucket_hold(&g->bucket, until_ns);
}

void gates_forget(struct gates *gs, struct fetch_batch *waiter)
{
        pthread_mutex_lock(&gs->lock);
        for (struct gate *g = gs->first; g; g = g->next) {
                pthread_mutex_lock(&g->lock);
                for (size_t i = 0; i < g->waiter_count; i++)
                        if (g->waiters[i] == waiter)
                                g->waiters[i--] = g->waiters[--g->waiter_count];
                pthread_mutex_unlock(&g->lock);
        }
        pthread_mutex_unlock(&gs->lock);
}
