/*
 * Bounded first-in first-out queue of pointers between any number of producers and consumers. Both
 * ends wait until the ctx deadline: ERR_TIMEOUT. After queue_shut() pushes fail with ERR_CANCELLED,
 * pops drain what is left and then fail likewise. The queue does not own what passes through it.
 */
#ifndef MILLRACE_CORE_TASK_QUEUE_H
#define MILLRACE_CORE_TASK_QUEUE_H

#include "err/ctx.h"

struct queue;

struct queue *queue_open(size_t capacity);
void queue_close(struct queue *q); /* accepts NULL; nobody may be waiting */

_must_check_ enum err queue_push(struct ctx *ctx, struct queue *q, void *item);
_must_check_ enum err queue_pop(struct ctx *ctx, struct queue *q, void **ret);
/* Without waiting: false when full, empty or shut. */
bool queue_try_push(struct queue *q, void *item);
bool queue_try_pop(struct queue *q, void **ret);
void queue_shut(struct queue *q);
size_t queue_len(struct queue *q);

#endif
