/*
 * Filters to SQL. Every value is a parameter; identifiers come from ids; every fault of a filter is
 * reported, not the first. See grid.h.
 */
#include <stdio.h>
#include <string.h>
#include "features/table/internal.h"

enum op {
        OP_EQ,
        OP_NE,
        OP_LT,
        OP_LTE,
        OP_GT,
        OP_GTE,
        OP_CONTAINS,
        OP_STARTS,
        OP_IN,
        OP_EMPTY,
        OP_NOT_EMPTY,
        OP_STATUS,
        OPS
};

static const struct {
        const char *name, *sql;
} ops[OPS] = {
        [OP_EQ] = {"eq", "="},
        [OP_NE] = {"ne", "IS DISTINCT FROM"},
        [OP_LT] = {"lt", "<"},
        [OP_LTE] = {"lte", "<="},
        [OP_GT] = {"gt", ">"},
        [OP_GTE] = {"gte", ">="},
        [OP_CONTAINS] = {"contains", NULL},
        [OP_STARTS] = {"startsWith", NULL},
        [OP_IN] = {"in", NULL},
        [OP_EMPTY] = {"isEmpty", NULL},
        [OP_NOT_EMPTY] = {"isNotEmpty", NULL},
        [OP_STATUS] = {"status", NULL},
};

static const char *const statuses[] = {"empty",     "queued", "running", "complete",
                                       "not_found", "failed", "manual"};

struct compile {
        struct ctx *ctx;
        const struct grid_table *t;
        struct grid_sql *q;
        size_t nodes, faults;
};

void grid_sql_init(struct ctx *ctx, struct grid_sql *q)
{
        *q = (struct grid_sql){0};
        buf_init(&q->sql, ctx->arena, 4 << 20);
}

void grid_sql_param(struct ctx *ctx, struct grid_sql *q, struct db_param p)
{
        LIST_PUSH(ctx->arena, &q->params, p);
        buf_printf(&q->sql, "$%zu", q->params.len);
}

enum err grid_sql_run(struct ctx *ctx, struct tx *tx, struct grid_sql *q, struct db_result *ret)
{
        if (buf_full(&q->sql))
                return fail(ctx, ERR_INTERNAL, "a statement is too long");
        struct db_stmt stmt = {NULL, buf_str(&q->sql).ptr};

        return grid_fault(ctx, tx_query(tx, &stmt, q->params.ptr, q->params.len, ret));
}

static void fault(struct compile *k, const char *path, const char *member, const char *rule,
                  const char *message)
{
        k->faults++;
        ctx_fault(k->ctx, str_printf(k->ctx->arena, "%s%s", path, member), rule, "%s", message);
}

/* The text that contains and startsWith look at, typed value or raw text. */
static void text_sql(struct buf *sql, const struct grid_column *c)
{
        char column[48];

        snprintf(column, sizeof column, "t.%s", c->ident);
        value_text_sql(sql, c->type, column);
}

static void raw_exists(struct buf *sql, const struct grid_table *t, const struct grid_column *c)
{
        buf_printf(sql,
                   "EXISTS (SELECT FROM %s p WHERE p.record_id = t.id AND p.column_id = '%.*s' AND "
                   "p.raw_text ",
                   t->cells, FMT(c->id));
}

void grid_empty_sql(struct buf *sql, const struct grid_table *t, const struct grid_column *c,
                    bool empty)
{
        buf_add_c(sql, empty ? "((t." : "(NOT (t.");
        buf_printf(sql, "%s IS NULL", c->ident);
        if (grid_type_is_text(c->type))
                buf_printf(sql, " OR t.%s = ''", c->ident);
        buf_add_c(sql, empty ? ") AND NOT " : ") OR ");
        raw_exists(sql, t, c);
        buf_add_c(sql, "IS NOT NULL))");
}

/* %text% with the pattern's own characters escaped. */
static struct str like_pattern(struct ctx *ctx, struct str text, bool anywhere)
{
        struct buf b;

        buf_init(&b, ctx->arena, 2 * text.len + 3);
        if (anywhere)
                buf_add_char(&b, '%');
        for (size_t i = 0; i < text.len; i++) {
                if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\')
                        buf_add_char(&b, '\\');
                buf_add_char(&b, text.ptr[i]);
        }
        buf_add_char(&b, '%');
        return buf_str(&b);
}

static void compile_like(struct compile *k, const struct grid_column *c, enum op op,
                         const struct json *value, const char *path)
{
        struct str text = json_get_str(value);

        if (json_is_number(value) || json_is_bool(value))
                text = json_text(k->ctx->arena, value);
        if (!text.ptr || text.len > 1000 || str_find_char(text, '\0') != SIZE_MAX) {
                fault(k, path, "/value", "type", "must be a text of at most 1000 bytes");
                return;
        }
        struct db_param p = p_str(like_pattern(k->ctx, text, op == OP_CONTAINS));

        buf_add_char(&k->q->sql, '(');
        text_sql(&k->q->sql, c);
        buf_add(&k->q->sql, STR(" ILIKE "));
        grid_sql_param(k->ctx, k->q, p);
        buf_add(&k->q->sql, STR(" OR "));
        raw_exists(&k->q->sql, k->t, c);
        buf_printf(&k->q->sql, "ILIKE $%zu))", k->q->params.len);
}

