/* The loop of one batch. See enrichment.h. */
#include "features/enrichment/internal.h"

#include "enrichment_sql.h"
#include "log/log.h"

#define BATCH_MEMORY   ((size_t)1 << 30)
#define SCRATCH_MEMORY ((size_t)512 << 20)
#define STOP_GRACE_NS  (3 * NS_PER_S) /* calls in flight may still come in when the process ends */

void run_wake_at(struct run *run, int64_t at_ns)
{
        if (!run->wake_ns || at_ns < run->wake_ns)
                run->wake_ns = at_ns;
}

static void scratch_reset(struct run *run)
{
        arena_finish(&run->scratch_arena);
        arena_init(&run->scratch_arena, SCRATCH_MEMORY);
        ctx_init(&run->scratch, &run->scratch_arena);
        run->scratch.app = run->app;
}

static void look_at_control(struct run *run)
{
        pthread_mutex_lock(&run->control->lock);
        run->cancelled |= run->control->cancel;
        run->stopping |= run->control->stop;
        pthread_mutex_unlock(&run->control->lock);
}

static void set_waker(struct batch_control *c, struct fetch_batch *batch)
{
        pthread_mutex_lock(&c->lock);
        c->batch = batch;
        pthread_mutex_unlock(&c->lock);
}

static enum err settle_when_due(struct run *run)
{
        size_t waiting = run->wf.attempts.len + run->wf.done.len;
        int64_t now = time_mono_ns();

        if (waiting == 0)
                return OK;
        if (!run->settle_due_ns)
                run->settle_due_ns = now + SETTLE_NS;
        if (run->wf.attempts.len < SETTLE_RESULTS && now < run->settle_due_ns)
                return OK;
        TRY(batch_settle(run, false));
        if (run->budget_limited)
                run_wake_at(run, now); /* asks that waited for credits look again at once */
        return OK;
}

static void wait_for_more(struct run *run)
{
        int64_t until = run->beat_ns + BATCH_HEARTBEAT_S * NS_PER_S;

        if (run->settle_due_ns)
                until = MIN_OF(until, run->settle_due_ns);
        if (run->wake_ns)
                until = MIN_OF(until, run->wake_ns);
        run->scratch.deadline_ns = until;
        fetch_batch_wait(&run->scratch, run->batch);
        run->scratch.deadline_ns = 0;
}

static bool is_over(const struct run *run)
{
        return run->wf.open == 0 || run->cancelled || run->lost || run->stopping;
}

/* One turn: what came in, what goes out, what is settled. */
static enum err turn(struct run *run)
{
        run->wake_ns = 0;
        run->wf.now_us = time_wall_us();
        TRY(asks_take(run));
        do {
                TRY(asks_look_up(run));
                TRY(asks_dispatch(run));
        } while (run->wf.fresh.len && !run->lost);
        TRY(settle_when_due(run));
        if (!run->lost && time_mono_ns() - run->beat_ns >= BATCH_HEARTBEAT_S * NS_PER_S)
                TRY(batch_beat(run));
        return OK;
}

/* The process ends: what is in flight may still come in, for a moment. */
static enum err await_last(struct run *run)
{
        int64_t until = time_mono_ns() + STOP_GRACE_NS;

        while (run->in_flight && time_mono_ns() < until && !run->lost && !run->cancelled) {
                scratch_reset(run);
                TRY(asks_take(run));
                look_at_control(run);
                if (!run->in_flight)
                        break;
                run->scratch.deadline_ns = until;
                fetch_batch_wait(&run->scratch, run->batch);
        }
        return OK;
}

static enum err loop(struct run *run)
{
        run->beat_ns = time_mono_ns();
        look_at_control(run);
        while (!is_over(run)) {
                scratch_reset(run);
                TRY(turn(run));
                look_at_control(run);
                if (!is_over(run))
                        wait_for_more(run);
                look_at_control(run);
        }
        scratch_reset(run);
        if (run->cancelled && !run->lost)
                TRY(asks_take(run)); /* what is there already counts */
        if (run->stopping && !run->cancelled && !run->lost && run->wf.open)
                TRY(await_last(run));
        return OK;
}

