/*
 * Which cells a job is about: SQL over the user's table, composed from column ids. Counting and
 * writing batches share one selection, so an estimate and its job agree.
 */
#include "features/job/internal.h"

#include "job_sql.h"

static const struct json *one_condition(struct ctx *ctx, struct str column, const char *op)
{
        struct json *filter = json_new_object(ctx->arena), *all = json_new_array(ctx->arena);
        struct json *node = json_new_object(ctx->arena);

        json_put(node, STR("column"), json_from_str(ctx->arena, column));
        json_put(node, STR("op"), json_from_str(ctx->arena, str_from(op)));
        json_push(all, node);
        json_put(filter, STR("and"), all);
        return filter;
}

/* The condition under which the cell of this field belongs to the job. */
static enum err add_cell_condition(struct ctx *ctx, const struct grid_table *t,
                                   const struct job_scope *scope, const struct job_field *f,
                                   struct grid_sql *q)
{
        if (scope->failed_of.ptr) {
                buf_printf(&q->sql,
                           "EXISTS (SELECT FROM %s f WHERE f.record_id = t.id AND f.status = "
                           "'failed' AND f.column_id = ",
                           t->cells);
                grid_sql_param(ctx, q, p_str(f->column_id));
                buf_add(&q->sql, STR("::uuid AND f.job_id = "));
                grid_sql_param(ctx, q, p_str(scope->failed_of));
                buf_add(&q->sql, STR("::uuid)"));
                return OK;
        }
        if (!f->only_if_empty) {
                buf_add(&q->sql, STR("true"));
                return OK;
        }
        return grid_filter_sql(ctx, t, one_condition(ctx, f->column_id, "isEmpty"), "/fields", q);
}

/* "FROM rows t, LATERAL (… AS mask) m WHERE …": the records with at least one cell to fill. */
static enum err add_selection(struct ctx *ctx, const struct grid_table *t,
                              const struct job_scope *scope, const job_field_list *fields,
                              struct grid_sql *q)
{
        buf_printf(&q->sql, " FROM %s t, LATERAL (SELECT 0", t->rows);
        LIST_EACH (f, fields) {
                buf_add(&q->sql, STR(" | CASE WHEN "));
                TRY(add_cell_condition(ctx, t, scope, f, q));
                buf_printf(&q->sql, " THEN %d ELSE 0 END", 1 << f->ordinal);
        }
        buf_add(&q->sql, STR(" AS mask) m WHERE m.mask <> 0"));
        if (scope->request && scope->request->has_record_ids) {
                buf_add(&q->sql, STR(" AND t.id = ANY("));
                grid_sql_param(ctx, q, p_array_of(ctx, &scope->request->record_ids));
                buf_add(&q->sql, STR("::uuid[])"));
        }
        if (scope->request && scope->request->filter) {
                buf_add(&q->sql, STR(" AND "));
                TRY(grid_filter_sql(ctx, t, scope->request->filter, "/filter", q));
        }
        return OK;
}

static void take_groups(struct ctx *ctx, const struct db_result *r, plan_group_list *ret)
{
        for (int i = 0; i < r->rows; i++) {
                struct plan_group g = {(uint32_t)db_i64(r, i, 0), db_i64(r, i, 1)};

                LIST_PUSH(ctx->arena, ret, g);
        }
}

enum err job_scope_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                         const struct job_scope *scope, const job_field_list *fields,
                         plan_group_list *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT m.mask, count(*)"));
        TRY(add_selection(ctx, t, scope, fields, &q));
        buf_add(&q.sql, STR(" GROUP BY m.mask"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        take_groups(ctx, &r, ret);
        return OK;
}

enum err job_scope_batches(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           const struct job_scope *scope, const job_field_list *fields,
                           struct str job, plan_group_list *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("INSERT INTO job_batches (job_id, seq, first_index, record_ids, masks) "
                            "SELECT "));
        grid_sql_param(ctx, &q, p_str(job));
        buf_printf(&q.sql,
                   "::uuid, ((n - 1) / %d)::integer, (min(n) - 1)::integer, "
                   "array_agg(id ORDER BY n), array_agg(mask ORDER BY n) "
                   "FROM (SELECT t.id, m.mask, row_number() OVER (ORDER BY t.position) AS n",
                   JOB_BATCH_RECORDS);
        TRY(add_selection(ctx, t, scope, fields, &q));
        buf_printf(&q.sql, ") s GROUP BY (n - 1) / %d", JOB_BATCH_RECORDS);
        TRY(grid_sql_run(ctx, tx, &q, &r));
        TRY(tx_query(tx, &sql_masks, PARAMS(p_str(job)), &r));
        take_groups(ctx, &r, ret);
        return OK;
}

enum err job_scope_filled(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const struct job_scope *scope, const job_field_list *fields,
                          const str_list *columns, double *ret)
{
        struct grid_sql q;
        struct db_result r;

        if (columns->len == 0)
                return OK;
        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT "));
        for (size_t i = 0; i < columns->len; i++) {
                if (i)
                        buf_add(&q.sql, STR(", "));
                buf_add(&q.sql, STR("avg(CASE WHEN "));
                TRY(grid_filter_sql(ctx, t, one_condition(ctx, columns->ptr[i], "isNotEmpty"),
                                    "/fields", &q));
                buf_add(&q.sql, STR(" THEN 1.0 ELSE 0.0 END)"));
        }
        TRY(add_selection(ctx, t, scope, fields, &q));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        for (size_t i = 0; i < columns->len; i++)
                ret[i] = db_double(&r, 0, (int)i);
        return OK;
}
