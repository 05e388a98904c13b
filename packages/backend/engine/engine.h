/*
 * Engines: what makes jobs run. The API only writes a job's row and notifies the channel
 * millrace_jobs in the same transaction (features/job); every process with the role `worker` has an
 * engine that hears of it. So a job that is committed runs, and one that is not never does.
 *
 * An engine is a few functions (struct engine_ops). It decides which batch runs where and when, and
 * calls the activities that are the same for all engines and may be repeated at any point:
 * batch_run(), batch_give_up() (features/enrichment) and, within them, job_finish() (features/job).
 * The local engine keeps leases in PostgreSQL (local.c); another, such as Temporal's, implements
 * the same functions. A job's row says which engine it belongs to.
 */
#ifndef MILLRACE_ENGINE_ENGINE_H
#define MILLRACE_ENGINE_ENGINE_H

#include "base/app.h"

struct engine;

/* The first key of the advisory lock that a live process holds; the second is its instance id. */
#define ENGINE_LOCK_CLASS 1297305428

struct engine_ops {
        const char *name; /* as in jobs.engine */
        enum err (*open)(struct ctx *ctx, struct app *app, void **ret_state);
        enum err (*begin)(struct ctx *ctx, void *state); /* from now on jobs may run */
        /* A job may have come; idempotent, any thread, quick. job STR_NULL: look for any. */
        void (*start)(void *state, struct str job);
        void (*cancel)(void *state, struct str job); /* likewise */
        size_t (*running)(void *state);              /* batches at work in this process */
        void (*stop)(void *state);                   /* take nothing new, settle and let go */
        void (*drain)(void *state);                  /* waits until all has ended */
        void (*close)(void *state);
};

extern const struct engine_ops engine_local;

/*
 * In this order: engine_open() registers the process (worker_instances, app->instance_id) and
 * subscribes to the hub; event_hub_start() with engine_session_sql(); engine_begin(). At the end:
 * engine_stop(), engine_drain(), event_hub_close(), engine_close(): the hub calls the engine until
 * it is closed, and its connection holds the instance's lock.
 */
_must_check_ enum err engine_open(struct ctx *ctx, struct app *app, struct engine **ret);
const char *engine_session_sql(const struct engine *e); /* NULL for a NULL engine */
_must_check_ enum err engine_begin(struct ctx *ctx, struct engine *e);
void engine_stop(struct engine *e); /* these accept NULL */
void engine_drain(struct engine *e);
void engine_close(struct engine *e);

void engine_start(struct engine *e, struct str job);
void engine_cancel(struct engine *e, struct str job);

struct engine_progress {
        struct str status;
        int64_t batches, batches_open, batches_leased; /* of the job, in all processes */
        size_t running_here;                           /* batches of any job in this process */
};
_must_check_ enum err engine_progress(struct ctx *ctx, struct engine *e, struct str job,
                                      struct engine_progress *ret);

#endif
