/* Reading and claiming many cells at once, and scanning a table for export. See grid.h. */
#include <stdio.h>
#include <stdlib.h>
#include "features/table/internal.h"

enum err grid_select_ids(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                         const struct json *filter, int64_t after_position, int64_t limit,
                         struct grid_ids *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "SELECT t.id, t.position FROM %s t WHERE t.position > ", t->rows);
        grid_sql_param(ctx, &q, p_i64(ctx, after_position));
        buf_add(&q.sql, STR(" AND "));
        TRY(grid_filter_sql(ctx, t, filter, "/filter", &q));
        buf_add(&q.sql, STR(" ORDER BY t.position LIMIT "));
        grid_sql_param(ctx, &q, p_i64(ctx, limit));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        ret->ids = (str_list){0};
        for (int i = 0; i < r.rows; i++) {
                LIST_PUSH(ctx->arena, &ret->ids, db_text(&r, i, 0));
                ret->last_position = db_i64(&r, i, 1);
        }
        return OK;
}

enum err grid_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                    const struct json *filter, int64_t *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "SELECT count(*) FROM %s t WHERE ", t->rows);
        TRY(grid_filter_sql(ctx, t, filter, "/filter", &q));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        *ret = db_i64(&r, 0, 0);
        return OK;
}

/* Raw texts over the values read; n is the record's place among those asked for. */
static enum err read_raw(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                         const str_list *record_ids, const str_list *column_ids,
                         struct grid_values *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT i.n, p.column_id, p.raw_text FROM unnest("));
        grid_sql_param(ctx, &q, p_array_of(ctx, record_ids));
        buf_printf(&q.sql,
                   "::uuid[]) WITH ORDINALITY AS i (id, n) JOIN %s p ON p.record_id = i.id WHERE "
                   "p.raw_text IS NOT NULL AND p.column_id = ANY (",
                   t->cells);
        grid_sql_param(ctx, &q, p_array_of(ctx, column_ids));
        buf_add(&q.sql, STR("::uuid[])"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        for (int i = 0; i < r.rows; i++) {
                size_t row = (size_t)db_i64(&r, i, 0) - 1;

                for (size_t c = 0; c < column_ids->len; c++)
                        if (str_eq_nocase(column_ids->ptr[c], db_text(&r, i, 1)))
                                ret->cells[row * ret->columns + c] = (struct grid_cell_text){
                                        .text = db_text(&r, i, 2), .raw = true};
        }
        return OK;
}

enum err grid_read_values(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const str_list *record_ids, const str_list *column_ids,
                          struct grid_values *ret)
{
        struct grid_sql q;
        struct db_result r;
        const struct grid_column **columns =
                arena_alloc_array(ctx->arena, column_ids->len + 1, sizeof *columns);

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("SELECT t.id"));
        for (size_t c = 0; c < column_ids->len; c++) {
                columns[c] = grid_column_find(t, column_ids->ptr[c]);
                if (!columns[c])
                        return fail(ctx, ERR_CONFLICT, "a column of the table is gone");
                buf_add(&q.sql, STR(", "));
                grid_out_expr(&q.sql, columns[c]);
        }
        buf_add(&q.sql, STR(" FROM unnest("));
        grid_sql_param(ctx, &q, p_array_of(ctx, record_ids));
        buf_printf(&q.sql,
                   "::uuid[]) WITH ORDINALITY AS i (id, n) LEFT JOIN %s t ON t.id = i.id ORDER BY "
                   "i.n",
                   t->rows);
        TRY(grid_sql_run(ctx, tx, &q, &r));
        struct grid_values v = {.rows = record_ids->len, .columns = column_ids->len};

        v.exists = arena_alloc_array(ctx->arena, v.rows + 1, sizeof *v.exists);
        v.cells = arena_alloc_array(ctx->arena, v.rows * v.columns + 1, sizeof *v.cells);
        for (int i = 0; i < r.rows; i++) {
                v.exists[i] = !db_is_null(&r, i, 0);
                for (size_t c = 0; c < v.columns; c++)
                        v.cells[(size_t)i * v.columns + c].text = grid_to_text(
                                ctx->arena, columns[c]->type, db_text(&r, i, (int)c + 1));
        }
        TRY(read_raw(ctx, tx, t, record_ids, column_ids, &v));
        *ret = v;
        return OK;
}

/* ---- claiming ---- */

enum err grid_cells_status(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           struct str column_id, const str_list *record_ids, const char *status,
                           struct str job_id)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "INSERT INTO %s AS p (record_id, column_id, status, job_id) SELECT t.id, ",
                   t->cells);
        grid_sql_param(ctx, &q, p_str(column_id));
        buf_add(&q.sql, STR("::uuid, "));
        grid_sql_param(ctx, &q, p_c(status));
        buf_add(&q.sql, STR(", "));
        grid_sql_param(ctx, &q, p_str(job_id));
        buf_printf(&q.sql, "::uuid FROM %s t WHERE t.id = ANY (", t->rows);
        grid_sql_param(ctx, &q, p_array_of(ctx, record_ids));
        buf_add(&q.sql,
                STR("::uuid[]) ORDER BY t.id FOR NO KEY UPDATE ON CONFLICT (record_id, column_id) "
                    "DO "
                    "UPDATE SET prev_status = CASE WHEN p.status IN ('queued', 'running') THEN "
                    "p.prev_status ELSE p.status END, prev_job_id = CASE WHEN p.status IN "
                    "('queued', 'running') THEN p.prev_job_id ELSE p.job_id END, status = "
                    "EXCLUDED.status, job_id = EXCLUDED.job_id, updated_at = now()"));
        return grid_sql_run(ctx, tx, &q, &r);
}

