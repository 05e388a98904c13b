/* Changing a column's type: values are converted in the database, and none is lost. See grid.h. */
#include <stdio.h>
#include "features/table/internal.h"

static enum err run(struct ctx *ctx, struct tx *tx, struct buf *sql)
{
        if (buf_full(sql))
                return fail(ctx, ERR_INTERNAL, "a statement is too long");
        struct db_stmt stmt = {NULL, buf_str(sql).ptr};

        return tx_exec(tx, &stmt, NO_PARAMS, NULL);
}

/* The texts of values that will not fit go beside the column, where they are shown as they were. */
static enum err keep_misfits(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                             const struct grid_column *to, const char *text, int64_t *ret)
{
        struct grid_sql q;
        struct db_result r;

        grid_sql_init(ctx, &q);
        buf_printf(&q.sql,
                   "INSERT INTO %s AS p (record_id, column_id, status, raw_text, error) SELECT "
                   "t.id, '%.*s', 'manual', %s, ",
                   t->cells, FMT(to->id), text);
        grid_sql_param(ctx, &q, p_c(value_misfit(to->type)));
        buf_printf(&q.sql, " FROM %s t WHERE t.%s IS NOT NULL AND NOT (", t->rows, to->ident);
        value_fits_sql(&q.sql, to, text);
        buf_add(&q.sql, STR(") ON CONFLICT (record_id, column_id) DO UPDATE SET raw_text = "
                            "EXCLUDED.raw_text, error = EXCLUDED.error"));
        TRY(grid_sql_run(ctx, tx, &q, &r));
        *ret = r.affected;
        return OK;
}

/* The typed column itself; the texts in it that do not fit are kept already. */
static enum err rewrite(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                        const struct grid_column *to, const char *text)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 64 << 10);
        buf_printf(&sql, "ALTER TABLE %s ALTER COLUMN %s TYPE %s USING ", t->rows, to->ident,
                   grid_type_sql(to->type));
        if (grid_type_is_text(to->type)) {
                buf_add_c(&sql, text);
        } else {
                buf_add(&sql, STR("CASE WHEN "));
                value_fits_sql(&sql, to, text);
                buf_add(&sql, STR(" THEN "));
                value_parse_sql(&sql, to->type, text);
                buf_add(&sql, STR(" END"));
        }
        return run(ctx, tx, &sql);
}

/* Between types that are all kept as text only what fits changes. */
static enum err narrow(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                       const struct grid_column *to)
{
        struct buf sql;

        if (to->type == GRID_TEXT)
                return OK;
        buf_init(&sql, ctx->arena, 64 << 10);
        buf_printf(&sql, "UPDATE %s SET %s = CASE WHEN ", t->rows, to->ident);
        value_fits_sql(&sql, to, to->ident);
        buf_add(&sql, STR(" THEN "));
        value_parse_sql(&sql, to->type, to->ident);
        buf_printf(&sql, " END WHERE %s IS NOT NULL", to->ident);
        return run(ctx, tx, &sql);
}

/* Raw texts that fit the new type become values. */
static enum err adopt_raw(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const struct grid_column *to)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 64 << 10);
        buf_printf(&sql,
                   "WITH fits AS (UPDATE %s o SET raw_text = NULL, error = NULL FROM %s p WHERE "
                   "o.record_id = p.record_id AND o.column_id = p.column_id AND p.column_id = "
                   "'%.*s' AND p.raw_text IS NOT NULL AND (",
                   t->cells, t->cells, FMT(to->id));
        value_fits_sql(&sql, to, "p.raw_text");
        buf_printf(&sql, ") RETURNING p.record_id, p.raw_text) UPDATE %s t SET %s = ", t->rows,
                   to->ident);
        value_parse_sql(&sql, to->type, "fits.raw_text");
        buf_add(&sql, STR(" FROM fits WHERE t.id = fits.record_id"));
        return run(ctx, tx, &sql);
}

enum err grid_retype(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                     const struct grid_column *c, enum grid_type to, const struct json *options,
                     int64_t *ret_misfits)
{
        struct grid_column target = *c;
        struct buf sql, text, bare;
        char name[48];
        int64_t misfits = 0;

        target.type = to;
        target.options = options;
        buf_init(&sql, ctx->arena, 4096);
        buf_init(&text, ctx->arena, 4096);
        buf_init(&bare, ctx->arena, 4096);
        snprintf(name, sizeof name, "t.%s", c->ident);
        value_text_sql(&text, c->type, name);
        value_text_sql(&bare, c->type, c->ident);
        buf_printf(&sql, "LOCK TABLE %s, %s IN ACCESS EXCLUSIVE MODE", t->rows, t->cells);
        TRY(tx_script(tx, buf_str(&sql).ptr));
        TRY(keep_misfits(ctx, tx, t, &target, buf_str(&text).ptr, &misfits));
        if (!grid_type_is_text(c->type) || !grid_type_is_text(to))
                TRY(rewrite(ctx, tx, t, &target, buf_str(&bare).ptr));
        if (grid_type_is_text(to))
                TRY(narrow(ctx, tx, t, &target));
        TRY(adopt_raw(ctx, tx, t, &target));
        if (ret_misfits)
                *ret_misfits = misfits;
        return OK;
}
