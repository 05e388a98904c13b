/*
 * Settling: one transaction makes results final. Fence, job, accounts, answers, attempts, charges,
 * cells, counters, events: all or nothing. Whatever happens to the process before the commit, the
 * next lease finds nothing of it; whatever happens after, it finds all of it.
 */
#include "features/enrichment/internal.h"

#include <string.h>

#include "enrichment_sql.h"
#include "features/credit/credit.h"
#include "features/record/record.h"
#include "task/task.h"

#define SETTLE_CHUNK 500 /* attempts, and cells, of one transaction */
#define SETTLE_TRIES 6   /* when the database saw a deadlock or another conflict */

struct settle {
        struct run *run;
        struct ctx *ctx; /* the scratch */
        struct tx *tx;
        bool last;
        size_t attempts, done; /* how many of the front are settled */
        int64_t release;       /* held credits given back: with the last of the attempts */
        int64_t affordable;    /* of the job's reservation */
        bool progress_due;
        int64_t spent, complete, not_found, failed;
};

static bool is_charge(const struct wf_attempt *a)
{
        return a->credits > 0 && !a->cached;
}

/* ---- the answers: who stores one first may charge for it ---- */

struct answer_rows {
        struct db_array slugs, hashes, outcomes, outputs, confidences, ttls;
        LIST(struct ask *) asks;
};

static void add_answer(struct settle *s, struct answer_rows *rows, struct ask *ask)
{
        const struct wf_answer *answer = &ask->wf->answer;
        struct buf b;

        buf_init(&b, s->ctx->arena, 4 << 20);
        struct json_out o = {.buf = &b};

        out_object(&o, NULL);
        for (size_t i = 0; i < answer->output_count; i++) {
                out_key_str(&o, answer->outputs[i].key);
                out_raw(&o, NULL, answer->outputs[i].json);
        }
        out_end_object(&o);
        db_array_str(&rows->slugs, ask->lane->answers_slug);
        db_array_str(&rows->hashes, ask->key);
        db_array_str(&rows->outcomes, answer->kind == WF_HIT ? STR("hit") : STR("miss"));
        db_array_str(&rows->outputs, buf_str(&b));
        if (answer->kind == WF_HIT)
                db_array_double(&rows->confidences, answer->confidence);
        else
                db_array_str(&rows->confidences, STR_NULL);
        db_array_i64(&rows->ttls, ask->lane->def->cache_ttl_s);
        ask->storing = ANSWER_LOST;
        LIST_PUSH(s->ctx->arena, &rows->asks, ask);
}

static bool is_new_answer(const struct wf_attempt *a)
{
        if (!a->ask || !a->ask->answered)
                return false;
        const struct ask *ask = a->ask->user;

        return a->ask->answer.kind != WF_FAULT && !a->ask->answer.cached &&
               ask->stored == ANSWER_UNSTORED && ask->lane->route.source != SOURCE_BUILTIN &&
               ask->lane->def->cache_ttl_s > 0;
}

static enum err store_answers(struct settle *s)
{
        struct answer_rows rows = {0};
        struct db_result r;

        db_array_init(s->ctx, &rows.slugs);
        db_array_init(s->ctx, &rows.hashes);
        db_array_init(s->ctx, &rows.outcomes);
        db_array_init(s->ctx, &rows.outputs);
        db_array_init(s->ctx, &rows.confidences);
        db_array_init(s->ctx, &rows.ttls);
        for (size_t i = 0; i < s->attempts; i++) {
                const struct wf_attempt *a = &s->run->wf.attempts.ptr[i];

                if (is_new_answer(a)) {
                        struct ask *ask = a->ask->user;

                        if (ask->storing == ANSWER_UNSTORED)
                                add_answer(s, &rows, ask);
                }
        }
        if (rows.asks.len == 0)
                return OK;
        TRY(tx_query(s->tx, &sql_store_answers,
                     PARAMS(p_str(s->run->workspace), p_array(&rows.slugs), p_array(&rows.hashes),
                            p_array(&rows.outcomes), p_array(&rows.outputs),
                            p_array(&rows.confidences), p_array(&rows.ttls)),
                     &r));
        for (int i = 0; i < r.rows; i++)
                LIST_EACH (ask, &rows.asks)
                        if (str_eq((*ask)->key, db_text(&r, i, 1)) &&
                            str_eq((*ask)->lane->answers_slug, db_text(&r, i, 0)))
                                (*ask)->storing = ANSWER_WON;
        return OK;
}

