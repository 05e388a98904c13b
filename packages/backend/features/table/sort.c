/*
 * Sorting and keyset cursors. Rows are ordered by up to five columns and then by position, which is
 * unique; empty cells come last in both directions. A page continues behind the values of the
 * previous page's last row, whatever happened to that row. See grid.h.
 */
#include <stdio.h>
#include "crypto/crypto.h"
#include "features/table/internal.h"

/* What a column is ordered by. */
static void key_sql(struct buf *sql, const struct grid_column *c)
{
        if (grid_type_is_text(c->type))
                buf_printf(sql, "left(t.%s, %d)" GRID_COLLATE, c->ident, GRID_SORT_CHARS);
        else if (c->type == GRID_JSON)
                buf_printf(sql, "left(t.%s::text, %d)" GRID_COLLATE, c->ident, GRID_SORT_CHARS);
        else
                buf_printf(sql, "t.%s", c->ident);
}

static const char *key_type(const struct grid_column *c)
{
        return c->type == GRID_JSON ? "text" : grid_type_sql(c->type);
}

static void parse_key(struct ctx *ctx, const struct grid_table *t, const struct json *item,
                      const char *path, struct grid_sort *ret)
{
        const struct grid_column *c = grid_column_find(t, json_member_text(item, "column"));
        struct str direction = json_member_text(item, "direction");
        bool descending = str_eq_c(direction, "desc");

        if (!c)
                ctx_fault(ctx, str_printf(ctx->arena, "%s/column", path), "enum",
                          "is not a column of this table");
        if (json_member(item, "direction") && !descending && !str_eq_c(direction, "asc"))
                ctx_fault(ctx, str_printf(ctx->arena, "%s/direction", path), "enum",
                          "must be asc or desc");
        if (json_len(item) > (json_member(item, "direction") ? 2u : 1u))
                ctx_fault(ctx, str_from(path), "additionalProperties",
                          "takes column and direction only");
        for (size_t i = 0; c && i < ret->len; i++)
                if (ret->keys[i].column == c)
                        ctx_fault(ctx, str_printf(ctx->arena, "%s/column", path), "uniqueItems",
                                  "is sorted by already");
        if (ret->len < GRID_SORT_MAX)
                ret->keys[ret->len++] = (struct grid_sort_key){c, descending};
}

enum err grid_sort_parse(struct ctx *ctx, const struct grid_table *t, const struct json *sort,
                         const char *path, struct grid_sort *ret)
{
        struct grid_sort parsed = {0};
        size_t before = ctx->faults.len;

        if (!json_is_null(sort) && (!json_is_array(sort) || json_len(sort) > GRID_SORT_MAX))
                ctx_fault(ctx, str_from(path), "type", "must be an array of at most 5 columns");
        else
                JSON_EACH_ITEM (i, item, sort)
                        parse_key(ctx, t, item, arena_printf(ctx->arena, "%s/%zu", path, i),
                                  &parsed);
        if (ctx->faults.len > before)
                return fail(ctx, ERR_VALIDATION, "the sort order is not valid");
        *ret = parsed;
        return OK;
}

void grid_sort_order(struct buf *sql, const struct grid_sort *sort)
{
        for (size_t i = 0; i < sort->len; i++) {
                key_sql(sql, sort->keys[i].column);
                buf_add_c(sql,
                          sort->keys[i].descending ? " DESC NULLS LAST, " : " ASC NULLS LAST, ");
        }
        buf_add(sql, STR("t.position"));
}

void grid_sort_select(struct buf *sql, const struct grid_sort *sort)
{
        for (size_t i = 0; i < sort->len; i++) {
                buf_add(sql, STR(", "));
                key_sql(sql, sort->keys[i].column);
        }
}

/* FNV-1a, 64 bit. */
static uint64_t mix(uint64_t h, struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
        return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

uint64_t grid_cursor_hash(struct ctx *ctx, const struct grid_table *t, const struct json *sort,
                          const struct json *filter)
{
        struct buf b;
        uint64_t h = mix(UINT64_C(0xcbf29ce484222325), t->id);

        buf_init(&b, ctx->arena, 4 << 20);
        json_write_sorted(&b, sort);
        h = mix(h, buf_str(&b));
        buf_reset(&b);
        json_write_sorted(&b, filter);
        return mix(h, buf_str(&b));
}

struct str grid_cursor_encode(struct ctx *ctx, const struct grid_sort *sort,
                              const struct grid_cursor *cursor)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, ctx->arena, 64 << 10);
        out_array(&o, NULL);
        out_c(&o, NULL, arena_printf(ctx->arena, "%016llx", (unsigned long long)cursor->hash));
        out_i64(&o, NULL, cursor->position);
        out_i64(&o, NULL, cursor->total);
        out_bool(&o, NULL, cursor->total_is_estimate);
        for (size_t i = 0; i < sort->len; i++)
                out_str(&o, NULL, cursor->values[i]);
        out_end_array(&o);
        return crypto_base64url(ctx->arena, buf_str(&b));
}

