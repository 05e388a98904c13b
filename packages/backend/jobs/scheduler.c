/* Housekeeping on a timer. See scheduler.h. */
#include "jobs/scheduler.h"

#include "features/auth/auth.h"
#include "jobs_sql.h"
#include "log/log.h"
#include "task/worker.h"

#define PERIOD   (600 * NS_PER_S)
#define RUN_TIME (120 * NS_PER_S)

struct scheduler {
        struct app *app;
        struct task_worker *worker;
};

static enum err sweep(struct ctx *ctx)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_scheduler_lock, NO_PARAMS, &r));
        if (!db_bool(&r, 0, 0))
                return OK;
        TRY(tx_exec(&tx, &sql_sweep_idempotency, NO_PARAMS, NULL));
        TRY(tx_exec(&tx, &sql_sweep_answers, NO_PARAMS, NULL));
        TRY(auth_sweep(ctx, &tx));
        return tx_commit(&tx);
}

static void run(void *user)
{
        struct scheduler *s = user;
        struct arena arena;
        struct ctx ctx;

        arena_init(&arena, 16 << 20);
        ctx_init(&ctx, &arena);
        ctx.app = s->app;
        ctx.deadline_ns = time_mono_ns() + RUN_TIME;
        if (sweep(&ctx) != OK)
                log_warn("housekeeping failed", LOG_STR("error", ctx.message));
        arena_finish(&arena);
}

enum err scheduler_open(struct ctx *ctx, struct app *app, struct scheduler **ret)
{
        struct scheduler *s = mem_alloc(sizeof *s);
        enum err e;

        s->app = app;
        e = task_worker_open(ctx, "scheduler", PERIOD, run, s, &s->worker);
        if (e != OK) {
                mem_free(s);
                return e;
        }
        *ret = s;
        return OK;
}

void scheduler_stop(struct scheduler *s)
{
        if (s)
                task_worker_stop(s->worker);
}

void scheduler_close(struct scheduler *s)
{
        if (!s)
                return;
        task_worker_close(s->worker);
        mem_free(s);
}
