/* Making, changing and deleting tables and columns. See service.h and table.h. */
#include "features/table/service.h"

#include <string.h>
#include "features/event/event.h"
#include "features/provider/provider.h"
#include "text/fold.h"

#define WIDTH_DEFAULT 180
#define DDL_TRIES     5

static struct db *db_of(struct ctx *ctx)
{
        return ctx->app->db;
}

static struct str user_of(const struct ctx *ctx)
{
        return ctx->actor ? ctx->actor->user_id : STR_NULL;
}

static enum err publish(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                        const char *kind, struct str column_id)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, ctx->arena, 4096);
        out_object(&o, NULL);
        out_str(&o, "tableId", t->id);
        out_c(&o, "kind", kind);
        if (column_id.ptr)
                out_str(&o, "columnId", column_id);
        out_end_object(&o);
        return event_publish(ctx, tx, t->id, EVENT_TABLE_CHANGED, buf_str(&b));
}

/* ---- keys ---- */

static bool key_taken(const struct grid_table *t, struct str key, const struct grid_column *but)
{
        const struct grid_column *c = grid_column_by_key(t, key);

        return c && c != but;
}

/* Letters and digits of the name, joined by _: "Société Générale" gives societe_generale. */
static struct str slug(struct ctx *ctx, struct str name)
{
        struct str folded = text_fold(ctx->arena, name);
        struct buf b;

        buf_init(&b, ctx->arena, 64);
        for (size_t i = 0; i < folded.len && b.len < 50; i++) {
                char c = folded.ptr[i];

                if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && b.len))
                        buf_add_char(&b, c);
                else if (b.len && b.ptr[b.len - 1] != '_')
                        buf_add_char(&b, '_');
        }
        while (b.len && b.ptr[b.len - 1] == '_')
                b.len--;
        return b.len ? str_dup(ctx->arena, buf_str(&b)) : STR("column");
}

/* The key of the field that the name means, else a slug; with a number when it is taken. */
static struct str make_key(struct ctx *ctx, const struct grid_table *t, struct str name)
{
        double score = 0;
        const struct field *field = field_find_by_alias(name, &score);
        struct str base = slug(ctx, name), key = base;

        if (field && score >= 1 && !key_taken(t, str_from(field->key), NULL))
                return str_from(field->key);
        for (int n = 2; key_taken(t, key, NULL); n++)
                key = str_printf(ctx->arena, "%.*s_%d", FMT(base), n);
        return key;
}

static enum err check_options(struct ctx *ctx, enum grid_type type, const struct json *options)
{
        const struct json *choices = json_member(options, "choices");

        if (!options || json_is_null(options) || type != GRID_SELECT || !choices)
                return OK;
        JSON_EACH_ITEM (i, item, choices)
                if (!json_is_string(item) || !json_get_str(item).len ||
                    json_get_str(item).len > 200)
                        ctx_fault(ctx, str_printf(ctx->arena, "/options/choices/%zu", i), "type",
                                  "must be a text of 1 to 200 bytes");
        if (!json_is_array(choices) || json_len(choices) > 500)
                ctx_fault(ctx, STR("/options/choices"), "type",
                          "must be an array of at most 500 texts");
        return ctx->faults.len ? fail(ctx, ERR_VALIDATION, "the column's options are not valid")
                               : OK;
}

/* ---- tables ---- */

/* The column with its row in table_columns; the grid's own column is made by the caller. */
static enum err append_column(struct ctx *ctx, struct tx *tx, struct grid_table *t,
                              const struct column_new *in, struct grid_column **ret)
{
        struct grid_column c = {
                .key = in->key.ptr ? in->key : make_key(ctx, t, in->name),
                .name = in->name,
                .type = in->type,
                .position = t->columns.len ? t->columns.ptr[t->columns.len - 1].position + 1 : 1,
                .width = in->width ? in->width : WIDTH_DEFAULT,
                .hidden = in->hidden,
                .options = json_is_null(in->options) ? NULL : in->options,
        };

        TRY(check_options(ctx, c.type, c.options));
        if (t->columns.len >= GRID_COLUMNS_MAX)
                return fail(ctx, ERR_CONFLICT, "a table has at most %d columns", GRID_COLUMNS_MAX);
        if (key_taken(t, c.key, NULL)) {
                ctx_fault(ctx, STR("/key"), "unique", "is another column's key");
                return fail(ctx, ERR_CONFLICT, "the key %.*s is another column's", FMT(c.key));
        }
        TRY(repo_column_insert(tx, t->id, &c));
        LIST_PUSH(ctx->arena, &t->columns, c);
        *ret = &t->columns.ptr[t->columns.len - 1];
        return OK;
}

