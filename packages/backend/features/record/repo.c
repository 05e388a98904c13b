/* Reading and changing rows of a table. See repo.h. */
#include "features/record/repo.h"

#include "record_sql.h"

static void select_row(struct buf *sql, const struct grid_table *t)
{
        buf_add(sql, STR("t.id, t.position, t.version, t.created_at, t.updated_at"));
        LIST_EACH (c, &t->columns) {
                buf_add(sql, STR(", "));
                grid_out_expr(sql, c);
        }
}

/* What is known of the cells of the rows read. */
static enum err read_cells(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           struct record_rows *ret)
{
        struct grid_sql q;
        struct db_array ids;

        db_array_init(ctx, &ids);
        for (int i = 0; i < ret->rows.rows; i++)
                db_array_str(&ids, db_text(&ret->rows, i, 0));
        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "SELECT p.record_id, p.column_id, p.status, p.provider, p.source, p.confidence, "
                   "p.cost_credits, p.job_id, p.updated_at, p.error, p.raw_text FROM %s p WHERE "
                   "p.record_id = ANY (",
                   t->cells);
        grid_sql_param(ctx, &q, p_array(&ids));
        buf_add(&q.sql, STR("::uuid[]) ORDER BY p.record_id, p.column_id"));
        return grid_sql_run(ctx, tx, &q, &ret->cells);
}

enum err repo_record_page(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const struct record_query *query, struct record_rows *ret)
{
        struct grid_sql q;

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT "));
        select_row(&q.sql, t);
        grid_sort_select(&q.sql, &query->sort);
        buf_printf(&q.sql, " FROM %s t WHERE ", t->rows);
        TRY(grid_filter_sql(ctx, t, query->filter, "/query/filter", &q));
        if (query->after) {
                buf_add(&q.sql, STR(" AND "));
                grid_cursor_sql(ctx, &query->sort, query->after, &q);
        }
        if (query->from) {
                buf_add(&q.sql, STR(" AND t.position >= "));
                grid_sql_param(ctx, &q, p_i64(ctx, query->from));
        }
        buf_add(&q.sql, STR(" ORDER BY "));
        grid_sort_order(&q.sql, &query->sort);
        buf_add(&q.sql, STR(" LIMIT "));
        grid_sql_param(ctx, &q, p_i64(ctx, query->limit));
        TRY(grid_sql_run(ctx, tx, &q, &ret->rows));
        return read_cells(ctx, tx, t, ret);
}

enum err repo_record_read(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const str_list *ids, struct record_rows *ret)
{
        struct grid_sql q;

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT "));
        select_row(&q.sql, t);
        buf_add(&q.sql, STR(" FROM unnest("));
        grid_sql_param(ctx, &q, p_array_of(ctx, ids));
        buf_printf(&q.sql,
                   "::uuid[]) WITH ORDINALITY AS i (id, n) JOIN %s t ON t.id = i.id ORDER BY i.n",
                   t->rows);
        TRY(grid_sql_run(ctx, tx, &q, &ret->rows));
        return read_cells(ctx, tx, t, ret);
}

/* "Plan Rows" of EXPLAIN's JSON. */
static enum err estimate(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                         const struct json *filter, int64_t *ret)
{
        struct grid_sql q;
        struct db_result r;
        const struct json *plan;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "EXPLAIN (FORMAT JSON) SELECT FROM %s t WHERE ", t->rows);
        TRY(grid_filter_sql(ctx, t, filter, "/query/filter", &q));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        TRY(json_parse(ctx, db_text(&r, 0, 0), &plan));
        *ret = json_get_i64(json_pointer(plan, STR("/0/Plan/Plan Rows")), 0);
        return OK;
}

