/* Reading a batch: records, values, fields, and what was settled before. */
#include "features/enrichment/internal.h"

#include "enrichment_sql.h"
#include "features/credential/credential.h"
#include "features/record/record.h"
#include "log/log.h"

/* ---- lanes ---- */

static struct lane *lane_find(struct run *run, struct str slug)
{
        struct lane *lane = run->lanes;

        while (lane && !str_eq(lane->def->slug, slug))
                lane = lane->next;
        return lane;
}

static enum err lane_open(struct run *run, const struct job_step *step, struct lane **ret)
{
        struct lane *lane = arena_new(run->ctx->arena, struct lane);

        lane->def = step->def;
        lane->last = &lane->first;
        TRY(provider_route(run->ctx, run->app->providers, step->def, step->has_credential,
                           &lane->route));
        lane->wants_credential = step->has_credential && lane->route.source != SOURCE_BUILTIN;
        lane->answers_slug = lane->route.source == SOURCE_SANDBOX
                                     ? str_printf(run->ctx->arena, "sandbox/%.*s", FMT(step->slug))
                                     : step->slug;
        if (lane->route.source != SOURCE_BUILTIN)
                lane->gate = gate_of(run->shared->gates, step->def, &lane->route, run->workspace);
        lane->next = run->lanes;
        run->lanes = lane;
        *ret = lane;
        return OK;
}

static void step_init(struct run *run, const struct job_step *job, struct step *step)
{
        step->job = job;
        if (!job->def) {
                step->why = STR("the provider is not there any more");
                return;
        }
        step->lane = lane_find(run, job->slug);
        if (!step->lane && lane_open(run, job, &step->lane) != OK) {
                step->lane = NULL;
                step->why = run->ctx->message;
                ctx_clear(run->ctx);
        }
}

/* ---- fields ---- */

/* Fields before this one whose cells the step waits for. */
static uint32_t reads_of(const struct run *run, const struct job_step *step, size_t before)
{
        uint32_t reads = 0;

        for (size_t k = 0; k < before; k++)
                LIST_EACH (in, &step->inputs)
                        if (in->waits && str_eq(in->column_id, run->fields.ptr[k].column_id))
                                reads |= 1u << k;
        return reads;
}

static struct wf_field *make_fields(struct run *run)
{
        struct arena *a = run->ctx->arena;
        struct wf_field *fields = arena_alloc_array(a, run->fields.len, sizeof *fields);

        for (size_t i = 0; i < run->fields.len; i++) {
                const struct job_field *f = &run->fields.ptr[i];
                struct wf_step *steps = arena_alloc_array(a, f->steps.len, sizeof *steps);
                struct step *own = arena_alloc_array(a, f->steps.len, sizeof *own);

                for (size_t k = 0; k < f->steps.len; k++) {
                        const struct job_step *step = &f->steps.ptr[k];

                        step_init(run, step, &own[k]);
                        steps[k] = (struct wf_step){
                                .min_confidence = step->min_confidence,
                                .hit = step->hit,
                                .miss = step->miss,
                                .reads = reads_of(run, step, i),
                                .user = &own[k],
                        };
                }
                fields[i] = (struct wf_field){
                        .output = f->output,
                        .steps = steps,
                        .step_count = f->steps.len,
                };
        }
        return fields;
}

/* ---- records and values ---- */

static void add_column(struct run *run, struct str id)
{
        LIST_EACH (c, &run->columns)
                if (str_eq(*c, id))
                        return;
        if (grid_column_find(&run->table, id))
                LIST_PUSH(run->ctx->arena, &run->columns, id);
}

static enum err read_values(struct run *run, struct tx *tx)
{
        LIST_EACH (f, &run->fields) {
                add_column(run, f->column_id);
                LIST_EACH (step, &f->steps)
                        LIST_EACH (in, &step->inputs)
                                add_column(run, in->column_id);
        }
        return grid_read_values(run->ctx, tx, &run->table, &run->records, &run->columns,
                                &run->values);
}

static size_t field_by_ordinal(const struct run *run, int ordinal)
{
        for (size_t i = 0; i < run->fields.len; i++)
                if (run->fields.ptr[i].ordinal == ordinal)
                        return i;
        return SIZE_MAX;
}

/* Cells of the masks whose column is still there. */
static void add_cells(struct run *run, const struct db_result *records)
{
        for (int i = 0; i < records->rows; i++) {
                uint32_t mask = (uint32_t)db_i64(records, i, 1);

                for (int bit = 0; bit < JOB_FIELDS_MAX; bit++) {
                        size_t f = field_by_ordinal(run, bit);

                        if ((mask & (1u << bit)) && f != SIZE_MAX)
                                wf_add(&run->wf, (size_t)i, f);
                }
        }
}

static enum err add_prior(struct run *run, struct tx *tx)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_prior_attempts,
                     PARAMS(p_str(run->lease->job), p_i64(run->ctx, run->first_index),
                            p_i64(run->ctx, run->first_index + (int64_t)run->records.len)),
                     &r));
        for (int i = 0; i < r.rows; i++) {
                size_t record = (size_t)(db_i64(&r, i, 0) - run->first_index);
                enum attempt_outcome outcome;

                if (!attempt_outcome_parse(db_text(&r, i, 3), &outcome))
                        return fail(run->ctx, ERR_INTERNAL, "an attempt has an unknown outcome");
                for (size_t f = 0; f < run->fields.len; f++) {
                        const struct job_field *field = &run->fields.ptr[f];

                        for (size_t k = 0; k < field->steps.len; k++)
                                if (str_eq(field->column_id, db_text(&r, i, 1)) &&
                                    str_eq(field->steps.ptr[k].slug, db_text(&r, i, 2)))
                                        wf_prior(&run->wf, wf_cell(&run->wf, record, f), k, outcome,
                                                 db_i64(&r, i, 4), db_text(&r, i, 5));
                }
        }
        return OK;
}

