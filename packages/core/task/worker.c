/* The background thread of worker.h. */
#include "task/worker.h"

#include <pthread.h>
#include <stdio.h>

#include "task/task.h"

struct task_worker {
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool woken, stop;
        int64_t period_ns, at_ns; /* at_ns: the next call, when set */
        void (*fn)(void *user);
        void *user;
        char name[16];
};

/* Waits for a wake-up, the period's end or the stop; false for the stop. */
static bool wait_turn(struct task_worker *w)
{
        int64_t until = w->period_ns ? time_mono_ns() + w->period_ns : 0;
        bool in_time = true;

        pthread_mutex_lock(&w->lock);
        if (w->at_ns)
                until = w->at_ns;
        while (!w->woken && !w->stop && in_time)
                in_time = task_cond_wait(&w->changed, &w->lock, until);
        bool go = !w->stop;

        w->woken = false;
        w->at_ns = 0;
        pthread_mutex_unlock(&w->lock);
        return go;
}

static void *run(void *arg)
{
        struct task_worker *w = arg;

        pthread_setname_np(pthread_self(), w->name);
        while (wait_turn(w))
                w->fn(w->user);
        return NULL;
}

enum err task_worker_open(struct ctx *ctx, const char *name, int64_t period_ns,
                          void (*fn)(void *user), void *user, struct task_worker **ret)
{
        struct task_worker *w = mem_alloc(sizeof *w);
        *w = (struct task_worker){.woken = true, .period_ns = period_ns, .fn = fn, .user = user};
        snprintf(w->name, sizeof w->name, "%s", name);
        pthread_mutex_init(&w->lock, NULL);
        task_cond_init(&w->changed);
        if (pthread_create(&w->thread, NULL, run, w) != 0) {
                pthread_cond_destroy(&w->changed);
                pthread_mutex_destroy(&w->lock);
                mem_free(w);
                return fail(ctx, ERR_UNAVAILABLE, "cannot start the thread %s", name);
        }
        *ret = w;
        return OK;
}

static void tell(struct task_worker *w, bool stop)
{
        if (!w)
                return;
        pthread_mutex_lock(&w->lock);
        w->woken = true;
        w->stop |= stop;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
}

void task_worker_wake(struct task_worker *w)
{
        tell(w, false);
}

void task_worker_at(struct task_worker *w, int64_t at_ns)
{
        pthread_mutex_lock(&w->lock);
        w->at_ns = at_ns;
        pthread_mutex_unlock(&w->lock);
}

void task_worker_stop(struct task_worker *w)
{
        tell(w, true);
}

void task_worker_close(struct task_worker *w)
{
        if (!w)
                return;
        task_worker_stop(w);
        pthread_join(w->thread, NULL);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        mem_free(w);
}