enum err table_create(struct ctx *ctx, struct tx *tx, struct str workspace_id, struct str user_id,
                      struct str name, const column_new_list *columns, bool bare,
                      struct grid_table *ret)
{
        struct grid_table t = {.workspace_id = workspace_id, .name = name, .next_position = 1};
        struct grid_column *made;

        TRY(repo_table_insert(tx, workspace_id, name, user_id, &t.id));
        grid_name_table(&t);
        LIST_EACH (c, columns)
                TRY(append_column(ctx, tx, &t, c, &made));
        TRY(bare ? grid_create_bare(ctx, tx, &t) : grid_create(ctx, tx, &t));
        TRY(audit_write(ctx, tx, workspace_id, "table.created", "table", t.id, STR_NULL));
        return grid_load(ctx, tx, workspace_id, t.id, ret);
}

enum err table_make(struct ctx *ctx, struct str workspace_id, struct str name,
                    const column_new_list *columns, struct grid_table *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};

        TRY(tx_begin(ctx, db_of(ctx), &tx));
        TRY(table_create(ctx, &tx, workspace_id, user_of(ctx), name, columns, false, ret));
        return tx_commit(&tx);
}

enum err table_list(struct ctx *ctx, struct str workspace_id, int64_t limit, struct str cursor,
                    table_item_list *ret, struct page *ret_page)
{
        struct str time = STR_NULL, id = STR_NULL;

        if (cursor.ptr) {
                TRY(cursor_decode(ctx, cursor, &time, &id));
                if (!str_is_uuid(id) || !value_is_date(ctx->arena, time, &(struct str){0}))
                        return fail(ctx, ERR_VALIDATION, "the cursor is not one of this list");
        }
        TRY(repo_table_list(ctx, db_of(ctx), workspace_id, time, id, limit + 1, ret));
        *ret_page = (struct page){.limit = limit, .total = -1};
        if ((int64_t)ret->len > limit) {
                ret->len--;
                struct table_item *last = &ret->ptr[ret->len - 1];

                ret_page->next_cursor = cursor_encode(ctx, last->cursor_time, last->id);
        }
        return OK;
}

enum err table_get(struct ctx *ctx, struct str workspace_id, struct str table_id,
                   struct grid_table *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};

        TRY(tx_begin(ctx, db_of(ctx), &tx));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, ret));
        return tx_commit(&tx);
}

/*
 * One change under the table's row lock, then published. What alters the grid waits only briefly
 * for its locks, so that readers do not queue up behind it, and tries again.
 */
struct change {
        struct str workspace_id, table_id, column_id;
        const char *kind;
        enum err (*fn)(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c);
        const void *input;
        struct grid_table table; /* as it is afterwards */
};

static enum err change_once(struct ctx *ctx, struct change *c)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_table t;

        TRY(tx_begin(ctx, db_of(ctx), &tx));
        TRY(tx_script(&tx, "SET LOCAL lock_timeout = '1s'"));
        TRY(repo_table_lock(&tx, c->workspace_id, c->table_id));
        TRY(grid_load(ctx, &tx, c->workspace_id, c->table_id, &t));
        TRY(c->fn(ctx, &tx, &t, c));
        TRY(repo_table_touch(&tx, t.id));
        TRY(publish(ctx, &tx, &t, c->kind, c->column_id));
        TRY(grid_load(ctx, &tx, c->workspace_id, c->table_id, &c->table));
        return tx_commit(&tx);
}

static enum err change(struct ctx *ctx, struct change *c)
{
        enum err e = OK;

