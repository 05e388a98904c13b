/* Estimating and making jobs. See job.h. */
#include "features/job/internal.h"

#include "features/credit/credit.h"
#include "features/record/record.h"
#include "job_sql.h"

static enum err check_request(struct ctx *ctx, const struct job_request *request)
{
        if (request->has_record_ids && request->filter)
                ctx_fault(ctx, STR("/filter"), "oneOf", "give recordIds or filter, not both");
        if (ctx->faults.len)
                return fail(ctx, ERR_VALIDATION, "%.*s", FMT(ctx->faults.ptr[0].message));
        return OK;
}

struct draft {
        struct grid_table table;
        struct job_providers providers;
        job_field_list fields;
};

static enum err draft_make(struct ctx *ctx, struct tx *tx, struct str workspace,
                           const struct job_request *request, struct draft *ret)
{
        TRY(check_request(ctx, request));
        TRY(grid_load(ctx, tx, workspace, request->table_id, &ret->table));
        TRY(job_providers_load(ctx, tx, workspace, &ret->providers));
        return job_resolve(ctx, &ret->providers, &ret->table, request, &ret->fields);
}

/* What a person should know before saying yes. */
static enum err add_warnings(struct ctx *ctx, const struct draft *d, int64_t available,
                             const struct job_request *request, struct job_estimate *e)
{
        str_list demo = {0};

        LIST_EACH (f, &d->fields)
                LIST_EACH (step, &f->steps) {
                        struct provider_route route;
                        bool told = false;

                        LIST_EACH (slug, &demo)
                                told = told || str_eq(*slug, step->slug);
                        TRY(provider_route(ctx, d->providers.registry, step->def,
                                           step->has_credential, &route));
                        if (route.source == SOURCE_SANDBOX && !told)
                                LIST_PUSH(ctx->arena, &demo, step->slug);
                }
        LIST_EACH (slug, &demo)
                LIST_PUSH(ctx->arena, &e->warnings,
                          str_printf(ctx->arena,
                                     "%.*s has no credential: its answers are demo data from the "
                                     "sandbox",
                                     FMT(*slug)));
        int64_t most = request->has_budget ? MIN_OF(request->budget, e->max) : e->max;

        if (e->cells == 0)
                LIST_PUSH(ctx->arena, &e->warnings, STR("there is nothing to fill"));
        if (most > available)
                LIST_PUSH(ctx->arena, &e->warnings,
                          str_printf(ctx->arena,
                                     "%lld credits are available and up to %lld would be "
                                     "reserved: set a budget",
                                     (long long)available, (long long)most));
        else if (most < e->expected)
                LIST_PUSH(ctx->arena, &e->warnings,
                          STR("the budget will probably be reached before all cells are done"));
        return OK;
}

enum err job_estimate(struct ctx *ctx, struct str workspace, const struct job_request *request,
                      struct job_estimate *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct job_scope scope = {.request = request};
        plan_group_list groups = {0};
        struct credit_balance balance;
        struct draft d = {0};

        TRY(credit_read(ctx, ctx->app->db, workspace, &balance));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(draft_make(ctx, &tx, workspace, request, &d));
        TRY(job_scope_count(ctx, &tx, &d.table, &scope, &d.fields, &groups));
        TRY(job_price(ctx, &tx, &d.table, &scope, &d.fields, &groups, ret));
        TRY(add_warnings(ctx, &d, balance.available, request, ret));
        return tx_commit(&tx);
}

/* ---- making ---- */

struct making {
        struct ctx *ctx;
        struct tx *tx;
        struct str workspace, job;
        const struct grid_table *table;
        const job_field_list *fields;
        struct job_scope scope;
        int64_t budget;
        bool has_budget;
};

static enum err insert_job(struct making *m, struct str retry_of)
{
        const struct actor *who = m->ctx->actor;
        struct db_result r;

        TRY(tx_query(m->tx, &sql_insert,
                     PARAMS(p_str(m->workspace), p_str(m->table->id), p_c("local"), p_str(retry_of),
                            m->has_budget ? p_i64(m->ctx, m->budget) : p_null(),
                            p_str(who ? who->user_id : STR_NULL)),
                     &r));
        m->job = db_text(&r, 0, 0);
        return OK;
}

static enum err insert_fields(struct making *m)
{
        struct db_array o, c, k, n, e, mc, w;

        db_array_init(m->ctx, &o);
        db_array_init(m->ctx, &c);
        db_array_init(m->ctx, &k);
        db_array_init(m->ctx, &n);
        db_array_init(m->ctx, &e);
        db_array_init(m->ctx, &mc);
        db_array_init(m->ctx, &w);
        LIST_EACH (f, m->fields) {
                db_array_i64(&o, f->ordinal);
                db_array_str(&c, f->column_id);
                db_array_str(&k, f->output);
                db_array_str(&n, f->name);
                db_array_bool(&e, f->only_if_empty);
                db_array_double(&mc, f->min_confidence);
                db_array_str(&w, job_waterfall_text(m->ctx, f));
        }
        return tx_exec(m->tx, &sql_insert_fields,
                       PARAMS(p_str(m->job), p_array(&o), p_array(&c), p_array(&k), p_array(&n),
                              p_array(&e), p_array(&mc), p_array(&w)),
                       NULL);
}

/* min(budget, max), or ERR_CREDITS that says what to do. */
static enum err reserve(struct making *m, const struct plan_cost *cost)
{
        int64_t want = m->has_budget ? MIN_OF(m->budget, cost->max) : cost->max;
        struct credit_balance balance;
        struct str key = str_printf(m->ctx->arena, "%.*s:reserve", FMT(m->job));

