/* Circuit breaker over a sliding window. See breaker.h. */
#include "task/breaker.h"

#include <assert.h>

void breaker_init(struct breaker *b, const struct breaker_config *config)
{
        assert(config->window >= 1 && config->window <= BREAKER_WINDOW_MAX);
        assert(config->failures >= 1 && config->failures <= config->window);
        *b = (struct breaker){.config = *config};
        pthread_mutex_init(&b->lock, NULL);
}

void breaker_finish(struct breaker *b)
{
        pthread_mutex_destroy(&b->lock);
}

static void change(struct breaker *b, enum breaker_state state, int64_t until_ns)
{
        b->state = state;
        b->until_ns = until_ns;
        b->epoch++;
        if (state != BREAKER_HALF_OPEN) {
                b->outcomes = 0;
                b->count = 0;
        }
        if (state == BREAKER_OPEN)
                b->trips++;
}

static int failures(const struct breaker *b)
{
        return __builtin_popcountll(b->outcomes);
}

static void keep(struct breaker *b, bool worked)
{
        uint64_t mask =
                b->config.window == 64 ? ~UINT64_C(0) : (UINT64_C(1) << b->config.window) - 1;

        b->outcomes = (b->outcomes << 1 | (worked ? 0 : 1)) & mask;
        b->count = MIN_OF(b->count + 1, b->config.window);
}

bool breaker_admit(struct breaker *b, int64_t now_ns, struct breaker_permit *ret)
{
        pthread_mutex_lock(&b->lock);
        bool pass = b->state == BREAKER_CLOSED || now_ns >= b->until_ns;

        if (pass && b->state != BREAKER_CLOSED) /* the probe, or a new one for a lost one */
                change(b, BREAKER_HALF_OPEN, now_ns + b->config.cooldown_ns);
        if (pass)
                ret->epoch = b->epoch;
        pthread_mutex_unlock(&b->lock);
        return pass;
}

void breaker_report(struct breaker *b, struct breaker_permit permit, bool worked, int64_t now_ns)
{
        pthread_mutex_lock(&b->lock);
        if (permit.epoch == b->epoch) {
                if (b->state == BREAKER_HALF_OPEN)
                        change(b, worked ? BREAKER_CLOSED : BREAKER_OPEN,
                               now_ns + b->config.cooldown_ns);
                else
                        keep(b, worked);
                if (b->state == BREAKER_CLOSED && failures(b) >= b->config.failures)
                        change(b, BREAKER_OPEN, now_ns + b->config.cooldown_ns);
        }
        pthread_mutex_unlock(&b->lock);
}

void breaker_withdraw(struct breaker *b, struct breaker_permit permit, int64_t now_ns)
{
        pthread_mutex_lock(&b->lock);
        if (permit.epoch == b->epoch && b->state == BREAKER_HALF_OPEN)
                b->until_ns = now_ns;
        pthread_mutex_unlock(&b->lock);
}

struct breaker_view breaker_view(struct breaker *b, int64_t now_ns)
{
        pthread_mutex_lock(&b->lock);
        struct breaker_view v = {
                .state = b->state, .calls = b->count, .failures = failures(b), .trips = b->trips};

        if (b->state != BREAKER_CLOSED && b->until_ns > now_ns)
                v.wait_ns = b->until_ns - now_ns;
        pthread_mutex_unlock(&b->lock);
        return v;
}

const char *breaker_state_name(enum breaker_state state)
{
        switch (state) {
        case BREAKER_CLOSED: return "closed";
        case BREAKER_OPEN: return "open";
        case BREAKER_HALF_OPEN: return "half_open";
        }
        return "unknown";
}
