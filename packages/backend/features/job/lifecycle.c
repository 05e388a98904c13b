/* Reading, stopping and finishing jobs, and what is told about them. See job.h. */
#include "features/job/internal.h"

#include "features/credit/credit.h"
#include "features/event/event.h"
#include "features/record/record.h"
#include "job_sql.h"

static const struct desc_field row_fields[] = {
        DESC_F(job, id, "id", DESC_UUID),
        DESC_F(job, workspace_id, "workspaceId", DESC_UUID),
        DESC_F(job, table_id, "tableId", DESC_UUID),
        DESC_F(job, status, "status", DESC_STR),
        DESC_F(job, engine, "engine", DESC_STR),
        DESC_F(job, retry_of, "retryOf", DESC_UUID),
        DESC_F(job, error, "error", DESC_STR),
        DESC_F(job, cells, "cells", DESC_I64),
        DESC_F(job, complete, "complete", DESC_I64),
        DESC_F(job, not_found, "notFound", DESC_I64),
        DESC_F(job, failed, "failed", DESC_I64),
        DESC_F(job, skipped, "skipped", DESC_I64),
        DESC_F(job, reserved, "reserved", DESC_I64),
        DESC_F(job, spent, "spent", DESC_I64),
        DESC_F(job, refunded, "refunded", DESC_I64),
        DESC_F(job, budget, "budget", DESC_I64, DESC_HAS(job, has_budget)),
        DESC_F(job, budget_reached, "budgetReached", DESC_BOOL),
        DESC_F(job, created_by, "createdBy", DESC_UUID),
        DESC_F(job, created_at, "createdAt", DESC_TIME),
        DESC_F(job, started_at, "startedAt", DESC_TIME),
        DESC_F(job, finished_at, "finishedAt", DESC_TIME),
        DESC_F(job, cancel_requested_at, "cancelRequestedAt", DESC_TIME),
        DESC_F(job, cursor_at, "cursorAt", DESC_STR),
        {0},
};
const struct desc job_row_desc = DESC("JobRow", job, row_fields);

void job_write(struct json_out *o, const char *key, const struct job *j)
{
        out_object(o, key);
        out_str(o, "id", j->id);
        out_str(o, "tableId", j->table_id);
        out_str(o, "status", j->status);
        out_str(o, "engine", j->engine);
        out_str(o, "retryOf", j->retry_of);
        out_object(o, "totals");
        out_i64(o, "cells", j->cells);
        out_i64(o, "complete", j->complete);
        out_i64(o, "notFound", j->not_found);
        out_i64(o, "failed", j->failed);
        out_i64(o, "skipped", j->skipped);
        out_end_object(o);
        out_object(o, "credits");
        out_i64(o, "reserved", j->reserved);
        out_i64(o, "spent", j->spent);
        out_i64(o, "refunded", j->refunded);
        out_end_object(o);
        if (j->has_budget)
                out_i64(o, "budget", j->budget);
        else
                out_null(o, "budget");
        out_bool(o, "budgetReached", j->budget_reached);
        out_bool(o, "cancelRequested", j->cancel_requested_at.ptr != NULL);
        out_str(o, "error", j->error);
        out_str(o, "createdBy", j->created_by);
        out_str(o, "createdAt", j->created_at);
        out_str(o, "startedAt", j->started_at);
        out_str(o, "finishedAt", j->finished_at);
        out_end_object(o);
}

static enum err take_row(struct ctx *ctx, const struct db_result *r, struct job *ret)
{
        struct job job = {0};

        if (r->rows == 0)
                return fail_not_found(ctx, "job");
        desc_from_row(ctx, &job_row_desc, r, 0, &job);
        *ret = job;
        return OK;
}

enum err job_row(struct ctx *ctx, struct tx *tx, struct str job, struct job *ret)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_get, PARAMS(p_str(job)), &r));
        return take_row(ctx, &r, ret);
}

enum err job_get(struct ctx *ctx, struct str workspace, struct str job, struct job *ret)
{
        struct db_result r;
        struct job found;

        TRY(db_query(ctx, ctx->app->db, &sql_get, PARAMS(p_str(job)), &r));
        TRY(take_row(ctx, &r, &found));
        if (!str_eq(found.workspace_id, workspace))
                return fail_not_found(ctx, "job");
        *ret = found;
        return OK;
}

enum err job_list_page(struct ctx *ctx, struct str workspace, struct str table, struct str after_at,
                       struct str after_id, int64_t limit, job_list *ret)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_list,
                     PARAMS(p_str(workspace), p_str(table), p_str(after_at), p_str(after_id),
                            p_i64(ctx, limit)),
                     &r));
        desc_from_rows(ctx, &job_row_desc, &r, ret);
        return OK;
}

/* ---- what is told ---- */