/* ---- the attempts ---- */

struct attempt_rows {
        struct db_array records, columns, slugs, indexes, fields, outcomes, credits, confidences,
                latencies, calls, cached, started, errors;
};

/* What this attempt costs, now that it is known who was first. */
static int64_t price_of(struct settle *s, const struct wf_attempt *a, bool *ret_cached)
{
        *ret_cached = a->cached;
        if (!is_charge(a))
                return 0;
        const struct ask *ask = a->ask->user;

        if ((ask->storing ? ask->storing : ask->stored) == ANSWER_LOST) {
                *ret_cached = true; /* another batch asked the same at the same time, and paid */
                return 0;
        }
        if (a->credits > s->affordable) /* never beyond the reservation, whatever was estimated */
                return 0;
        s->affordable -= a->credits;
        return a->credits;
}

static void add_attempt(struct settle *s, struct attempt_rows *rows, const struct wf_attempt *a)
{
        struct run *run = s->run;
        const struct job_field *f = &run->fields.ptr[a->cell->field];
        bool cached;
        int64_t credits = price_of(s, a, &cached);

        a->cell->pending += credits;
        db_array_str(&rows->records, run->records.ptr[a->cell->record]);
        db_array_str(&rows->columns, f->column_id);
        db_array_str(&rows->slugs, f->steps.ptr[a->step].slug);
        db_array_i64(&rows->indexes, run->first_index + a->cell->record);
        db_array_str(&rows->fields, f->name);
        db_array_str(&rows->outcomes, str_from(attempt_outcome_name(a->outcome)));
        db_array_i64(&rows->credits, credits);
        if (a->has_confidence)
                db_array_double(&rows->confidences, a->confidence);
        else
                db_array_str(&rows->confidences, STR_NULL);
        db_array_i64(&rows->latencies, MIN_OF(a->latency_ms, INT32_MAX));
        db_array_i64(&rows->calls, a->calls);
        db_array_bool(&rows->cached, cached);
        db_array_i64(&rows->started, a->started_us);
        db_array_str(&rows->errors, a->error);
}

static enum err charge(struct settle *s, const struct db_result *made)
{
        LIST(struct credit_spend) list = {0};

        for (int i = 0; i < made->rows; i++) {
                struct credit_spend spend = {
                        .amount = db_i64(made, i, 3),
                        .key = str_printf(s->ctx->arena, "%.*s:%.*s:%.*s:%.*s",
                                          FMT(s->run->lease->job), FMT(db_text(made, i, 0)),
                                          FMT(db_text(made, i, 1)), FMT(db_text(made, i, 2))),
                        .job = s->run->lease->job,
                };

                LIST_PUSH(s->ctx->arena, &list, spend);
        }
        return credit_spend_bulk(s->ctx, s->tx, s->run->workspace, list.ptr, list.len, &s->spent);
}

static enum err write_attempts(struct settle *s)
{
        struct attempt_rows rows = {0};
        struct db_array *all[] = {&rows.records,   &rows.columns,  &rows.slugs,   &rows.indexes,
                                  &rows.fields,    &rows.outcomes, &rows.credits, &rows.confidences,
                                  &rows.latencies, &rows.calls,    &rows.cached,  &rows.started,
                                  &rows.errors};
        struct db_result r;

        if (s->attempts == 0)
                return OK;
        for (size_t i = 0; i < ELEMENTS(all); i++)
                db_array_init(s->ctx, all[i]);
        for (size_t i = 0; i < s->attempts; i++)
                add_attempt(s, &rows, &s->run->wf.attempts.ptr[i]);
        TRY(tx_query(s->tx, &sql_insert_attempts,
                     PARAMS(p_str(s->run->lease->job), p_array(&rows.records),
                            p_array(&rows.columns), p_array(&rows.slugs), p_array(&rows.indexes),
                            p_array(&rows.fields), p_array(&rows.outcomes), p_array(&rows.credits),
                            p_array(&rows.confidences), p_array(&rows.latencies),
                            p_array(&rows.calls), p_array(&rows.cached), p_array(&rows.started),
                            p_array(&rows.errors)),
                     &r));
        return charge(s, &r);
}

/* ---- the cells ---- */