/* A value of the column's type as a parameter; text compared with < and > by the sort's order. */
static bool compile_value(struct compile *k, const struct grid_column *c, const struct json *value,
                          const char *path, struct str *ret)
{
        struct grid_value v;

        /* any text may be compared with, not only what the column would take */
        if (grid_type_is_text(c->type)) {
                struct grid_column plain = *c;

                plain.type = GRID_TEXT;
                v = grid_from_json(k->ctx->arena, &plain, value);
        } else {
                v = grid_from_json(k->ctx->arena, c, value);
        }
        if (v.why) {
                fault(k, path, "", "type", v.why);
                return false;
        }
        if (!v.sql.ptr) {
                fault(k, path, "", "type", "must not be empty; ask for isEmpty");
                return false;
        }
        *ret = v.sql;
        return true;
}

static void compile_compare(struct compile *k, const struct grid_column *c, enum op op,
                            const struct json *value, const char *path)
{
        struct str sql;
        bool ordered = op >= OP_LT && op <= OP_GTE;
        bool nothing = json_is_null(value) || (json_is_string(value) && !json_get_str(value).len);

        if (nothing && !ordered) {
                grid_empty_sql(&k->q->sql, k->t, c, op == OP_EQ);
                return;
        }
        if (ordered && (c->type == GRID_BOOLEAN || c->type == GRID_JSON)) {
                fault(k, path, "/op", "enum", "does not go with a column of this type");
                return;
        }
        if (!compile_value(k, c, value, arena_printf(k->ctx->arena, "%s/value", path), &sql))
                return;
        const char *collate = ordered && grid_type_is_text(c->type) ? GRID_COLLATE : "";

        buf_printf(&k->q->sql, "(t.%s %s ", c->ident, ops[op].sql);
        grid_sql_param(k->ctx, k->q, p_str(sql));
        buf_printf(&k->q->sql, "::%s%s)", grid_type_sql(c->type), collate);
}

static void compile_in(struct compile *k, const struct grid_column *c, const struct json *value,
                       const char *path)
{
        struct db_array items;
        size_t before = k->faults;

        if (!json_is_array(value) || json_len(value) > GRID_FILTER_ITEMS) {
                fault(k, path, "/value", "type", "must be an array of at most 1000 values");
                return;
        }
        db_array_init(k->ctx, &items);
        JSON_EACH_ITEM (i, item, value) {
                struct str sql;

                if (compile_value(k, c, item, arena_printf(k->ctx->arena, "%s/value/%zu", path, i),
                                  &sql))
                        db_array_str(&items, sql);
        }
        if (k->faults > before)
                return;
        buf_printf(&k->q->sql, "(t.%s = ANY (", c->ident);
        grid_sql_param(k->ctx, k->q, p_array(&items));
        buf_printf(&k->q->sql, "::%s[]))", grid_type_sql(c->type));
}

static bool is_status(struct str s)
{
        for (size_t i = 0; i < ELEMENTS(statuses); i++)
                if (str_eq_c(s, statuses[i]))
                        return true;
        return false;
}

/* A cell that nobody looked up, or that was typed over, is manual or empty by its value. */
static void untouched_sql(struct compile *k, const struct grid_column *c, bool empty)
{
        buf_printf(&k->q->sql,
                   "(NOT EXISTS (SELECT FROM %s p WHERE p.record_id = t.id AND p.column_id = "
                   "'%.*s' AND p.status <> 'manual') AND ",
                   k->t->cells, FMT(c->id));
        grid_empty_sql(&k->q->sql, k->t, c, empty);
        buf_add_char(&k->q->sql, ')');
}