        for (int tries = 0; tries < DDL_TRIES; tries++) {
                ctx_clear(ctx);
                e = change_once(ctx, c);
                bool lost = e == ERR_CONFLICT && (strcmp(db_sqlstate(ctx), "55P03") == 0 ||
                                                  strcmp(db_sqlstate(ctx), "40P01") == 0);

                if (!lost)
                        return e;
        }
        ctx->retry_after_ms = 2000;
        return fail(ctx, ERR_UNAVAILABLE, "the table is busy, try again");
}

static enum err do_rename(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c)
{
        return repo_table_rename(tx, t->id, *(const struct str *)c->input);
}

enum err table_rename(struct ctx *ctx, struct str workspace_id, struct str table_id,
                      struct str name, struct grid_table *ret)
{
        struct change c = {.workspace_id = workspace_id,
                           .table_id = table_id,
                           .kind = "renamed",
                           .fn = do_rename,
                           .input = &name};

        TRY(change(ctx, &c));
        *ret = c.table;
        return OK;
}

static enum err refuse_in_use(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                              struct str column_id)
{
        bool in_use;

        TRY(repo_in_use(tx, t->id, column_id, &in_use));
        return in_use ? fail(ctx, ERR_CONFLICT,
                             "an enrichment job is at work on this %s; cancel it first",
                             column_id.ptr ? "column" : "table")
                      : OK;
}

static enum err delete_once(struct ctx *ctx, struct str workspace_id, struct str table_id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_table t;

        TRY(tx_begin(ctx, db_of(ctx), &tx));
        TRY(tx_script(&tx, "SET LOCAL lock_timeout = '1s'"));
        TRY(repo_table_lock(&tx, workspace_id, table_id));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, &t));
        TRY(refuse_in_use(ctx, &tx, &t, STR_NULL));
        TRY(publish(ctx, &tx, &t, "deleted", STR_NULL));
        TRY(repo_table_delete(&tx, t.id));
        TRY(grid_drop(ctx, &tx, &t));
        TRY(audit_write(ctx, &tx, workspace_id, "table.deleted", "table", t.id, STR_NULL));
        return tx_commit(&tx);
}

enum err table_delete(struct ctx *ctx, struct str workspace_id, struct str table_id)
{
        for (int tries = 0; tries < DDL_TRIES; tries++) {
                ctx_clear(ctx);
                enum err e = delete_once(ctx, workspace_id, table_id);
                bool lost = e == ERR_CONFLICT && (strcmp(db_sqlstate(ctx), "55P03") == 0 ||
                                                  strcmp(db_sqlstate(ctx), "40P01") == 0);

                if (!lost)
                        return e;
        }
        ctx->retry_after_ms = 2000;
        return fail(ctx, ERR_UNAVAILABLE, "the table is busy, try again");
}

/* ---- columns ---- */

enum err table_add_column(struct ctx *ctx, struct tx *tx, struct grid_table *table,
                          const struct column_new *column, const struct grid_column **ret)
{
        struct grid_column *made;

        TRY(repo_table_lock(tx, table->workspace_id, table->id));
        TRY(append_column(ctx, tx, table, column, &made));
        TRY(grid_add_column(ctx, tx, table, made));
        TRY(repo_table_touch(tx, table->id));
        TRY(publish(ctx, tx, table, "column.added", made->id));
        *ret = made;
        return OK;
}

static enum err do_add(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c)
{
        struct grid_column *made;

        TRY(append_column(ctx, tx, t, c->input, &made));
        TRY(grid_add_column(ctx, tx, t, made));
        c->column_id = made->id;
        return OK;
}

static enum err take_column(struct ctx *ctx, const struct change *c, struct grid_column *ret)
{
        const struct grid_column *found = grid_column_find(&c->table, c->column_id);

        if (!found)
                return fail_not_found(ctx, "column");
        *ret = *found;
        return OK;
}

enum err column_add(struct ctx *ctx, struct str workspace_id, struct str table_id,
                    const struct column_new *column, struct grid_column *ret)
{
        struct change c = {.workspace_id = workspace_id,
                           .table_id = table_id,
                           .kind = "column.added",
                           .fn = do_add,
                           .input = column};

        TRY(change(ctx, &c));
        return take_column(ctx, &c, ret);
}

