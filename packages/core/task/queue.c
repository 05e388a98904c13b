/* Bounded queue of pointers. See queue.h. */
#include "task/queue.h"

#include "task/task.h"

struct queue {
        pthread_mutex_t lock; /* guards all below */
        pthread_cond_t more, room;
        bool shut;
        size_t head, len, cap;
        void *item[];
};

struct queue *queue_open(size_t capacity)
{
        size_t cap = MAX_OF(capacity, (size_t)1);
        struct queue *q = mem_alloc(sizeof *q + cap * sizeof q->item[0]);

        q->cap = cap;
        pthread_mutex_init(&q->lock, NULL);
        task_cond_init(&q->more);
        task_cond_init(&q->room);
        return q;
}

void queue_close(struct queue *q)
{
        if (!q)
                return;
        pthread_cond_destroy(&q->more);
        pthread_cond_destroy(&q->room);
        pthread_mutex_destroy(&q->lock);
        mem_free(q);
}

static bool put(struct queue *q, void *item)
{
        if (q->shut || q->len == q->cap)
                return false;
        q->item[(q->head + q->len++) % q->cap] = item;
        pthread_cond_signal(&q->more);
        return true;
}

static bool get(struct queue *q, void **ret)
{
        if (q->len == 0)
                return false;
        *ret = q->item[q->head];
        q->head = (q->head + 1) % q->cap;
        q->len--;
        pthread_cond_signal(&q->room);
        return true;
}

/* What to answer when neither end got through. */
static enum err refusal(struct ctx *ctx, bool shut)
{
        if (shut)
                return fail(ctx, ERR_CANCELLED, "the queue is shut");
        return fail(ctx, ERR_TIMEOUT, "the queue did not move before the deadline");
}

enum err queue_push(struct ctx *ctx, struct queue *q, void *item)
{
        bool done, in_time = true;

        pthread_mutex_lock(&q->lock);
        while (!(done = put(q, item)) && !q->shut && in_time)
                in_time = task_cond_wait(&q->room, &q->lock, ctx->deadline_ns);
        bool shut = q->shut;

        pthread_mutex_unlock(&q->lock);
        return done ? OK : refusal(ctx, shut);
}

enum err queue_pop(struct ctx *ctx, struct queue *q, void **ret)
{
        bool done, in_time = true;

        pthread_mutex_lock(&q->lock);
        while (!(done = get(q, ret)) && !q->shut && in_time)
                in_time = task_cond_wait(&q->more, &q->lock, ctx->deadline_ns);
        bool shut = q->shut;

        pthread_mutex_unlock(&q->lock);
        return done ? OK : refusal(ctx, shut);
}

bool queue_try_push(struct queue *q, void *item)
{
        pthread_mutex_lock(&q->lock);
        bool done = put(q, item);

        pthread_mutex_unlock(&q->lock);
        return done;
}

bool queue_try_pop(struct queue *q, void **ret)
{
        pthread_mutex_lock(&q->lock);
        bool done = get(q, ret);

        pthread_mutex_unlock(&q->lock);
        return done;
}

void queue_shut(struct queue *q)
{
        pthread_mutex_lock(&q->lock);
        q->shut = true;
        pthread_cond_broadcast(&q->more);
        pthread_cond_broadcast(&q->room);
        pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
        pthread_mutex_lock(&q->lock);
        size_t len = q->len;

        pthread_mutex_unlock(&q->lock);
        return len;
}