/* Rows before cells, as everywhere: see the lock order in grid.h. */
static enum err lock_claimed(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                             struct str job_id)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "SELECT FROM %s t WHERE t.id IN (SELECT p.record_id FROM %s p WHERE p.status IN "
                   "('queued', 'running') AND p.job_id = ",
                   t->rows, t->cells);
        grid_sql_param(ctx, &q, p_str(job_id));
        buf_add(&q.sql, STR(") ORDER BY t.id FOR NO KEY UPDATE"));
        return grid_sql_run(ctx, tx, &q, &r);
}

enum err grid_cells_restore(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                            struct str job_id, const str_list *record_ids, str_list *ret_ids)
{
        struct grid_sql q;
        struct db_result r;

        TRY(lock_claimed(ctx, tx, t, job_id));
        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "WITH held AS MATERIALIZED (SELECT p.record_id, p.column_id FROM %s p WHERE "
                   "p.status IN ('queued', 'running') AND p.job_id = ",
                   t->cells);
        grid_sql_param(ctx, &q, p_str(job_id));
        if (record_ids) {
                buf_add(&q.sql, STR(" AND p.record_id = ANY ("));
                grid_sql_param(ctx, &q, p_array_of(ctx, record_ids));
                buf_add(&q.sql, STR("::uuid[])"));
        }
        buf_printf(&q.sql,
                   " ORDER BY p.record_id, p.column_id FOR UPDATE), gone AS (DELETE FROM %s p "
                   "USING held WHERE p.record_id = held.record_id AND p.column_id = held.column_id "
                   "AND p.prev_status IS NULL AND p.status IN ('queued', 'running') RETURNING "
                   "p.record_id), ",
                   t->cells);
        buf_printf(&q.sql,
                   "back AS (UPDATE %s p SET status = p.prev_status, job_id = p.prev_job_id, "
                   "prev_status = NULL, prev_job_id = NULL, updated_at = now() FROM held WHERE "
                   "p.record_id = held.record_id AND p.column_id = held.column_id AND "
                   "p.prev_status IS NOT NULL AND p.status IN ('queued', 'running') RETURNING "
                   "p.record_id) SELECT record_id FROM gone UNION SELECT record_id FROM back",
                   t->cells);
        TRY(grid_sql_run(ctx, tx, &q, &r));
        if (!ret_ids)
                return OK;
        *ret_ids = (str_list){0};
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, ret_ids, db_text(&r, i, 0));
        return OK;
}

/* ---- scanning ---- */

enum err grid_scan_open(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                        const struct grid_column *const *columns, size_t count,
                        const struct json *filter, const str_list *ids, struct grid_scan *ret)
{
        struct grid_sql q;
        struct db_result r;
        char name[48];

        grid_sql_init(ctx, &q);
        buf_add(&q.sql, STR("DECLARE grid_scan NO SCROLL CURSOR FOR SELECT t.id"));
        for (size_t i = 0; i < count; i++) {
                snprintf(name, sizeof name, "t.%s", columns[i]->ident);
                buf_add(&q.sql, STR(", coalesce("));
                value_text_sql(&q.sql, columns[i]->type, name);
                buf_printf(&q.sql,
                           ", (SELECT p.raw_text FROM %s p WHERE p.record_id = t.id AND "
                           "p.column_id = '%.*s'))",
                           t->cells, FMT(columns[i]->id));
        }
        buf_printf(&q.sql, " FROM %s t WHERE ", t->rows);
        if (ids) {
                buf_add(&q.sql, STR("t.id = ANY ("));
                grid_sql_param(ctx, &q, p_array_of(ctx, ids));
                buf_add(&q.sql, STR("::uuid[]) AND "));
        }
        TRY(grid_filter_sql(ctx, t, filter, "/filter", &q));
        buf_add(&q.sql, STR(" ORDER BY t.position"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        *ret = (struct grid_scan){.tx = tx, .columns = count};
        arena_init(&ret->arena, (size_t)64 << 20);
        return OK;
}

enum err grid_scan_next(struct ctx *ctx, struct grid_scan *scan, struct db_result *ret)
{
        static const struct db_stmt fetch = {NULL, "FETCH 1000 FROM grid_scan"};
        struct ctx own = *ctx, *before = scan->tx->ctx;

        arena_finish(&scan->arena);
        arena_init(&scan->arena, (size_t)64 << 20);
        ctx_init(&own, &scan->arena);
        own.deadline_ns = ctx->deadline_ns;
        scan->tx->ctx = &own;
        enum err e = tx_query(scan->tx, &fetch, NO_PARAMS, ret);

        scan->tx->ctx = before;
        if (e != OK)
                return fail(ctx, e, "%.*s", FMT(own.message));
        return OK;
}

void grid_scan_close(struct grid_scan *scan)
{
        arena_finish(&scan->arena); /* the cursor ends with its transaction */
}
