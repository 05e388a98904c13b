/* Writing many typed values at once, and settling the results of an enrichment. See grid.h. */
#include <stdlib.h>
#include "features/table/internal.h"

enum err grid_lock_rows(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                        const str_list *record_ids, struct db_result *ret)
{
        struct grid_sql q;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql, "SELECT t.id, t.version FROM %s t WHERE t.id = ANY (", t->rows);
        grid_sql_param(ctx, &q, p_array_of(ctx, record_ids));
        buf_add(&q.sql, STR("::uuid[]) ORDER BY t.id FOR NO KEY UPDATE"));
        return grid_sql_run(ctx, tx, &q, ret);
}

static int by_record(const void *a, const void *b)
{
        const struct grid_write *const *x = a, *const *y = b;

        return str_cmp((*x)->record_id, (*y)->record_id);
}

/* One parameter array a column: whether it is written, and the value. */
struct pivot {
        const struct grid_column *column;
        struct db_array has, values;
        size_t last; /* records that have an entry so far */
};

static struct pivot *pivot_of(struct pivot *list, size_t *len, struct ctx *ctx,
                              const struct grid_column *c)
{
        for (size_t i = 0; i < *len; i++)
                if (list[i].column == c)
                        return &list[i];
        struct pivot *p = &list[(*len)++];

        p->column = c;
        db_array_init(ctx, &p->has);
        db_array_init(ctx, &p->values);
        return p;
}

static void pivot_fill(struct pivot *p, size_t records)
{
        for (; p->last < records; p->last++) {
                db_array_bool(&p->has, false);
                db_array_str(&p->values, STR_NULL);
        }
}

static void write_sql(struct ctx *ctx, const struct grid_table *t, struct pivot *pivots,
                      size_t columns, struct db_array *ids, struct grid_sql *q)
{
        buf_printf(&q->sql, "UPDATE %s t SET version = t.version + 1, updated_at = now()", t->rows);
        for (size_t i = 0; i < columns; i++) {
                const char *c = pivots[i].column->ident;

                buf_printf(&q->sql, ", %s = CASE WHEN i.h%zu THEN i.v%zu ELSE t.%s END", c, i, i,
                           c);
        }
        buf_add(&q->sql, STR(" FROM unnest("));
        grid_sql_param(ctx, q, p_array(ids));
        buf_add(&q->sql, STR("::uuid[]"));
        for (size_t i = 0; i < columns; i++) {
                buf_add(&q->sql, STR(", "));
                grid_sql_param(ctx, q, p_array(&pivots[i].has));
                buf_add(&q->sql, STR("::boolean[], "));
                grid_sql_param(ctx, q, p_array(&pivots[i].values));
                buf_printf(&q->sql, "::%s[]", grid_type_sql(pivots[i].column->type));
        }
        buf_add(&q->sql, STR(") AS i (id"));
        for (size_t i = 0; i < columns; i++)
                buf_printf(&q->sql, ", h%zu, v%zu", i, i);
        buf_add(&q->sql, STR(") WHERE t.id = i.id RETURNING t.id, t.version"));
}