static void add_cell(struct settle *s, grid_settle_list *list, const struct wf_cell *cell)
{
        struct run *run = s->run;
        const struct job_field *f = &run->fields.ptr[cell->field];
        struct grid_settle *g = LIST_ADD(s->ctx->arena, list);

        *g = (struct grid_settle){
                .record_id = run->records.ptr[cell->record],
                .column_id = f->column_id,
                .confidence = -1,
                .cost_credits = cell->cost + cell->pending,
                .job_id = run->lease->job,
        };
        if (cell->end == WF_COMPLETE) {
                g->status = "complete";
                g->provider = f->steps.ptr[cell->step].slug;
                g->confidence = cell->confidence;
                s->complete++;
        } else if (cell->end == WF_NOT_FOUND) {
                g->status = "not_found";
                s->not_found++;
        } else {
                g->status = "failed";
                g->error = cell->fault;
                s->failed++;
        }
}

/* Each record once. */
static void add_id(struct settle *s, bool *seen, str_list *ids, size_t record)
{
        if (seen[record])
                return;
        seen[record] = true;
        LIST_PUSH(s->ctx->arena, ids, s->run->records.ptr[record]);
}

static enum err write_cells(struct settle *s)
{
        struct run *run = s->run;
        bool *seen = arena_alloc_array(s->ctx->arena, run->records.len + 1, sizeof *seen);
        grid_settle_list cells = {0};
        str_list ids = {0}, restored = {0};

        for (size_t i = 0; i < s->done; i++) {
                const struct wf_cell *cell = run->wf.done.ptr[i].cell;

                add_cell(s, &cells, cell);
                if (cell->end == WF_COMPLETE)
                        TRY(json_parse(s->ctx, cell->value, &cells.ptr[i].value));
                add_id(s, seen, &ids, cell->record);
        }
        if (cells.len)
                TRY(grid_cells_settle(s->ctx, s->tx, &run->table, &cells));
        if (s->last && run->mark_cells && run->records.len) {
                TRY(grid_cells_restore(s->ctx, s->tx, &run->table, run->lease->job, &run->records,
                                       &restored));
                LIST_EACH (id, &restored)
                        LIST_PUSH(s->ctx->arena, &ids, *id);
        }
        return ids.len ? record_publish(s->ctx, s->tx, &run->table, &ids) : OK;
}

/* ---- the transaction ---- */

static enum err lock_rows(struct settle *s)
{
        struct run *run = s->run;
        struct db_param job = p_str(run->lease->job);
        struct credit_balance balance;
        struct db_result r;

        TRY(tx_query(s->tx, &sql_fence,
                     PARAMS(job, p_i64(s->ctx, run->lease->seq), p_str(run->lease->token)), &r));
        if (r.rows == 0) {
                run->lost = true;
                return OK;
        }
        TRY(tx_query(s->tx, &sql_job_lock, PARAMS(job), &r));
        if (r.rows == 0)
                return fail(s->ctx, ERR_INTERNAL, "a batch has no job");
        run->cancelled |= db_bool(&r, 0, 3);
        s->affordable = db_i64(&r, 0, 6);
        s->progress_due = db_bool(&r, 0, 7);
        for (size_t i = 0; i < s->attempts; i++)
                if (is_charge(&run->wf.attempts.ptr[i])) /* before the answers are locked */
                        return credit_lock(s->ctx, s->tx, run->workspace, &balance);
        return OK;
}

static enum err write_counts(struct settle *s)
{
        struct run *run = s->run;
        struct ctx *ctx = s->ctx;
        struct db_param job = p_str(run->lease->job);
        bool finished = false;

        TRY(tx_exec(s->tx, &sql_job_count,
                    PARAMS(job, p_i64(ctx, s->complete), p_i64(ctx, s->not_found),
                           p_i64(ctx, s->failed), p_i64(ctx, s->spent), p_bool(run->budget_reached),
                           p_bool(s->progress_due)),
                    NULL));
        TRY(tx_exec(s->tx, &sql_batch_count,
                    PARAMS(job, p_i64(ctx, run->lease->seq), p_i64(ctx, s->release),
                           p_bool(s->last), p_i64(ctx, BATCH_LEASE_S)),
                    NULL));
        if (s->last)
                TRY(job_finish(ctx, s->tx, run->lease->job, &finished));
        if (!finished && s->progress_due)
                TRY(job_publish_progress(ctx, s->tx, run->lease->job));
        return OK;
}

static enum err settle_in_tx(struct settle *s)
{
        struct run *run = s->run;

        for (size_t i = 0; i < s->attempts; i++) {
                const struct wf_attempt *a = &run->wf.attempts.ptr[i];

                a->cell->pending = 0;
                if (a->ask)
                        ((struct ask *)a->ask->user)->storing = ANSWER_UNSTORED;
        }
        TRY(lock_rows(s));
        if (run->lost)
                return OK;
        TRY(store_answers(s));
        TRY(write_attempts(s));
        TRY(write_cells(s));
        return write_counts(s);
}