/* Only texts that PostgreSQL takes for the column come out of a cursor, whoever made it. */
static bool take_value(struct ctx *ctx, const struct grid_column *c, const struct json *v,
                       struct str *ret)
{
        struct str text = json_get_str(v);

        if (json_is_null(v)) {
                *ret = STR_NULL;
                return true;
        }
        if (!json_is_string(v) || str_find_char(text, '\0') != SIZE_MAX)
                return false;
        *ret = text;
        if (c->type == GRID_JSON || grid_type_is_text(c->type))
                return true;
        if (c->type == GRID_BOOLEAN)
                return str_eq_c(text, "t") || str_eq_c(text, "f");
        if (c->type == GRID_NUMBER) {
                double number;

                return str_to_double(text, &number) &&
                       (number < 0 || number > 0 || str_eq_c(text, "0") || str_eq_c(text, "-0"));
        }
        /* timestamptz in a session at UTC: "2026-12-31 23:59:59.5+00" */
        struct str ignored;

        return value_is_date(ctx->arena, text, &ignored);
}

enum err grid_cursor_decode(struct ctx *ctx, struct str text, const struct grid_sort *sort,
                            uint64_t hash, struct grid_cursor *ret)
{
        struct str plain;
        const struct json *v = NULL;
        struct grid_cursor c = {.hash = hash};
        bool good = text.len <= 32768 && crypto_base64url_decode(ctx->arena, text, &plain) &&
                    json_parse(ctx, plain, &v) == OK && json_len(v) == 4 + sort->len &&
                    json_kind(json_at(v, 1)) == JSON_KIND_INT;
        const char *want = arena_printf(ctx->arena, "%016llx", (unsigned long long)hash);

        good = good && str_eq_c(json_get_str(json_at(v, 0)), want);
        for (size_t i = 0; good && i < sort->len; i++)
                good = take_value(ctx, sort->keys[i].column, json_at(v, 4 + i), &c.values[i]);
        if (!good) {
                ctx_clear(ctx);
                ctx_fault(ctx, STR("/query/cursor"), "cursor",
                          "is not a cursor of this list with this sort and filter");
                return fail(ctx, ERR_VALIDATION, "the cursor is not one of this list");
        }
        c.position = json_get_i64(json_at(v, 1), 0);
        c.total = json_get_i64(json_at(v, 2), -1);
        c.total_is_estimate = json_get_bool(json_at(v, 3), false);
        *ret = c;
        return OK;
}

/* "behind" in one key: empty cells are last in both directions. */
static void behind_sql(struct ctx *ctx, const struct grid_sort_key *key, struct str value,
                       struct grid_sql *q)
{
        if (!value.ptr) {
                buf_add(&q->sql, STR("false"));
                return;
        }
        buf_add_char(&q->sql, '(');
        key_sql(&q->sql, key->column);
        buf_add_c(&q->sql, key->descending ? " < " : " > ");
        grid_sql_param(ctx, q, p_str(value));
        buf_printf(&q->sql, "::%s OR t.%s IS NULL)", key_type(key->column), key->column->ident);
}

static void same_sql(struct ctx *ctx, const struct grid_sort_key *key, struct str value,
                     struct grid_sql *q)
{
        if (!value.ptr) {
                buf_printf(&q->sql, "t.%s IS NULL AND ", key->column->ident);
                return;
        }
        key_sql(&q->sql, key->column);
        buf_add(&q->sql, STR(" = "));
        grid_sql_param(ctx, q, p_str(value));
        buf_printf(&q->sql, "::%s AND ", key_type(key->column));
}

void grid_cursor_sql(struct ctx *ctx, const struct grid_sort *sort,
                     const struct grid_cursor *cursor, struct grid_sql *q)
{
        buf_add_char(&q->sql, '(');
        for (size_t i = 0; i <= sort->len; i++) {
                buf_add_c(&q->sql, i ? " OR (" : "(");
                for (size_t j = 0; j < i; j++)
                        same_sql(ctx, &sort->keys[j], cursor->values[j], q);
                if (i < sort->len) {
                        behind_sql(ctx, &sort->keys[i], cursor->values[i], q);
                } else {
                        buf_add(&q->sql, STR("t.position > "));
                        grid_sql_param(ctx, q, p_i64(ctx, cursor->position));
                }
                buf_add_char(&q->sql, ')');
        }
        buf_add_char(&q->sql, ')');
}