enum err repo_record_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           const struct json *filter, int64_t exact, int64_t *ret,
                           bool *ret_estimate)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "SELECT count(*) FROM (SELECT FROM %s t WHERE ", t->rows);
        TRY(grid_filter_sql(ctx, t, filter, "/query/filter", &q));
        buf_add(&q.sql, STR(" LIMIT "));
        grid_sql_param(ctx, &q, p_i64(ctx, exact + 1));
        buf_add(&q.sql, STR(") AS found"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        *ret = db_i64(&r, 0, 0);
        *ret_estimate = *ret > exact;
        if (!*ret_estimate)
                return OK;
        int64_t guess;

        TRY(estimate(ctx, tx, t, filter, &guess));
        *ret = MAX_OF(exact + 1, MIN_OF(guess, t->row_count));
        return OK;
}

enum err repo_record_insert(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                            int64_t position, const struct str *values, size_t rows,
                            struct record_rows *ret)
{
        size_t columns = t->columns.len;
        struct grid_sql q;
        struct db_array a;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "INSERT INTO %s AS t (position", t->rows);
        LIST_EACH (c, &t->columns)
                buf_printf(&q.sql, ", %s", c->ident);
        buf_add(&q.sql, STR(") SELECT v.position"));
        for (size_t c = 0; c < columns; c++)
                buf_printf(&q.sql, ", v.v%zu", c);
        buf_add(&q.sql, STR(" FROM unnest("));
        db_array_init(ctx, &a);
        for (size_t i = 0; i < rows; i++)
                db_array_i64(&a, position + (int64_t)i);
        grid_sql_param(ctx, &q, p_array(&a));
        buf_add(&q.sql, STR("::bigint[]"));
        for (size_t c = 0; c < columns; c++) {
                db_array_init(ctx, &a);
                for (size_t i = 0; i < rows; i++)
                        db_array_str(&a, values[i * columns + c]);
                buf_add(&q.sql, STR(", "));
                grid_sql_param(ctx, &q, p_array(&a));
                buf_printf(&q.sql, "::%s[]", grid_type_sql(t->columns.ptr[c].type));
        }
        buf_add(&q.sql, STR(") AS v (position"));
        for (size_t c = 0; c < columns; c++)
                buf_printf(&q.sql, ", v%zu", c);
        buf_add(&q.sql, STR(") ORDER BY v.position RETURNING "));
        select_row(&q.sql, t);
        TRY(grid_sql_run(ctx, tx, &q, &ret->rows));
        return read_cells(ctx, tx, t, ret);
}

enum err repo_record_typed(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           const struct grid_write *writes, size_t count)
{
        struct grid_sql q;
        struct db_result r;
        struct db_array records, columns;

        db_array_init(ctx, &records);
        db_array_init(ctx, &columns);
        for (size_t i = 0; i < count; i++) {
                db_array_str(&records, writes[i].record_id);
                db_array_str(&columns, writes[i].column->id);
        }
        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "UPDATE %s p SET status = 'manual', prev_status = NULL, prev_job_id = NULL, "
                   "provider = NULL, source = NULL, confidence = NULL, cost_credits = NULL, "
                   "raw_text = NULL, error = NULL, updated_at = now() FROM unnest(",
                   t->cells);
        grid_sql_param(ctx, &q, p_array(&records));
        buf_add(&q.sql, STR("::uuid[], "));
        grid_sql_param(ctx, &q, p_array(&columns));
        buf_add(&q.sql, STR("::uuid[]) AS e (record_id, column_id) WHERE p.record_id = e.record_id "
                            "AND p.column_id = e.column_id"));
        return grid_sql_run(ctx, tx, &q, &r);
}

enum err repo_record_delete(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                            const str_list *ids, str_list *ret_deleted)
{
        struct grid_sql q;
        struct db_result r;

        TRY(grid_lock_rows(ctx, tx, t, ids, &r));
        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "DELETE FROM %s t WHERE t.id = ANY (", t->rows);
        grid_sql_param(ctx, &q, p_array_of(ctx, ids));
        buf_add(&q.sql, STR("::uuid[]) RETURNING t.id"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        *ret_deleted = (str_list){0};
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, ret_deleted, db_text(&r, i, 0));
        return OK;
}

enum err repo_record_attempts(struct ctx *ctx, struct tx *tx, struct str record_id,
                              const struct db_result *cells, struct db_result *ret)
{
        struct db_array columns, jobs;

        db_array_init(ctx, &columns);
        db_array_init(ctx, &jobs);
        for (int i = 0; i < cells->rows; i++) {
                if (db_is_null(cells, i, CELL_JOB))
                        continue;
                db_array_str(&columns, db_text(cells, i, CELL_COLUMN));
                db_array_str(&jobs, db_text(cells, i, CELL_JOB));
        }
        return tx_query(tx, &sql_attempts,
                        PARAMS(p_str(record_id), p_array(&columns), p_array(&jobs)), ret);
}