/* The commit's outcome is unknown when it fails: then the batch is given up and read again. */
static enum err settle_once(struct settle *s, bool *ret_again)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct settle fresh = *s;

        fresh.tx = &tx;
        *ret_again = false;
        TRY(tx_begin(s->ctx, s->run->app->db, &tx));
        enum err e = settle_in_tx(&fresh);

        if (e != OK) {
                *ret_again = e == ERR_CONFLICT;
                return e;
        }
        if (s->run->lost)
                return OK;
        return tx_commit(&tx);
}

/* After the commit. */
static void settled(struct settle *s)
{
        struct run *run = s->run;

        for (size_t i = 0; i < s->attempts; i++) {
                const struct wf_attempt *a = &run->wf.attempts.ptr[i];
                struct ask *ask = a->ask ? a->ask->user : NULL;

                a->cell->cost += a->cell->pending;
                a->cell->pending = 0;
                if (ask && ask->storing != ANSWER_UNSTORED) {
                        ask->stored = ask->storing;
                        ask->storing = ANSWER_UNSTORED;
                }
        }
        wf_taken(&run->wf, s->attempts, s->done);
        if (s->release > 0)
                run->hopeless_price = 0;
        run->release -= s->release;
        run->claim_again_ns = 0;
        run->beat_ns = time_mono_ns();
}

static enum err settle_chunk(struct run *run, bool last)
{
        struct waterfall *wf = &run->wf;
        struct settle s = {.run = run, .ctx = &run->scratch};
        bool again = true;
        enum err e = OK;

        s.attempts = MIN_OF(wf->attempts.len, (size_t)SETTLE_CHUNK);
        s.release = s.attempts == wf->attempts.len ? run->release : 0;
        s.done = MIN_OF(wf_done_with(wf, s.attempts), (size_t)SETTLE_CHUNK);
        s.last = last && s.attempts == wf->attempts.len && s.done == wf->done.len;
        for (int i = 0; i < SETTLE_TRIES && again; i++) {
                ctx_clear(s.ctx);
                if (i)
                        TRY(task_sleep(s.ctx, i * 10 * NS_PER_MS));
                e = settle_once(&s, &again);
        }
        TRY(e);
        if (!run->lost)
                settled(&s);
        return OK;
}

enum err batch_settle(struct run *run, bool last)
{
        struct waterfall *wf = &run->wf;

        do
                TRY(settle_chunk(run, last));
        while (!run->lost && (wf->attempts.len || wf->done.len));
        run->settle_due_ns = 0;
        return OK;
}

enum err batch_beat(struct run *run)
{
        struct db_result r;

        TRY(db_query(&run->scratch, run->app->db, &sql_beat,
                     PARAMS(p_str(run->lease->job), p_i64(&run->scratch, run->lease->seq),
                            p_str(run->lease->token), p_i64(&run->scratch, BATCH_LEASE_S)),
                     &r));
        if (r.rows == 0)
                run->lost = true;
        else
                run->cancelled |= db_bool(&r, 0, 0);
        run->beat_ns = time_mono_ns();
        return OK;
}

enum err batch_claim(struct run *run, int64_t price, int64_t want, bool *ret_others)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct ctx *ctx = &run->scratch;
        struct db_param job = p_str(run->lease->job), seq = p_i64(ctx, run->lease->seq);
        struct db_result r;

        TRY(tx_begin(ctx, run->app->db, &tx));
        TRY(tx_query(&tx, &sql_fence, PARAMS(job, seq, p_str(run->lease->token)), &r));
        if (r.rows == 0) {
                run->lost = true;
                return OK;
        }
        TRY(tx_query(&tx, &sql_job_lock, PARAMS(job), &r));
        int64_t left = db_i64(&r, 0, 6) + run->budget_left;

        TRY(tx_query(&tx, &sql_held, PARAMS(job, seq), &r));
        left -= db_i64(&r, 0, 0);
        int64_t got = left < price ? 0 : MIN_OF(MAX_OF(want, price), left);

        TRY(tx_exec(&tx, &sql_claim, PARAMS(job, seq, p_i64(ctx, got - run->budget_left)), NULL));
        TRY(tx_commit(&tx));
        run->budget_left = got;
        *ret_others = db_i64(&r, 0, 1) > 0;
        return OK;
}
