/* Token bucket by GCRA. See bucket.h. */
#include "task/bucket.h"

#include <assert.h>

void bucket_init(struct bucket *b, int64_t tokens, int64_t per_ns, int64_t burst)
{
        *b = (struct bucket){.full_at = INT64_MIN, .closed_to = INT64_MIN};
        pthread_mutex_init(&b->lock, NULL);
        bucket_configure(b, tokens, per_ns, burst);
}

void bucket_finish(struct bucket *b)
{
        pthread_mutex_destroy(&b->lock);
}

void bucket_configure(struct bucket *b, int64_t tokens, int64_t per_ns, int64_t burst)
{
        assert(tokens >= 0 && per_ns >= 0 && burst >= 0);
        pthread_mutex_lock(&b->lock);
        /* Rounded up: never more than the rate. */
        b->step_ns = tokens ? (per_ns + tokens - 1) / tokens : 0;
        if (__builtin_mul_overflow(b->step_ns, MAX_OF(burst, 1), &b->slack_ns))
                b->slack_ns = INT64_MAX / 4;
        pthread_mutex_unlock(&b->lock);
}

/* When n tokens will have flowed in: they are there once this is within the slack of now. */
static int64_t after(const struct bucket *b, int64_t n, int64_t now_ns)
{
        int64_t time, sum;

        if (__builtin_mul_overflow(b->step_ns, n, &time) ||
            __builtin_add_overflow(MAX_OF(b->full_at, now_ns), time, &sum))
                return INT64_MAX;
        return sum;
}

static int64_t usable_at(const struct bucket *b, int64_t full_at, int64_t now_ns)
{
        int64_t at = full_at == INT64_MAX ? INT64_MAX : full_at - b->slack_ns;

        return MAX_OF(MAX_OF(at, b->closed_to), now_ns);
}

bool bucket_take(struct bucket *b, int64_t n, int64_t now_ns, int64_t *ret_wait_ns)
{
        pthread_mutex_lock(&b->lock);
        int64_t full_at = after(b, n, now_ns);
        int64_t at = usable_at(b, full_at, now_ns);
        bool there = at <= now_ns;

        if (there)
                b->full_at = full_at;
        else if (ret_wait_ns)
                *ret_wait_ns = at - now_ns;
        pthread_mutex_unlock(&b->lock);
        return there;
}

int64_t bucket_reserve(struct bucket *b, int64_t n, int64_t now_ns)
{
        pthread_mutex_lock(&b->lock);
        /* Behind a hold the flow starts when the hold ends, or all would go out at once then. */
        int64_t from = MAX_OF(now_ns, b->closed_to);
        int64_t full_at = after(b, n, from);
        int64_t at = usable_at(b, full_at, from);

        b->full_at = full_at;
        pthread_mutex_unlock(&b->lock);
        return at;
}

void bucket_refund(struct bucket *b, int64_t n, int64_t now_ns)
{
        int64_t time;

        pthread_mutex_lock(&b->lock);
        if (b->full_at > now_ns && !__builtin_mul_overflow(b->step_ns, n, &time))
                b->full_at = MAX_OF(b->full_at - time, now_ns);
        pthread_mutex_unlock(&b->lock);
}

void bucket_hold(struct bucket *b, int64_t until_ns)
{
        pthread_mutex_lock(&b->lock);
        b->closed_to = MAX_OF(b->closed_to, until_ns);
        pthread_mutex_unlock(&b->lock);
}

int64_t bucket_available(struct bucket *b, int64_t now_ns)
{
        int64_t n;

        pthread_mutex_lock(&b->lock);
        if (b->closed_to > now_ns)
                n = 0;
        else if (b->step_ns == 0)
                n = INT64_MAX;
        else
                n = (b->slack_ns - (MAX_OF(b->full_at, now_ns) - now_ns)) / b->step_ns;
        pthread_mutex_unlock(&b->lock);
        return MAX_OF(n, 0);
}