        TRY(credit_lock(m->ctx, m->tx, m->workspace, &balance));
        if (want > balance.available)
                return fail(m->ctx, ERR_CREDITS,
                            "this job may cost up to %lld credits and %lld are available: %lld are "
                            "missing. A budget of at most %lld makes it run as far as that goes",
                            (long long)want, (long long)balance.available,
                            (long long)(want - balance.available), (long long)balance.available);
        TRY(credit_reserve(m->ctx, m->tx, m->workspace, want, key, m->job));
        return tx_exec(m->tx, &sql_set_scope,
                       PARAMS(p_str(m->job), p_i64(m->ctx, cost->cells), p_i64(m->ctx, want),
                              p_bool(want < cost->max)),
                       NULL);
}

static enum err mark_batch(struct making *m, const struct job_field *f, int64_t seq)
{
        str_list ids = {0};
        struct db_result r;

        TRY(tx_query(m->tx, &sql_mark_list,
                     PARAMS(p_str(m->job), p_i64(m->ctx, seq), p_i64(m->ctx, f->ordinal)), &r));
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(m->ctx->arena, &ids, db_text(&r, i, 0));
        if (ids.len == 0)
                return OK;
        return grid_cells_status(m->ctx, m->tx, m->table, f->column_id, &ids, "queued", m->job);
}

static enum err mark_cells(struct making *m, int64_t cells)
{
        struct db_result r;

        if (cells > JOB_MARK_MAX)
                return OK;
        TRY(tx_query(m->tx, &sql_batch_count, PARAMS(p_str(m->job)), &r));
        for (int64_t seq = 0; seq < db_i64(&r, 0, 0); seq++)
                LIST_EACH (f, m->fields)
                        TRY(mark_batch(m, f, seq));
        return cells ? record_publish_changed(m->ctx, m->tx, m->table, "updated", NULL, cells) : OK;
}

static enum err make(struct making *m, struct str retry_of, struct job *ret)
{
        plan_group_list groups = {0};
        struct plan_cost cost;
        bool finished;

        TRY(insert_job(m, retry_of));
        TRY(insert_fields(m));
        TRY(job_scope_batches(m->ctx, m->tx, m->table, &m->scope, m->fields, m->job, &groups));
        job_price_max(m->ctx, m->fields, &groups, &cost);
        if (retry_of.ptr && cost.cells == 0)
                return fail(m->ctx, ERR_CONFLICT, "the job left no failed cells");
        TRY(reserve(m, &cost));
        TRY(mark_cells(m, cost.cells));
        if (cost.cells == 0)
                TRY(job_finish(m->ctx, m->tx, m->job, &finished));
        TRY(job_publish_progress(m->ctx, m->tx, m->job));
        TRY(audit_write(m->ctx, m->tx, m->workspace, "job.created", "job", m->job, STR_NULL));
        TRY(tx_exec(m->tx, &sql_notify, PARAMS(p_c(JOB_CHANNEL), p_c("")), NULL));
        TRY(job_row(m->ctx, m->tx, m->job, ret));
        return tx_commit(m->tx);
}

enum err job_create(struct ctx *ctx, struct str workspace, const struct job_request *request,
                    struct job *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct draft d = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(draft_make(ctx, &tx, workspace, request, &d));
        struct making m = {
                .ctx = ctx,
                .tx = &tx,
                .workspace = workspace,
                .table = &d.table,
                .fields = &d.fields,
                .scope = {.request = request},
                .budget = request->budget,
                .has_budget = request->has_budget,
        };

        return make(&m, STR_NULL, ret);
}

/* The fields of a former job at today's prices; a provider that is gone is left out. */
static enum err retry_fields(struct ctx *ctx, struct tx *tx, struct str workspace, struct str job,
                             job_field_list *ret)
{
        job_field_list fields = {0}, kept = {0};

        TRY(job_fields_load(ctx, tx, workspace, job, &fields));
        LIST_EACH (f, &fields) {
                struct job_field k = *f;

                k.steps.ptr = NULL;
                k.steps.len = k.steps.cap = 0;
                LIST_EACH (step, &f->steps)
                        if (step->def) {
                                struct job_step *s = LIST_ADD(ctx->arena, &k.steps);

                                *s = *step;
                                s->hit = step->def->credits_hit;
                                s->miss = step->def->credits_miss;
                        }
                k.ordinal = (int)kept.len;
                if (k.steps.len)
                        *LIST_ADD(ctx->arena, &kept) = k;
        }
        *ret = kept;
        return OK;
}

enum err job_retry(struct ctx *ctx, struct str workspace, struct str job, struct job *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        job_field_list fields = {0};
        struct grid_table table;
        struct job old;

        TRY(job_get(ctx, workspace, job, &old));
        if (!old.finished_at.ptr)
                return fail(ctx, ERR_CONFLICT, "the job is still at work");
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(ctx, &tx, workspace, old.table_id, &table));
        TRY(retry_fields(ctx, &tx, workspace, job, &fields));
        if (fields.len == 0)
                return fail(ctx, ERR_CONFLICT, "the job's columns or providers are gone");
        struct making m = {
                .ctx = ctx,
                .tx = &tx,
                .workspace = workspace,
                .table = &table,
                .fields = &fields,
                .scope = {.failed_of = old.id},
                .budget = old.budget,
                .has_budget = old.has_budget,
        };

        return make(&m, old.id, ret);
}
