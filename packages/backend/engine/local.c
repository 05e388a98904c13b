/*
 * The local engine: threads that lease batches in PostgreSQL.
 *
 * A lease has an owner (the instance), a token (new with each lease, the fence of every settle) and
 * an end. It is free when the end has passed or the owner's advisory lock, held on the hub's
 * connection, is gone: so a process that was killed loses its leases at once. Threads wait for a
 * notification or for the nearest instant at which a batch may come free by time; nothing polls.
 */
#include "engine/engine.h"

#include <pthread.h>

#include "engine_sql.h"
#include "features/enrichment/enrichment.h"
#include "log/log.h"
#include "task/worker.h"

#define BATCH_ARENA    ((size_t)2 << 30)
#define FAULTS_MAX     8
#define BACKOFF_MAX_S  60
#define DATABASE_RETRY (2 * NS_PER_S)

struct thread {
        struct local *local;
        struct task_worker *worker;
        struct batch_control *control; /* of the batch at work; guarded by local->lock */
        char job[40];
};

struct local {
        struct app *app;
        struct enrichment *enrichment;
        pthread_mutex_t lock;
        bool heard; /* the hub is connected: the instance's lock is held */
        bool stopping;
        size_t running;
        struct thread *threads;
        size_t thread_count;
};

static bool is_idle(struct local *l)
{
        pthread_mutex_lock(&l->lock);
        bool idle = l->stopping || !l->heard;

        pthread_mutex_unlock(&l->lock);
        return idle;
}

/* ---- leases ---- */

struct leased {
        struct batch_lease lease;
        int64_t faults, tries;
};

static enum err lease(struct ctx *ctx, struct local *l, bool *ret_found, struct leased *ret)
{
        struct db_result r;

        TRY(db_query(ctx, l->app->db, &sql_lease,
                     PARAMS(p_i64(ctx, l->app->instance_id), p_i64(ctx, BATCH_LEASE_S)), &r));
        *ret_found = r.rows == 1;
        if (*ret_found)
                *ret = (struct leased){
                        .lease = {.job = db_text(&r, 0, 0),
                                  .seq = db_i64(&r, 0, 1),
                                  .token = db_text(&r, 0, 2)},
                        .faults = db_i64(&r, 0, 3),
                        .tries = db_i64(&r, 0, 4),
                };
        return OK;
}

static void release(struct ctx *ctx, struct local *l, const struct batch_lease *lease,
                    int64_t backoff_s)
{
        if (db_exec(ctx, l->app->db, &sql_release,
                    PARAMS(p_str(lease->job), p_i64(ctx, lease->seq), p_str(lease->token),
                           p_i64(ctx, backoff_s)),
                    NULL) != OK ||
            db_exec(ctx, l->app->db, &sql_wake, NO_PARAMS, NULL) != OK)
                ctx_clear(ctx); /* the lease runs out by itself */
}

/* ---- one batch ---- */

static void batch_begins(struct thread *t, const struct batch_lease *lease,
                         struct batch_control *control)
{
        struct local *l = t->local;
        size_t n = MIN_OF(lease->job.len, sizeof t->job - 1);

        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; i < n; i++)
                t->job[i] = lease->job.ptr[i];
        t->job[n] = 0;
        t->control = control;
        l->running++;
        if (l->stopping)
                batch_control_stop(control);
        pthread_mutex_unlock(&l->lock);
}

static void batch_ended(struct thread *t)
{
        pthread_mutex_lock(&t->local->lock);
        t->control = NULL;
        t->local->running--;
        pthread_mutex_unlock(&t->local->lock);
}

static void batch_faulted(struct ctx *ctx, struct local *l, const struct leased *b)
{
        struct str why = ctx->message;
        int64_t backoff = INT64_C(1) << MIN_OF(b->faults, 6);

        log_warn("batch failed", LOG_STR("jobId", b->lease.job), LOG_I64("batch", b->lease.seq),
                 LOG_I64("faults", b->faults + 1), LOG_STR("error", why),
                 LOG_C("file", ctx->err_file), LOG_I64("line", ctx->err_line));
        ctx_clear(ctx);
        if (b->faults + 1 >= FAULTS_MAX && batch_give_up(ctx, l->enrichment, &b->lease, why) == OK)
                return;
        ctx_clear(ctx);
        release(ctx, l, &b->lease, MIN_OF(backoff, BACKOFF_MAX_S));
}

static void run_one(struct ctx *ctx, struct thread *t, const struct leased *b)
{
        struct batch_control *control = batch_control_open();
        enum batch_end end = BATCH_LOST;

        batch_begins(t, &b->lease, control);
        enum err e = batch_run(ctx, t->local->enrichment, &b->lease, control, &end);

        batch_ended(t);
        batch_control_close(control);
        if (e != OK)
                batch_faulted(ctx, t->local, b);
        else if (end == BATCH_STOPPED)
                release(ctx, t->local, &b->lease, 0);
        else if (end == BATCH_LOST)
                log_info("lease lost", LOG_STR("jobId", b->lease.job),
                         LOG_I64("batch", b->lease.seq));
}

