/*
 * Token bucket, kept as one instant (GCRA, the generic cell rate algorithm of ITU-T I.371), so it
 * is exact and holds no timer. `tokens` per `per_ns` flow in, up to `burst` are saved up; it starts
 * full. Zero tokens means no limit.
 *
 * Time is passed in (time_mono_ns() in programs, a made-up clock in tests). Any thread.
 */
#ifndef MILLRACE_CORE_TASK_BUCKET_H
#define MILLRACE_CORE_TASK_BUCKET_H

#include <pthread.h>
#include "core.h"

struct bucket {
        pthread_mutex_t lock;
        int64_t step_ns;   /* time one token takes; 0 is no limit */
        int64_t slack_ns;  /* burst, as time */
        int64_t full_at;   /* when the bucket is full again */
        int64_t closed_to; /* nothing passes before this */
};

/* 2 requests per 10 s: bucket_init(&b, 2, 10 * NS_PER_S, 2). */
void bucket_init(struct bucket *b, int64_t tokens, int64_t per_ns, int64_t burst);
void bucket_finish(struct bucket *b);
/* A new rate; what was used so far stays used. */
void bucket_configure(struct bucket *b, int64_t tokens, int64_t per_ns, int64_t burst);

/* Takes n tokens if they are there; else false, *ret_wait_ns (may be NULL) until they will be. */
bool bucket_take(struct bucket *b, int64_t n, int64_t now_ns, int64_t *ret_wait_ns);
/*
 * Takes n tokens in any case, also from the future; returns the instant from which they may be
 * used: pass it as fetch_start()'s not_before_ns.
 */
int64_t bucket_reserve(struct bucket *b, int64_t n, int64_t now_ns);
/* Gives n unused tokens back. */
void bucket_refund(struct bucket *b, int64_t n, int64_t now_ns);
/* The other side asked for quiet (429 with Retry-After): nothing passes before `until_ns`. */
void bucket_hold(struct bucket *b, int64_t until_ns);
/* Whole tokens that could be taken now; INT64_MAX without a limit. */
int64_t bucket_available(struct bucket *b, int64_t now_ns);

#endif