static enum err do_patch(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c)
{
        const struct column_patch *p = c->input;
        const struct grid_column *old = grid_column_find(t, c->column_id);

        if (!old)
                return fail_not_found(ctx, "column");
        struct grid_column now = *old;

        if (p->name.ptr)
                now.name = p->name;
        if (p->key.ptr)
                now.key = p->key;
        if (p->has_width)
                now.width = p->width;
        if (p->has_hidden)
                now.hidden = p->hidden;
        if (p->has_options)
                now.options = json_is_null(p->options) ? NULL : p->options;
        if (p->has_type)
                now.type = p->type;
        TRY(check_options(ctx, now.type, now.options));
        if (key_taken(t, now.key, old)) {
                ctx_fault(ctx, STR("/key"), "unique", "is another column's key");
                return fail(ctx, ERR_CONFLICT, "the key %.*s is another column's", FMT(now.key));
        }
        TRY(repo_column_update(tx, &now));
        if (now.type == old->type && !(now.type == GRID_SELECT && p->has_options))
                return OK;
        TRY(refuse_in_use(ctx, tx, t, old->id));
        return grid_retype(ctx, tx, t, old, now.type, now.options, NULL);
}

enum err column_change(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       struct str column_id, const struct column_patch *patch,
                       struct grid_column *ret)
{
        struct change c = {.workspace_id = workspace_id,
                           .table_id = table_id,
                           .column_id = column_id,
                           .kind = "column.changed",
                           .fn = do_patch,
                           .input = patch};

        TRY(change(ctx, &c));
        return take_column(ctx, &c, ret);
}

/* The order of the columns with one taken out and, unless `to` is 0, put back at place `to`. */
static str_list arranged(struct ctx *ctx, const struct grid_table *t, struct str column_id,
                         int64_t to)
{
        str_list order = {0};

        LIST_EACH (c, &t->columns) {
                if (to && (int64_t)order.len + 1 == to)
                        LIST_PUSH(ctx->arena, &order, column_id);
                if (!str_eq_nocase(c->id, column_id))
                        LIST_PUSH(ctx->arena, &order, c->id);
        }
        if (to && order.len < t->columns.len)
                LIST_PUSH(ctx->arena, &order, column_id);
        return order;
}

static enum err do_move(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c)
{
        int64_t to = *(const int64_t *)c->input;

        if (!grid_column_find(t, c->column_id))
                return fail_not_found(ctx, "column");
        to = MAX_OF(1, MIN_OF(to, (int64_t)t->columns.len));
        str_list order = arranged(ctx, t, c->column_id, to);

        return repo_columns_arrange(ctx, tx, t->id, &order);
}

enum err column_move(struct ctx *ctx, struct str workspace_id, struct str table_id,
                     struct str column_id, int64_t position, struct grid_table *ret)
{
        struct change c = {.workspace_id = workspace_id,
                           .table_id = table_id,
                           .column_id = column_id,
                           .kind = "column.moved",
                           .fn = do_move,
                           .input = &position};

        TRY(change(ctx, &c));
        *ret = c.table;
        return OK;
}

static enum err do_drop(struct ctx *ctx, struct tx *tx, struct grid_table *t, struct change *c)
{
        const struct grid_column *column = grid_column_find(t, c->column_id);

        if (!column)
                return fail_not_found(ctx, "column");
        TRY(refuse_in_use(ctx, tx, t, column->id));
        TRY(repo_column_delete(tx, column->id));
        TRY(grid_drop_column(ctx, tx, t, column));
        str_list order = arranged(ctx, t, column->id, 0);

        TRY(repo_columns_arrange(ctx, tx, t->id, &order));
        return audit_write(ctx, tx, t->workspace_id, "column.deleted", "column", column->id,
                           STR_NULL);
}

enum err column_delete(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       struct str column_id)
{
        struct change c = {.workspace_id = workspace_id,
                           .table_id = table_id,
                           .column_id = column_id,
                           .kind = "column.deleted",
                           .fn = do_drop};

        return change(ctx, &c);
}