static enum err publish(struct ctx *ctx, struct tx *tx, struct str job, const char *type)
{
        struct job row;
        struct buf b;

        TRY(job_row(ctx, tx, job, &row));
        buf_init(&b, ctx->arena, 64 << 10);
        struct json_out o = {.buf = &b};

        job_write(&o, NULL, &row);
        return event_publish(ctx, tx, row.table_id, type, buf_str(&b));
}

enum err job_publish_progress(struct ctx *ctx, struct tx *tx, struct str job)
{
        return publish(ctx, tx, job, EVENT_JOB_PROGRESS);
}

/* ---- the end ---- */

struct ending {
        struct str workspace, table_id;
        bool cancelled, budget_reached, has_error;
        int64_t left, refund, complete, not_found, failed;
};

static const char *final_status(const struct ending *e)
{
        if (e->cancelled && e->left > 0)
                return e->has_error ? "failed" : "cancelled";
        if (e->failed > 0 && e->complete + e->not_found == 0)
                return "failed";
        if (e->failed > 0 || e->budget_reached)
                return "partially_completed";
        return "completed";
}

/* Cells that are still marked go back to what they were, unless the table is gone. */
static enum err restore_cells(struct ctx *ctx, struct tx *tx, const struct ending *e,
                              struct str job)
{
        struct grid_table table;
        str_list ids = {0};

        if (e->left == 0)
                return OK;
        enum err found = grid_load(ctx, tx, e->workspace, e->table_id, &table);

        if (found == ERR_NOT_FOUND) {
                ctx_clear(ctx);
                return OK;
        }
        TRY(found);
        TRY(grid_cells_restore(ctx, tx, &table, job, NULL, &ids));
        return ids.len ? record_publish(ctx, tx, &table, &ids) : OK;
}

enum err job_finish(struct ctx *ctx, struct tx *tx, struct str job, bool *ret_finished)
{
        struct str key = str_printf(ctx->arena, "%.*s:refund", FMT(job));
        struct db_result r;

        *ret_finished = false;
        TRY(tx_query(tx, &sql_lock, PARAMS(p_str(job)), &r));
        if (r.rows == 0 ||
            !(str_eq_c(db_text(&r, 0, 0), "queued") || str_eq_c(db_text(&r, 0, 0), "running")))
                return OK;
        struct ending e = {
                .workspace = db_text(&r, 0, 1),
                .table_id = db_text(&r, 0, 2),
                .cancelled = db_bool(&r, 0, 3),
                .left = db_i64(&r, 0, 4),
                .refund = db_i64(&r, 0, 5),
                .complete = db_i64(&r, 0, 6),
                .not_found = db_i64(&r, 0, 7),
                .failed = db_i64(&r, 0, 8),
                .budget_reached = db_bool(&r, 0, 9),
                .has_error = !db_is_null(&r, 0, 10),
        };

        TRY(tx_query(tx, &sql_open_batches, PARAMS(p_str(job)), &r));
        if (db_i64(&r, 0, 0) > 0)
                return OK;
        TRY(credit_refund(ctx, tx, e.workspace, e.refund, key, job));
        TRY(tx_exec(
                tx, &sql_finish,
                PARAMS(p_str(job), p_c(final_status(&e)), p_i64(ctx, e.left), p_i64(ctx, e.refund)),
                NULL));
        TRY(restore_cells(ctx, tx, &e, job));
        TRY(publish(ctx, tx, job, EVENT_JOB_FINISHED));
        *ret_finished = true;
        return OK;
}

static enum err ask_end(struct ctx *ctx, struct tx *tx, struct str job, const char *why)
{
        struct str payload = str_printf(ctx->arena, "cancel:%.*s", FMT(job));
        bool finished;

        TRY(tx_exec(tx, &sql_close_queued_batches, PARAMS(p_str(job)), NULL));
        TRY(tx_exec(tx, &sql_ask_cancel, PARAMS(p_str(job), p_c(why)), NULL));
        TRY(job_finish(ctx, tx, job, &finished));
        return tx_exec(tx, &sql_notify, PARAMS(p_c(JOB_CHANNEL), p_str(payload)), NULL);
}

enum err job_abandon(struct ctx *ctx, struct tx *tx, struct str job, const char *why)
{
        return ask_end(ctx, tx, job, why);
}

enum err job_cancel(struct ctx *ctx, struct str workspace, struct str job, struct job *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct job row;

        TRY(job_get(ctx, workspace, job, &row));
        if (row.finished_at.ptr)
                return fail(ctx, ERR_CONFLICT, "the job has finished");
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(ask_end(ctx, &tx, row.id, NULL));
        TRY(audit_write(ctx, &tx, workspace, "job.cancelled", "job", row.id, STR_NULL));
        TRY(job_row(ctx, &tx, row.id, ret));
        return tx_commit(&tx);
}