/* As record_write() shows it: a cleared cell is empty whatever is known of it. */
static void status_sql(struct compile *k, const struct grid_column *c, const struct json *value)
{
        struct db_array looked_up;
        bool manual = false, empty = false;

        db_array_init(k->ctx, &looked_up);
        for (size_t i = 0; i < (json_is_string(value) ? 1 : json_len(value)); i++) {
                struct str s = json_get_str(json_is_string(value) ? value : json_at(value, i));

                manual |= str_eq_c(s, "manual");
                empty |= str_eq_c(s, "empty");
                if (!str_eq_c(s, "manual") && !str_eq_c(s, "empty"))
                        db_array_str(&looked_up, s);
        }
        const char *sep = "(";

        if (looked_up.len) {
                buf_printf(&k->q->sql,
                           "(EXISTS (SELECT FROM %s p WHERE p.record_id = t.id AND p.column_id = "
                           "'%.*s' AND p.status = ANY (",
                           k->t->cells, FMT(c->id));
                grid_sql_param(k->ctx, k->q, p_array(&looked_up));
                buf_add(&k->q->sql, STR("::text[]))"));
                sep = " OR ";
        }
        if (manual) {
                buf_add_c(&k->q->sql, sep);
                untouched_sql(k, c, false);
                sep = " OR ";
        }
        if (empty) {
                buf_add_c(&k->q->sql, sep);
                untouched_sql(k, c, true);
        }
        buf_add_char(&k->q->sql, ')');
}

static void compile_status(struct compile *k, const struct grid_column *c, const struct json *value,
                           const char *path)
{
        bool good = json_is_string(value) ? is_status(json_get_str(value))
                                          : json_is_array(value) && json_len(value) > 0;

        JSON_EACH_ITEM (i, item, value)
                good = good && i < ELEMENTS(statuses) && is_status(json_get_str(item));
        if (good)
                status_sql(k, c, value);
        else
                fault(k, path, "/value", "enum",
                      "must be a status (empty, queued, running, complete, not_found, failed, "
                      "manual) or an array of them");
}

static void compile_condition(struct compile *k, const struct json *node, const char *path)
{
        const struct grid_column *c = grid_column_find(k->t, json_member_text(node, "column"));
        const struct json *value = json_member(node, "value");
        struct str name = json_member_text(node, "op");
        enum op op = OP_EQ;

        JSON_EACH_MEMBER (m, node)
                if (!str_eq_c(m.key, "column") && !str_eq_c(m.key, "op") &&
                    !str_eq_c(m.key, "value"))
                        fault(k, path, "", "additionalProperties",
                              "takes column, op and value, or and, or or");
        while (op < OPS && !str_eq_c(name, ops[op].name))
                op++;
        if (!c)
                fault(k, path, "/column", "enum", "is not a column of this table");
        if (op == OPS)
                fault(k, path, "/op", "enum",
                      "must be one of eq, ne, lt, lte, gt, gte, contains, startsWith, in, isEmpty, "
                      "isNotEmpty, status");
        if (!c || op == OPS)
                return;
        switch (op) {
        case OP_CONTAINS:
        case OP_STARTS: compile_like(k, c, op, value, path); break;
        case OP_IN: compile_in(k, c, value, path); break;
        case OP_EMPTY:
        case OP_NOT_EMPTY: grid_empty_sql(&k->q->sql, k->t, c, op == OP_EMPTY); break;
        case OP_STATUS: compile_status(k, c, value, path); break;
        default: compile_compare(k, c, op, value, path); break;
        }
}

static void compile_node(struct compile *k, const struct json *node, const char *path, int depth)
{
        const struct json *all = json_member(node, "and"), *any = json_member(node, "or");
        const struct json *list = all ? all : any;

        if (++k->nodes > GRID_FILTER_NODES) {
                if (k->nodes == GRID_FILTER_NODES + 1)
                        fault(k, path, "", "maxItems", "the filter has more than 100 conditions");
                return;
        }
        if (!json_is_object(node)) {
                fault(k, path, "", "type", "must be an object");
                return;
        }
        if (!list) {
                compile_condition(k, node, path);
                return;
        }
        if (json_len(node) != 1)
                fault(k, path, "", "additionalProperties", "takes and or or, alone");
        if (!json_is_array(list)) {
                fault(k, path, all ? "/and" : "/or", "type", "must be an array");
                return;
        }
        if (depth >= GRID_FILTER_DEPTH) {
                fault(k, path, "", "maxDepth", "the filter is nested deeper than 8");
                return;
        }
        buf_add_c(&k->q->sql, json_len(list) ? "(" : all ? "(true" : "(false");
        JSON_EACH_ITEM (i, item, list) {
                if (i)
                        buf_add_c(&k->q->sql, all ? " AND " : " OR ");
                compile_node(k, item,
                             arena_printf(k->ctx->arena, "%s/%s/%zu", path, all ? "and" : "or", i),
                             depth + 1);
                if (k->nodes > GRID_FILTER_NODES)
                        break;
        }
        buf_add_char(&k->q->sql, ')');
}

enum err grid_filter_sql(struct ctx *ctx, const struct grid_table *t, const struct json *filter,
                         const char *path, struct grid_sql *q)
{
        struct compile k = {.ctx = ctx, .t = t, .q = q};

        if (json_is_null(filter)) {
                buf_add(&q->sql, STR("true"));
                return OK;
        }
        compile_node(&k, filter, path, 0);
        if (k.faults)
                return fail(ctx, ERR_VALIDATION, "the filter is not valid");
        return OK;
}