/* The table was deleted: the job cannot go on. */
static enum err close_gone(struct run *run)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_param job = p_str(run->lease->job);
        struct ctx *ctx = run->ctx;
        struct db_result r;

        TRY(tx_begin(ctx, run->app->db, &tx));
        TRY(tx_query(&tx, &sql_fence,
                     PARAMS(job, p_i64(ctx, run->lease->seq), p_str(run->lease->token)), &r));
        if (r.rows == 0) {
                run->lost = true;
                return OK;
        }
        TRY(tx_exec(&tx, &sql_batch_count,
                    PARAMS(job, p_i64(ctx, run->lease->seq), p_i64(ctx, 0), p_bool(true),
                           p_i64(ctx, BATCH_LEASE_S)),
                    NULL));
        TRY(job_abandon(ctx, &tx, run->lease->job, "the table was deleted"));
        return tx_commit(&tx);
}

static enum err run_batch(struct run *run, enum batch_end *ret)
{
        TRY(batch_load(run));
        if (run->gone)
                TRY(close_gone(run));
        if (run->lost || run->gone) {
                *ret = run->lost ? BATCH_LOST : BATCH_DONE;
                return OK;
        }
        if (!run->cancelled) {
                TRY(wf_begin(&run->wf));
                TRY(loop(run));
        }
        bool last = run->cancelled || run->wf.open == 0;

        if (!run->lost && (last || run->wf.attempts.len || run->wf.done.len))
                TRY(batch_settle(run, last));
        *ret = run->lost ? BATCH_LOST : last ? BATCH_DONE : BATCH_STOPPED;
        return OK;
}

static enum err failure_of(struct ctx *ctx, struct run *run, enum err e)
{
        if (e != OK && run->scratch.err != OK && ctx->err == OK) {
                ctx->err_file = run->scratch.err_file;
                ctx->err_line = run->scratch.err_line;
                ctx->message = str_dup(ctx->arena, run->scratch.message);
                ctx->err = e;
        }
        return e;
}

static void run_close(struct run *run)
{
        set_waker(run->control, NULL);
        asks_abandon(run);
        gates_forget(run->shared->gates, run->batch);
        local_inbox_leave(run->inbox);
        fetch_batch_close(run->batch);
        arena_finish(&run->scratch_arena);
}

enum err batch_run(struct ctx *ctx, struct enrichment *e, const struct batch_lease *lease,
                   struct batch_control *control, enum batch_end *ret)
{
        struct run run = {
                .ctx = ctx,
                .app = ctx->app,
                .shared = e,
                .lease = lease,
                .control = control,
        };

        scratch_reset(&run);
        run.batch = fetch_batch_open(run.app->fetch);
        run.inbox = local_inbox_open(run.batch);
        set_waker(control, run.batch);
        enum err err = failure_of(ctx, &run, run_batch(&run, ret));

        run_close(&run);
        return err;
}

/* ---- giving up ---- */

static enum err fail_cells(struct run *run, struct str reason)
{
        for (size_t i = 0; i < run->records.len * run->fields.len; i++) {
                struct wf_cell *cell = &run->wf.cells[i];

                if (cell->state != WF_BLOCKED)
                        continue;
                cell->state = WF_DONE;
                cell->end = WF_FAILED;
                cell->fault = reason;
                run->wf.open--;
                LIST_PUSH(run->ctx->arena, &run->wf.done, ((struct wf_done){cell, 0}));
        }
        return batch_settle(run, true);
}

enum err batch_give_up(struct ctx *ctx, struct enrichment *shared, const struct batch_lease *lease,
                       struct str reason)
{
        struct run run = {.ctx = ctx, .app = ctx->app, .shared = shared, .lease = lease};

        scratch_reset(&run);
        enum err e = batch_load(&run);

        if (e == OK && run.gone)
                e = close_gone(&run);
        else if (e == OK && !run.lost)
                e = run.cancelled ? batch_settle(&run, true) : fail_cells(&run, reason);
        e = failure_of(ctx, &run, e);
        arena_finish(&run.scratch_arena);
        return e;
}
