/* What batches of a process share, and how they are told to end. See enrichment.h. */
#include "features/enrichment/internal.h"

#include "task/task.h"

#define LOCAL_THREADS 8
#define LOCAL_QUEUE   100000

enum err enrichment_open(struct ctx *ctx, struct enrichment **ret)
{
        struct enrichment *e = mem_alloc(sizeof *e);

        *e = (struct enrichment){.gates = gates_open()};
        enum err err = task_pool_open(ctx, LOCAL_THREADS, LOCAL_QUEUE, &e->locals);

        if (err != OK) {
                enrichment_close(e);
                return err;
        }
        *ret = e;
        return OK;
}

void enrichment_close(struct enrichment *e)
{
        if (!e)
                return;
        task_pool_close(e->locals);
        gates_close(e->gates);
        mem_free(e);
}

struct batch_control *batch_control_open(void)
{
        struct batch_control *c = mem_alloc(sizeof *c);

        *c = (struct batch_control){0};
        pthread_mutex_init(&c->lock, NULL);
        return c;
}

void batch_control_close(struct batch_control *c)
{
        if (!c)
                return;
        pthread_mutex_destroy(&c->lock);
        mem_free(c);
}

static void tell(struct batch_control *c, bool cancel)
{
        pthread_mutex_lock(&c->lock);
        if (cancel)
                c->cancel = true;
        else
                c->stop = true;
        if (c->batch)
                fetch_batch_wake(c->batch);
        pthread_mutex_unlock(&c->lock);
}

void batch_control_cancel(struct batch_control *c)
{
        tell(c, true);
}

void batch_control_stop(struct batch_control *c)
{
        tell(c, false);
}
