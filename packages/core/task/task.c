/* Waiting and a bounded pool of threads. See task.h. */
#include "task/task.h"

#include <errno.h>
#include <time.h>

void task_cond_init(pthread_cond_t *cond)
{
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(cond, &attr);
        pthread_condattr_destroy(&attr);
}

static struct timespec timespec_of(int64_t ns)
{
        return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

bool task_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
        if (!deadline_ns) {
                pthread_cond_wait(cond, lock);
                return true;
        }
        struct timespec until = timespec_of(MAX_OF(deadline_ns, 0));

        return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

enum err task_sleep(struct ctx *ctx, int64_t ns)
{
        int64_t until = time_mono_ns() + MAX_OF(ns, 0);
        bool late = ctx->deadline_ns && ctx->deadline_ns < until;
        struct timespec t = timespec_of(late ? MAX_OF(ctx->deadline_ns, 0) : until);

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
                ;
        if (late)
                return fail(ctx, ERR_TIMEOUT, "the deadline came before the end of a wait");
        return OK;
}

struct work {
        struct work *next;
        enum err (*fn)(void *arg);
        void (*submitted)(void *arg); /* instead of fn: nobody waits, the pool frees it */
        void *arg;
        enum err result;
        enum { WORK_QUEUED, WORK_RUNNING, WORK_DONE } state;
        pthread_cond_t done;
};

struct task_pool {
        pthread_mutex_t lock; /* guards all below and the work in line */
        pthread_cond_t wake;
        struct work *first, **last;
        int queued, queue_max;
        bool ending;
        int threads;
        pthread_t thread[];
};

static void run_work(struct task_pool *p, struct work *w)
{
        if (w->submitted) {
                w->submitted(w->arg);
                mem_free(w);
                return;
        }
        enum err result = w->fn(w->arg);

        pthread_mutex_lock(&p->lock);
        w->result = result;
        w->state = WORK_DONE;
        pthread_cond_signal(&w->done);
        pthread_mutex_unlock(&p->lock);
}

static void *pool_thread(void *arg)
{
        struct task_pool *p = arg;

        pthread_mutex_lock(&p->lock);
        for (;;) {
                while (!p->first && !p->ending)
                        pthread_cond_wait(&p->wake, &p->lock);
                struct work *w = p->first;

                if (!w)
                        break;
                p->first = w->next;
                if (!p->first)
                        p->last = &p->first;
                p->queued--;
                w->state = WORK_RUNNING;
                pthread_mutex_unlock(&p->lock);
                run_work(p, w);
                pthread_mutex_lock(&p->lock);
        }
        pthread_mutex_unlock(&p->lock);
        return NULL;
}

enum err task_pool_open(struct ctx *ctx, int threads, int queue_max, struct task_pool **ret)
{
        struct task_pool *p = mem_alloc(sizeof *p + (size_t)threads * sizeof p->thread[0]);

        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->wake, NULL);
        p->last = &p->first;
        p->queue_max = queue_max;
        for (; p->threads < threads; p->threads++)
                if (pthread_create(&p->thread[p->threads], NULL, pool_thread, p) != 0) {
                        task_pool_close(p);
                        return fail(ctx, ERR_INTERNAL, "cannot start a thread");
                }
        *ret = p;
        return OK;
}

void task_pool_close(struct task_pool *p)
{
        if (!p)
                return;
        pthread_mutex_lock(&p->lock);
        p->ending = true;
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (int i = 0; i < p->threads; i++)
                pthread_join(p->thread[i], NULL);
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        mem_free(p);
}

/* With the lock held; false when the queue is full. */
static bool enqueue(struct task_pool *p, struct work *w)
{
        if (p->queued >= p->queue_max)
                return false;
        *p->last = w;
        p->last = &w->next;
        p->queued++;
        pthread_cond_signal(&p->wake);
        return true;
}

bool task_submit(struct task_pool *p, void (*fn)(void *arg), void *arg)
{
        struct work *w = mem_alloc(sizeof *w);

        *w = (struct work){.submitted = fn, .arg = arg};
        pthread_mutex_lock(&p->lock);
        bool taken = enqueue(p, w);

        pthread_mutex_unlock(&p->lock);
        if (!taken)
                mem_free(w);
        return taken;
}

static void withdraw(struct task_pool *p, struct work *w)
{
        struct work **at = &p->first;

        while (*at != w)
                at = &(*at)->next;
        *at = w->next;
        if (!*at)
                p->last = at;
        p->queued--;
}

enum err task_offload(struct ctx *ctx, struct task_pool *p, enum err (*fn)(void *arg), void *arg)
{
        struct work w = {.fn = fn, .arg = arg};
        bool late = false;

        task_cond_init(&w.done);
        pthread_mutex_lock(&p->lock);
        if (!enqueue(p, &w)) {
                pthread_mutex_unlock(&p->lock);
                pthread_cond_destroy(&w.done);
                return fail(ctx, ERR_UNAVAILABLE, "too much work is waiting for a thread");
        }
        while (w.state == WORK_QUEUED && !late)
                late = !task_cond_wait(&w.done, &p->lock, ctx->deadline_ns);
        if (w.state == WORK_QUEUED)
                withdraw(p, &w);
        else
                late = false;
        while (!late && w.state != WORK_DONE)
                pthread_cond_wait(&w.done, &p->lock);
        pthread_mutex_unlock(&p->lock);
        pthread_cond_destroy(&w.done);
        if (late)
                return fail(ctx, ERR_TIMEOUT, "no thread came free before the deadline");
        return w.result;
}
