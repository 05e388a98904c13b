/*
 * A background thread that calls one function again and again: at once when it is woken, else when
 * the period is over or at the instant that task_worker_at() set. Calls never overlap. For work
 * that is found by looking (in the database), so that a lost wake-up only means a later look.
 *
 * All functions may be called by any thread; task_worker_close() by the owner only, not from the
 * worker's own function.
 */
#ifndef MILLRACE_CORE_TASK_WORKER_H
#define MILLRACE_CORE_TASK_WORKER_H

#include "err/ctx.h"

struct task_worker;

/* The first call comes at once. Period 0: only when woken or at a set instant. `name` (up to 15
 * bytes) is the thread's. */
_must_check_ enum err task_worker_open(struct ctx *ctx, const char *name, int64_t period_ns,
                                       void (*fn)(void *user), void *user,
                                       struct task_worker **ret);
void task_worker_wake(struct task_worker *w); /* accepts NULL */
/* For the worker's own function: the next call comes at this instant (monotonic) at the latest; it
 * takes the place of the period, once. */
void task_worker_at(struct task_worker *w, int64_t at_ns);
/* No further calls; the one that runs may end. Accepts NULL. */
void task_worker_stop(struct task_worker *w);
/* Stops, waits for the thread and frees. Accepts NULL. */
void task_worker_close(struct task_worker *w);

#endif
