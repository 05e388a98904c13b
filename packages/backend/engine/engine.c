/* The process as a worker: its instance, its ear on the channel, the engine behind. See engine.h.
 */
#include "engine/engine.h"

#include <stdio.h>
#include <unistd.h>

#include "engine_sql.h"
#include "features/event/event.h"
#include "features/job/job.h"

struct engine {
        struct app *app;
        const struct engine_ops *ops;
        void *state;
        char session_sql[80];
};

/* On the hub's thread. */
static void on_notify(void *user, const char *channel, const char *payload)
{
        struct engine *e = user;
        struct str text = str_from(payload), job;

        if (channel && str_starts(text, STR("cancel:"))) {
                job = str_slice(text, 7, text.len);
                e->ops->cancel(e->state, job);
        } else {
                e->ops->start(e->state, STR_NULL);
        }
}

static enum err register_instance(struct ctx *ctx, struct engine *e)
{
        char host[256] = "";
        struct db_result r;

        if (gethostname(host, sizeof host - 1) != 0)
                snprintf(host, sizeof host, "unknown");
        TRY(db_query(ctx, e->app->db, &sql_register,
                     PARAMS(p_c(host), p_i64(ctx, (int64_t)getpid())), &r));
        e->app->instance_id = (int)db_i64(&r, 0, 0);
        snprintf(e->session_sql, sizeof e->session_sql, "SELECT pg_advisory_lock(%d, %d)",
                 ENGINE_LOCK_CLASS, e->app->instance_id);
        return db_exec(ctx, e->app->db, &sql_forget_dead, PARAMS(p_i64(ctx, e->app->instance_id)),
                       NULL);
}

enum err engine_open(struct ctx *ctx, struct app *app, struct engine **ret)
{
        struct engine *e = mem_alloc(sizeof *e);
        enum err err;

        *e = (struct engine){.app = app, .ops = &engine_local};
        err = register_instance(ctx, e);
        if (err == OK)
                err = e->ops->open(ctx, app, &e->state);
        if (err != OK) {
                mem_free(e);
                return err;
        }
        event_hub_on(app->events, JOB_CHANNEL, on_notify, e);
        *ret = e;
        return OK;
}

const char *engine_session_sql(const struct engine *e)
{
        return e ? e->session_sql : NULL;
}

enum err engine_begin(struct ctx *ctx, struct engine *e)
{
        return e->ops->begin(ctx, e->state);
}

void engine_stop(struct engine *e)
{
        if (e)
                e->ops->stop(e->state);
}

void engine_drain(struct engine *e)
{
        if (e)
                e->ops->drain(e->state);
}

void engine_close(struct engine *e)
{
        struct arena arena;
        struct ctx ctx;

        if (!e)
                return;
        e->ops->close(e->state);
        arena_init(&arena, 1 << 20);
        ctx_init(&ctx, &arena);
        ctx.deadline_ns = time_mono_ns() + 2 * NS_PER_S;
        if (db_exec(&ctx, e->app->db, &sql_unregister, PARAMS(p_i64(&ctx, e->app->instance_id)),
                    NULL) != OK)
                ctx_clear(&ctx); /* the row is forgotten by whoever starts next */
        arena_finish(&arena);
        mem_free(e);
}

void engine_start(struct engine *e, struct str job)
{
        e->ops->start(e->state, job);
}

void engine_cancel(struct engine *e, struct str job)
{
        e->ops->cancel(e->state, job);
}

enum err engine_progress(struct ctx *ctx, struct engine *e, struct str job,
                         struct engine_progress *ret)
{
        struct db_result r;

        TRY(db_query(ctx, e->app->db, &sql_progress, PARAMS(p_str(job)), &r));
        if (r.rows == 0)
                return fail(ctx, ERR_NOT_FOUND, "job not found");
        *ret = (struct engine_progress){
                .status = db_text(&r, 0, 0),
                .batches = db_i64(&r, 0, 1),
                .batches_open = db_i64(&r, 0, 2),
                .batches_leased = db_i64(&r, 0, 3),
                .running_here = e->ops->running(e->state),
        };
        return OK;
}