/* ---- the threads ---- */

/* Nothing is free: when may something come free by time? */
static void look_again(struct ctx *ctx, struct thread *t)
{
        struct db_result r;

        if (db_query(ctx, t->local->app->db, &sql_next_look, NO_PARAMS, &r) != OK)
                task_worker_at(t->worker, time_mono_ns() + DATABASE_RETRY);
        else if (!db_is_null(&r, 0, 0))
                task_worker_at(t->worker,
                               time_mono_ns() + (MAX_OF(db_i64(&r, 0, 0), 0) + 20) * NS_PER_MS);
}

/* One lease and its batch; false when there was none to be had. */
static bool step(struct thread *t)
{
        struct arena arena;
        struct ctx ctx;
        struct leased b;
        bool found = false;

        arena_init(&arena, BATCH_ARENA);
        ctx_init(&ctx, &arena);
        ctx.app = t->local->app;
        if (lease(&ctx, t->local, &found, &b) != OK) {
                log_warn("no lease", LOG_STR("error", ctx.message));
                task_worker_at(t->worker, time_mono_ns() + DATABASE_RETRY);
        } else if (found) {
                run_one(&ctx, t, &b);
        } else {
                look_again(&ctx, t);
        }
        arena_finish(&arena);
        return found;
}

static void work(void *user)
{
        struct thread *t = user;

        while (!is_idle(t->local) && step(t))
                ;
}

/* ---- the engine's functions ---- */

static enum err local_open(struct ctx *ctx, struct app *app, void **ret)
{
        struct local *l = mem_alloc(sizeof *l);
        size_t count = (size_t)app->settings.workers;

        *l = (struct local){.app = app};
        pthread_mutex_init(&l->lock, NULL);
        l->threads = mem_alloc(count * sizeof *l->threads);
        enum err e = enrichment_open(ctx, &l->enrichment);

        if (e != OK) {
                mem_free(l->threads);
                mem_free(l);
                return e;
        }
        *ret = l;
        return OK;
}

static enum err local_begin(struct ctx *ctx, void *state)
{
        struct local *l = state;

        for (size_t i = 0; i < (size_t)l->app->settings.workers; i++) {
                struct task_worker *worker;
                struct thread *t = &l->threads[i];

                *t = (struct thread){.local = l};
                TRY(task_worker_open(ctx, "batch", 0, work, t, &worker));
                pthread_mutex_lock(&l->lock);
                t->worker = worker;
                l->thread_count++;
                pthread_mutex_unlock(&l->lock);
                task_worker_wake(worker); /* the first call may have come before `worker` was set */
        }
        return OK;
}

static void local_start(void *state, struct str job)
{
        struct local *l = state;

        pthread_mutex_lock(&l->lock);
        l->heard = true;
        for (size_t i = 0; i < l->thread_count; i++)
                task_worker_wake(l->threads[i].worker);
        pthread_mutex_unlock(&l->lock);
}

static void local_cancel(void *state, struct str job)
{
        struct local *l = state;

        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; i < l->thread_count; i++)
                if (l->threads[i].control && str_eq_c(job, l->threads[i].job))
                        batch_control_cancel(l->threads[i].control);
        pthread_mutex_unlock(&l->lock);
}

static size_t local_running(void *state)
{
        struct local *l = state;

        pthread_mutex_lock(&l->lock);
        size_t n = l->running;

        pthread_mutex_unlock(&l->lock);
        return n;
}

static void local_stop(void *state)
{
        struct local *l = state;

        pthread_mutex_lock(&l->lock);
        l->stopping = true;
        for (size_t i = 0; i < l->thread_count; i++) {
                if (l->threads[i].control)
                        batch_control_stop(l->threads[i].control);
                task_worker_stop(l->threads[i].worker);
        }
        pthread_mutex_unlock(&l->lock);
}

static void local_drain(void *state)
{
        struct local *l = state;
        size_t count;

        local_stop(l);
        pthread_mutex_lock(&l->lock);
        count = l->thread_count;
        l->thread_count = 0; /* nobody wakes them any more */
        pthread_mutex_unlock(&l->lock);
        for (size_t i = 0; i < count; i++)
                task_worker_close(l->threads[i].worker);
        enrichment_close(l->enrichment); /* with it the threads of built-ins */
        l->enrichment = NULL;
}

static void local_close(void *state)
{
        struct local *l = state;

        local_drain(l);
        pthread_mutex_destroy(&l->lock);
        mem_free(l->threads);
        mem_free(l);
}

const struct engine_ops engine_local = {
        .name = "local",
        .open = local_open,
        .begin = local_begin,
        .start = local_start,
        .cancel = local_cancel,
        .running = local_running,
        .stop = local_stop,
        .drain = local_drain,
        .close = local_close,
};