/* Cells that somebody filled meanwhile, and those of records that are gone. */
static void drop_cells(struct run *run)
{
        for (size_t f = 0; f < run->fields.len; f++) {
                const struct job_field *field = &run->fields.ptr[f];
                size_t column = SIZE_MAX;

                for (size_t c = 0; c < run->columns.len; c++)
                        if (str_eq(run->columns.ptr[c], field->column_id))
                                column = c;
                for (size_t i = 0; i < run->records.len; i++) {
                        bool gone = !run->values.exists[i] || column == SIZE_MAX;

                        if (gone || (field->only_if_empty &&
                                     grid_values_at(&run->values, i, column).text.ptr))
                                wf_drop(&run->wf, wf_cell(&run->wf, i, f));
                }
        }
}

static enum err mark_running(struct run *run, struct tx *tx)
{
        str_list marked = {0};

        if (!run->mark_cells)
                return OK;
        for (size_t f = 0; f < run->fields.len; f++) {
                str_list ids = {0};

                for (size_t i = 0; i < run->records.len; i++) {
                        const struct wf_cell *cell = wf_cell(&run->wf, i, f);

                        if (cell->state == WF_BLOCKED)
                                LIST_PUSH(run->ctx->arena, &ids, run->records.ptr[i]);
                }
                if (ids.len)
                        TRY(grid_cells_status(run->ctx, tx, &run->table,
                                              run->fields.ptr[f].column_id, &ids, "running",
                                              run->lease->job));
        }
        for (size_t i = 0; i < run->records.len; i++) {
                bool open = false;

                for (size_t f = 0; f < run->fields.len; f++)
                        open = open || wf_cell(&run->wf, i, f)->state == WF_BLOCKED;
                if (open)
                        LIST_PUSH(run->ctx->arena, &marked, run->records.ptr[i]);
        }
        return marked.len ? record_publish(run->ctx, tx, &run->table, &marked) : OK;
}

/* After the transaction: nobody holds one connection while waiting for another. */
static enum err load_credentials(struct run *run)
{
        for (struct lane *lane = run->lanes; lane; lane = lane->next) {
                if (!lane->wants_credential)
                        continue;
                TRY(credential_find(run->ctx, run->workspace, lane->def->slug, &lane->credential));
                lane->refused = lane->credential == NULL; /* it was taken away */
        }
        return OK;
}

/* ---- the transaction ---- */

static enum err load_job(struct run *run, struct tx *tx)
{
        struct ctx *ctx = run->ctx;
        struct db_param job = p_str(run->lease->job), seq = p_i64(ctx, run->lease->seq);
        struct db_result r;
        int64_t started;

        TRY(tx_query(tx, &sql_fence, PARAMS(job, seq, p_str(run->lease->token)), &r));
        if (r.rows == 0) {
                run->lost = true;
                return OK;
        }
        run->first_index = db_i64(&r, 0, 0);
        TRY(tx_query(tx, &sql_job_lock, PARAMS(job), &r));
        if (r.rows == 0)
                return fail(ctx, ERR_INTERNAL, "a batch has no job");
        run->workspace = db_text(&r, 0, 0);
        run->table_id = db_text(&r, 0, 1);
        run->cancelled = db_bool(&r, 0, 3);
        run->budget_limited = db_bool(&r, 0, 4);
        run->mark_cells = db_i64(&r, 0, 5) <= JOB_MARK_MAX;
        TRY(tx_exec(tx, &sql_job_start, PARAMS(job), &started));
        TRY(tx_exec(tx, &sql_batch_start, PARAMS(job, seq, p_i64(ctx, BATCH_LEASE_S)), NULL));
        if (started)
                TRY(job_publish_progress(ctx, tx, run->lease->job));
        return OK;
}

static enum err load_records(struct run *run, struct tx *tx)
{
        struct ctx *ctx = run->ctx;
        struct db_result r;

        TRY(tx_query(tx, &sql_batch_records,
                     PARAMS(p_str(run->lease->job), p_i64(ctx, run->lease->seq)), &r));
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, &run->records, db_text(&r, i, 0));
        TRY(job_fields_load(ctx, tx, run->workspace, run->lease->job, &run->fields));
        wf_init(&run->wf, ctx->arena, make_fields(run), run->fields.len, run->records.len,
                ask_question, run);
        run->wf.now_us = time_wall_us();
        add_cells(run, &r);
        TRY(read_values(run, tx));
        TRY(add_prior(run, tx));
        drop_cells(run);
        return mark_running(run, tx);
}

enum err batch_load(struct run *run)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct ctx *ctx = run->ctx;

        TRY(tx_begin(ctx, run->app->db, &tx));
        TRY(load_job(run, &tx));
        if (run->lost || run->cancelled)
                return tx_commit(&tx);
        enum err e = grid_load(ctx, &tx, run->workspace, run->table_id, &run->table);

        if (e == ERR_NOT_FOUND) {
                ctx_clear(ctx);
                run->gone = true;
                return tx_commit(&tx);
        }
        TRY(e);
        TRY(load_records(run, &tx));
        TRY(tx_commit(&tx));
        return load_credentials(run);
}
