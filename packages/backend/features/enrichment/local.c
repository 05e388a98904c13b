/*
 * Built-ins on the pool's threads: they may wait for DNS. A run copies its inputs and belongs to
 * the pool until its result is in the inbox; an inbox whose batch has left drops what still comes.
 */
#include "features/enrichment/internal.h"

#include "task/task.h"

#define LOCAL_TIMEOUT_MS 5000

struct local_run {
        struct local_run *next;
        struct local_inbox *inbox;
        struct ask *ask;
        struct arena arena;
        struct ctx ctx;
        const struct provider_def *def;
        struct provider_inputs inputs;
        struct provider_result result;
        int64_t latency_us;
};

struct local_inbox {
        pthread_mutex_t lock;      /* guards what follows */
        struct fetch_batch *batch; /* NULL: it has left */
        struct local_run *first, **last;
        size_t running;
};

struct local_inbox *local_inbox_open(struct fetch_batch *batch)
{
        struct local_inbox *inbox = mem_alloc(sizeof *inbox);

        *inbox = (struct local_inbox){.batch = batch};
        inbox->last = &inbox->first;
        pthread_mutex_init(&inbox->lock, NULL);
        return inbox;
}

static void run_free(struct local_run *r)
{
        arena_finish(&r->arena);
        mem_free(r);
}

static void inbox_free(struct local_inbox *inbox)
{
        pthread_mutex_destroy(&inbox->lock);
        mem_free(inbox);
}

void local_inbox_leave(struct local_inbox *inbox)
{
        if (!inbox)
                return;
        pthread_mutex_lock(&inbox->lock);
        struct local_run *r = inbox->first;
        bool last = inbox->running == 0;

        inbox->first = NULL;
        inbox->batch = NULL;
        pthread_mutex_unlock(&inbox->lock);
        for (struct local_run *next; r; r = next) {
                next = r->next;
                run_free(r);
        }
        if (last)
                inbox_free(inbox);
}

/* On a thread of the pool. */
static void run_local(void *arg)
{
        struct local_run *r = arg;
        struct local_inbox *inbox = r->inbox;
        int64_t begun = time_mono_ns();

        r->ctx.deadline_ns = begun + LOCAL_TIMEOUT_MS * NS_PER_MS;
        if (provider_run_local(&r->ctx, r->def, &r->inputs, &r->result) != OK) {
                r->result = (struct provider_result){
                        .outcome = r->ctx.err == ERR_TIMEOUT ? PROVIDER_RETRY : PROVIDER_PERMANENT,
                        .detail = r->ctx.message,
                };
        }
        r->latency_us = (time_mono_ns() - begun) / 1000;
        pthread_mutex_lock(&inbox->lock);
        inbox->running--;
        bool left = inbox->batch == NULL, free_inbox = left && inbox->running == 0;

        if (!left) {
                *inbox->last = r;
                inbox->last = &r->next;
                fetch_batch_wake(inbox->batch);
        }
        pthread_mutex_unlock(&inbox->lock);
        if (left)
                run_free(r);
        if (free_inbox)
                inbox_free(inbox);
}

enum err local_start(struct run *run, struct ask *ask)
{
        struct local_run *r = mem_alloc(sizeof *r);

        *r = (struct local_run){.inbox = run->inbox, .ask = ask, .def = ask->lane->def};
        arena_init(&r->arena, 4 << 20);
        ctx_init(&r->ctx, &r->arena);
        r->ctx.app = run->app;
        LIST_EACH (v, &ask->inputs.list)
                provider_inputs_put(&r->ctx, &r->inputs, str_dup(&r->arena, v->key),
                                    str_dup(&r->arena, v->text));
        pthread_mutex_lock(&run->inbox->lock);
        run->inbox->running++;
        pthread_mutex_unlock(&run->inbox->lock);
        if (task_submit(run->shared->locals, run_local, r))
                return OK;
        pthread_mutex_lock(&run->inbox->lock);
        run->inbox->running--;
        pthread_mutex_unlock(&run->inbox->lock);
        run_free(r);
        return fail(run->ctx, ERR_UNAVAILABLE, "too many built-ins are waiting for a thread");
}

/* Values of the run's arena, which goes away, into the scratch arena. */
static void copy_result(struct ctx *to, const struct provider_result *from,
                        struct provider_result *ret)
{
        *ret = *from;
        ret->detail = str_dup(to->arena, from->detail);
        ret->outputs.ptr = NULL;
        ret->outputs.len = ret->outputs.cap = 0;
        LIST_EACH (o, &from->outputs) {
                struct str text = json_text(to->arena, o->value);
                struct provider_output copy = {.key = str_dup(to->arena, o->key)};

                if (json_parse(to, text, &copy.value) == OK)
                        LIST_PUSH(to->arena, &ret->outputs, copy);
        }
}

bool local_next(struct run *run, struct ask **ret_ask, struct provider_result *ret,
                int64_t *ret_latency_us)
{
        pthread_mutex_lock(&run->inbox->lock);
        struct local_run *r = run->inbox->first;

        if (r) {
                run->inbox->first = r->next;
                if (!r->next)
                        run->inbox->last = &run->inbox->first;
        }
        pthread_mutex_unlock(&run->inbox->lock);
        if (!r)
                return false;
        copy_result(&run->scratch, &r->result, ret);
        *ret_ask = r->ask;
        *ret_latency_us = r->latency_us;
        run_free(r);
        return true;
}