static int find_id(const struct db_result *r, struct str id)
{
        for (int low = 0, high = r->rows; low < high;) {
                int mid = (low + high) / 2, c = str_cmp(db_text(r, mid, 0), id);

                if (c == 0)
                        return mid;
                if (c < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return -1;
}

/* The versions in `r`, whose rows come in any order, to the writes, which are sorted by record. */
static void take_versions(const struct db_result *r, struct grid_write **sorted, size_t count)
{
        for (int i = 0; i < r->rows; i++) {
                struct grid_write key = {.record_id = db_text(r, i, 0)}, *k = &key;
                struct grid_write **at =
                        bsearch(&k, sorted, count, sizeof(struct grid_write *), by_record);

                if (!at)
                        continue;
                while (at > sorted && str_eq(at[-1]->record_id, key.record_id))
                        at--;
                for (; at < sorted + count && str_eq((*at)->record_id, key.record_id); at++)
                        (*at)->ret_version = db_i64(r, i, 1);
        }
}

enum err grid_write_values(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           struct grid_write *writes, size_t count)
{
        struct grid_write **sorted = arena_alloc_array(ctx->arena, count + 1, sizeof *sorted);
        struct pivot *pivots =
                arena_alloc_array(ctx->arena, t->columns.len + 1, sizeof(struct pivot));
        struct db_array ids;
        struct grid_sql q;
        struct db_result r;
        size_t columns = 0, records = 0;

        if (count == 0)
                return OK;
        db_array_init(ctx, &ids);
        for (size_t i = 0; i < count; i++)
                sorted[i] = &writes[i];
        qsort(sorted, count, sizeof *sorted, by_record);
        for (size_t i = 0; i < count; i++) {
                struct pivot *p = pivot_of(pivots, &columns, ctx, sorted[i]->column);

                if (i == 0 || !str_eq(sorted[i]->record_id, sorted[i - 1]->record_id)) {
                        db_array_str(&ids, sorted[i]->record_id);
                        records++;
                }
                pivot_fill(p, records - 1);
                db_array_bool(&p->has, true);
                db_array_str(&p->values, sorted[i]->sql);
                p->last = records;
        }
        for (size_t i = 0; i < columns; i++)
                pivot_fill(&pivots[i], records);
        grid_sql_init(ctx, &q);
        write_sql(ctx, t, pivots, columns, &ids, &q);
        TRY(grid_sql_run(ctx, tx, &q, &r));
        take_versions(&r, sorted, count);
        return OK;
}

/* ---- settling ---- */

static int by_cell(const void *a, const void *b)
{
        const struct grid_settle *const *x = a, *const *y = b;
        int c = str_cmp((*x)->record_id, (*y)->record_id);

        return c ? c : str_cmp((*x)->column_id, (*y)->column_id);
}

/* The arrays of the statement that writes what is known of each cell. */
struct provenance {
        struct db_array record, column, status, provider, source, confidence, cost, job, raw, error;
};

static void provenance_add(struct provenance *p, const struct grid_settle *s,
                           const struct grid_value *v)
{
        db_array_str(&p->record, s->record_id);
        db_array_str(&p->column, s->column_id);
        db_array_str(&p->status, str_from(s->status));
        db_array_str(&p->provider, s->provider);
        db_array_str(&p->source, s->source);
        if (s->confidence < 0)
                db_array_str(&p->confidence, STR_NULL);
        else
                db_array_double(&p->confidence, s->confidence);
        db_array_i64(&p->cost, s->cost_credits);
        db_array_str(&p->job, s->job_id);
        db_array_str(&p->raw, v->why ? v->raw : STR_NULL);
        db_array_str(&p->error, v->why ? str_from(v->why) : s->error);
}

static enum err provenance_write(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                 struct provenance *p, struct db_result *ret)
{
        struct {
                struct db_array *array;
                const char *type;
        } params[] = {
                {&p->record, "uuid"},   {&p->column, "uuid"}, {&p->status, "text"},
                {&p->provider, "text"}, {&p->source, "text"}, {&p->confidence, "real"},
                {&p->cost, "integer"},  {&p->job, "uuid"},    {&p->raw, "text"},
                {&p->error, "text"},
        };
        struct grid_sql q;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "INSERT INTO %s AS p (record_id, column_id, status, provider, source, "
                   "confidence, cost_credits, job_id, raw_text, error) SELECT * FROM unnest(",
                   t->cells);
        for (size_t i = 0; i < ELEMENTS(params); i++) {
                buf_add_c(&q.sql, i ? ", " : "");
                grid_sql_param(ctx, &q, p_array(params[i].array));
                buf_printf(&q.sql, "::%s[]", params[i].type);
        }
        /* what is known of a value that stays is kept */
        buf_add(&q.sql,
                STR(") ON CONFLICT (record_id, column_id) DO UPDATE SET status = EXCLUDED.status, "
                    "prev_status = NULL, prev_job_id = NULL, cost_credits = EXCLUDED.cost_credits, "
                    "job_id = EXCLUDED.job_id, updated_at = now(), provider = CASE WHEN "
                    "EXCLUDED.status = 'complete' THEN EXCLUDED.provider ELSE p.provider END, "
                    "source = CASE WHEN EXCLUDED.status = 'complete' THEN EXCLUDED.source ELSE "
                    "p.source END, confidence = CASE WHEN EXCLUDED.status = 'complete' THEN "
                    "EXCLUDED.confidence ELSE p.confidence END, raw_text = CASE WHEN "
                    "EXCLUDED.status = 'complete' THEN EXCLUDED.raw_text ELSE p.raw_text END, "
                    "error = EXCLUDED.error WHERE p.status <> 'manual' RETURNING p.record_id, "
                    "p.column_id"));
        return grid_sql_run(ctx, tx, &q, ret);
}

static void provenance_init(struct ctx *ctx, struct provenance *p)
{
        struct db_array *all[] = {&p->record,     &p->column, &p->status, &p->provider, &p->source,
                                  &p->confidence, &p->cost,   &p->job,    &p->raw,      &p->error};

        for (size_t i = 0; i < ELEMENTS(all); i++)
                db_array_init(ctx, all[i]);
}

/* Which cells the database took: those not edited by hand meanwhile. */
static void mark_applied(const struct db_result *r, struct grid_settle **sorted, size_t count)
{
        for (int i = 0; i < r->rows; i++) {
                struct grid_settle key = {.record_id = db_text(r, i, 0),
                                          .column_id = db_text(r, i, 1)},
                                   *k = &key;
                struct grid_settle **at =
                        bsearch(&k, sorted, count, sizeof(struct grid_settle *), by_cell);

                if (at)
                        (*at)->ret_applied = true;
        }
}

struct settling {
        struct grid_settle **sorted;
        size_t count;
        struct grid_value *values; /* beside sorted */
        struct db_result rows;     /* locked: id, version, by id */
};

/* The values of the cells that were taken, then the versions back to the results. */
static enum err settle_values(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                              struct settling *s)
{
        struct grid_write *writes = arena_alloc_array(ctx->arena, s->count + 1, sizeof *writes);
        size_t n = 0;

        for (size_t i = 0; i < s->count; i++) {
                struct grid_settle *cell = s->sorted[i];

                if (cell->ret_applied && cell->value)
                        writes[n++] = (struct grid_write){
                                .record_id = cell->record_id,
                                .column = grid_column_find(t, cell->column_id),
                                .sql = s->values[i].why ? STR_NULL : s->values[i].sql,
                        };
        }
        TRY(grid_write_values(ctx, tx, t, writes, n));
        for (size_t i = 0, w = 0; i < s->count; i++) {
                struct grid_settle *cell = s->sorted[i];
                int row = find_id(&s->rows, cell->record_id);

                if (cell->ret_applied && row >= 0)
                        cell->ret_version = db_i64(&s->rows, row, 1);
                while (w < n && str_cmp(writes[w].record_id, cell->record_id) < 0)
                        w++;
                if (cell->ret_applied && w < n && str_eq(writes[w].record_id, cell->record_id))
                        cell->ret_version = writes[w].ret_version;
        }
        return OK;
}

enum err grid_cells_settle(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                           grid_settle_list *cells)
{
        struct settling s = {.count = cells->len};
        struct provenance p;
        struct db_result r;
        str_list ids = {0};

        if (cells->len == 0)
                return OK;
        s.sorted = arena_alloc_array(ctx->arena, s.count, sizeof(struct grid_settle *));
        s.values = arena_alloc_array(ctx->arena, s.count, sizeof *s.values);
        for (size_t i = 0; i < s.count; i++)
                s.sorted[i] = &cells->ptr[i];
        qsort(s.sorted, s.count, sizeof *s.sorted, by_cell);
        for (size_t i = 0; i < s.count; i++)
                if (i == 0 || !str_eq(s.sorted[i]->record_id, s.sorted[i - 1]->record_id))
                        LIST_PUSH(ctx->arena, &ids, s.sorted[i]->record_id);
        TRY(grid_lock_rows(ctx, tx, t, &ids, &s.rows));
        provenance_init(ctx, &p);
        for (size_t i = 0; i < s.count; i++) {
                struct grid_settle *cell = s.sorted[i];
                const struct grid_column *c = grid_column_find(t, cell->column_id);

                cell->ret_applied = false;
                cell->ret_version = 0;
                if (!c)
                        return fail(ctx, ERR_CONFLICT, "a column of the table is gone");
                if (cell->value)
                        s.values[i] = grid_from_json(ctx->arena, c, cell->value);
                if (find_id(&s.rows, cell->record_id) >= 0)
                        provenance_add(&p, cell, &s.values[i]);
        }
        TRY(provenance_write(ctx, tx, t, &p, &r));
        mark_applied(&r, s.sorted, s.count);
        return settle_values(ctx, tx, t, &s);
}
