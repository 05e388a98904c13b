/* Waiting that ends early when the server stops. */
#include "sandbox.h"

#include "task/task.h"

void gate_init(struct gate *g)
{
        pthread_mutex_init(&g->lock, NULL);
        task_cond_init(&g->cond);
        g->open = false;
}

void gate_open(struct gate *g)
{
        pthread_mutex_lock(&g->lock);
        g->open = true;
        pthread_cond_broadcast(&g->cond);
        pthread_mutex_unlock(&g->lock);
}

bool gate_wait(struct gate *g, int64_t ms)
{
        int64_t until = time_mono_ns() + ms * NS_PER_MS;
        bool open;

        pthread_mutex_lock(&g->lock);
        while (!g->open && task_cond_wait(&g->cond, &g->lock, until))
                ;
        open = g->open;
        pthread_mutex_unlock(&g->lock);
        return !open;
}
