/*
 * Waiting and work on other threads. All waits end at the ctx deadline.
 *
 * A pool is a fixed number of threads behind a bounded queue; it belongs to whoever opened it and
 * may be used by any thread.
 */
#ifndef MILLRACE_CORE_TASK_TASK_H
#define MILLRACE_CORE_TASK_TASK_H

#include <pthread.h>
#include "err/ctx.h"

/* ERR_TIMEOUT at the deadline when that comes first. */
_must_check_ enum err task_sleep(struct ctx *ctx, int64_t ns);

struct task_pool;

_must_check_ enum err task_pool_open(struct ctx *ctx, int threads, int queue_max,
                                     struct task_pool **ret);
/* Runs what is queued, then ends the threads. Accepts NULL. Nobody may be offloading. */
void task_pool_close(struct task_pool *pool);

/*
 * Runs fn(arg) on a pool thread and waits; answers what fn answered. Work not begun by the
 * deadline is withdrawn (ERR_TIMEOUT). Work that has begun is waited for, as it may use the
 * caller's memory. A full queue is ERR_UNAVAILABLE at once. fn must not use the caller's ctx.
 */
_must_check_ enum err task_offload(struct ctx *ctx, struct task_pool *pool,
                                   enum err (*fn)(void *arg), void *arg);

/*
 * Runs fn(arg) on a pool thread and does not wait: fn tells its end in its own way. False when the
 * queue is full.
 */
bool task_submit(struct task_pool *pool, void (*fn)(void *arg), void *arg);

/*
 * Condition variables on the monotonic clock, for core modules that wait: task_cond_wait returns
 * false when the deadline (0: none) has passed.
 */
void task_cond_init(pthread_cond_t *cond);
bool task_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns);

#endif
