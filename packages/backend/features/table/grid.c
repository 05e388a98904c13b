/* Types, names and loading of the typed grid; making and dropping its tables. See grid.h. */
#include "features/table/grid.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "features/table/internal.h"

static const struct {
        const char *name, *sql;
} types[GRID_TYPES] = {
#define COLUMN_TYPE(name, text, sql) [GRID_##name] = {text, sql},
#include "features/table/column_type.def"
#undef COLUMN_TYPE
};

const char *grid_type_name(enum grid_type type)
{
        return types[type].name;
}

const char *grid_type_sql(enum grid_type type)
{
        return types[type].sql;
}

bool grid_type_is_text(enum grid_type type)
{
        return strcmp(types[type].sql, "text") == 0;
}

bool grid_type_parse(struct str name, enum grid_type *ret)
{
        for (int i = 0; i < GRID_TYPES; i++)
                if (str_eq_c(name, types[i].name)) {
                        *ret = (enum grid_type)i;
                        return true;
                }
        return false;
}

bool grid_uuid(struct arena *a, struct str text, struct str *ret)
{
        if (!str_is_uuid(text))
                return false;
        *ret = str_lower(a, text);
        return true;
}

/* prefix and the 32 hex digits of a UUID: the only way an identifier is made. */
static void make_ident(const char *prefix, struct str uuid, char *ret, size_t size)
{
        char hex[33];
        size_t n = 0;

        assert(str_is_uuid(uuid)); /* identifiers are made of nothing else */
        for (size_t i = 0; i < uuid.len; i++)
                if (uuid.ptr[i] != '-')
                        hex[n++] = uuid.ptr[i];
        hex[n] = '\0';
        snprintf(ret, size, "%s%s", prefix, hex);
}

void grid_name_table(struct grid_table *t)
{
        make_ident("grid.t_", t->id, t->rows, sizeof t->rows);
        make_ident("grid.p_", t->id, t->cells, sizeof t->cells);
}

void grid_name_column(struct grid_column *c)
{
        make_ident("c_", c->id, c->ident, sizeof c->ident);
}

const struct grid_column *grid_column_find(const struct grid_table *t, struct str id)
{
        LIST_EACH (c, &t->columns)
                if (str_eq_nocase(c->id, id))
                        return c;
        return NULL;
}

const struct grid_column *grid_column_by_key(const struct grid_table *t, struct str key)
{
        LIST_EACH (c, &t->columns)
                if (str_eq(c->key, key))
                        return c;
        return NULL;
}

/* ---- making and altering ---- */

static enum err run_buf(struct ctx *ctx, struct tx *tx, struct buf *sql)
{
        if (buf_full(sql))
                return fail(ctx, ERR_INTERNAL, "a statement is too long");
        return grid_fault(ctx, tx_script(tx, buf_str(sql).ptr));
}

enum err grid_create_bare(struct ctx *ctx, struct tx *tx, const struct grid_table *t)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 1 << 20);
        buf_printf(&sql,
                   "CREATE TABLE %s (id uuid NOT NULL DEFAULT gen_random_uuid(), position bigint "
                   "NOT NULL, version integer NOT NULL DEFAULT 1, created_at timestamptz NOT NULL "
                   "DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()",
                   t->rows);
        LIST_EACH (c, &t->columns)
                buf_printf(&sql, ", %s %s", c->ident, grid_type_sql(c->type));
        buf_printf(
                &sql,
                "); CREATE TABLE %s (record_id uuid NOT NULL, column_id uuid NOT NULL, status "
                "text NOT NULL CHECK (status IN ('queued', 'running', 'complete', 'not_found', "
                "'failed', 'manual')), prev_status text, prev_job_id uuid, provider text, "
                "source text, confidence real, cost_credits integer, job_id uuid, raw_text text, "
                "error text, updated_at timestamptz NOT NULL DEFAULT now())",
                t->cells);
        return run_buf(ctx, tx, &sql);
}

enum err grid_build_keys(struct ctx *ctx, struct tx *tx, const struct grid_table *t)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 4096);
        buf_printf(&sql, "ALTER TABLE %s ADD PRIMARY KEY (id), ADD UNIQUE (position); ", t->rows);
        buf_printf(&sql,
                   "ALTER TABLE %s ADD PRIMARY KEY (record_id, column_id), ADD FOREIGN KEY "
                   "(record_id) REFERENCES %s ON DELETE CASCADE; ",
                   t->cells, t->rows);
        buf_printf(&sql, "CREATE INDEX ON %s (job_id, status)", t->cells);
        return run_buf(ctx, tx, &sql);
}

enum err grid_create(struct ctx *ctx, struct tx *tx, const struct grid_table *t)
{
        TRY(grid_create_bare(ctx, tx, t));
        return grid_build_keys(ctx, tx, t);
}

enum err grid_drop(struct ctx *ctx, struct tx *tx, const struct grid_table *t)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 4096);
        buf_printf(&sql, "DROP TABLE IF EXISTS %s, %s", t->cells, t->rows);
        return run_buf(ctx, tx, &sql);
}

enum err grid_add_column(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                         const struct grid_column *c)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 4096);
        buf_printf(&sql, "ALTER TABLE %s ADD COLUMN %s %s", t->rows, c->ident,
                   grid_type_sql(c->type));
        return run_buf(ctx, tx, &sql);
}

enum err grid_drop_column(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                          const struct grid_column *c)
{
        struct buf sql;

        buf_init(&sql, ctx->arena, 4096);
        buf_printf(&sql, "ALTER TABLE %s DROP COLUMN %s; DELETE FROM %s WHERE column_id = '%.*s'",
                   t->rows, c->ident, t->cells, FMT(c->id));
        return run_buf(ctx, tx, &sql);
}

enum err grid_fault(struct ctx *ctx, enum err e)
{
        /* undefined table or column; a value or parameter of a type the column no longer has */
        static const char *const changed[] = {"42P01", "42703", "22P02", "22007", "42804", "42883"};

        if (e != ERR_INTERNAL)
                return e;
        for (size_t i = 0; i < ELEMENTS(changed); i++)
                if (strcmp(db_sqlstate(ctx), changed[i]) == 0)
                        return fail(ctx, ERR_CONFLICT,
                                    "the table has changed meanwhile, load it again");
        return e;
}
