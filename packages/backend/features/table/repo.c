/* Statements on tables and table_columns. See repo.h. */
#include "features/table/repo.h"

#include "base/route.h"
#include "table_sql.h"

static void read_column(struct ctx *ctx, const struct db_result *r, int row,
                        struct grid_column *ret)
{
        struct str options = db_text(r, row, 12);

        ret->id = db_text(r, row, 5);
        ret->key = db_text(r, row, 6);
        ret->name = db_text(r, row, 7);
        if (!grid_type_parse(db_text(r, row, 8), &ret->type))
                ret->type = GRID_TEXT;
        ret->position = db_i64(r, row, 9);
        ret->width = db_i64(r, row, 10);
        ret->hidden = db_bool(r, row, 11);
        if (options.ptr && json_parse(ctx, options, &ret->options) != OK)
                ctx_clear(ctx);
        grid_name_column(ret);
}

enum err grid_load(struct ctx *ctx, struct tx *tx, struct str workspace_id, struct str table_id,
                   struct grid_table *ret)
{
        struct grid_table t = {.workspace_id = workspace_id};
        struct db_result r;

        if (!grid_uuid(ctx->arena, table_id, &t.id))
                return fail_not_found(ctx, "table");
        TRY(tx_query(tx, &sql_table_load, PARAMS(p_str(t.id), p_str(workspace_id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "table");
        t.name = db_text(&r, 0, 0);
        t.row_count = db_i64(&r, 0, 1);
        t.next_position = db_i64(&r, 0, 2);
        t.created_at = desc_time(ctx->arena, db_text(&r, 0, 3));
        t.updated_at = desc_time(ctx->arena, db_text(&r, 0, 4));
        grid_name_table(&t);
        for (int i = 0; i < r.rows; i++)
                if (!db_is_null(&r, i, 5))
                        read_column(ctx, &r, i, LIST_ADD(ctx->arena, &t.columns));
        *ret = t;
        return OK;
}

static const struct desc_field item_fields[] = {
        DESC_F(table_item, id, "id", DESC_UUID),
        DESC_F(table_item, name, "name", DESC_STR),
        DESC_F(table_item, row_count, "rowCount", DESC_I64),
        DESC_F(table_item, created_at, "createdAt", DESC_TIME),
        DESC_F(table_item, updated_at, "updatedAt", DESC_TIME),
        DESC_F(table_item, cursor_time, "cursorTime", DESC_STR),
        {0},
};
static const struct desc item_desc = DESC("TableItem", table_item, item_fields);

enum err repo_table_list(struct ctx *ctx, struct db *db, struct str workspace_id,
                         struct str after_time, struct str after_id, int64_t limit,
                         table_item_list *ret)
{
        struct db_result r;

        TRY(db_query(
                ctx, db, &sql_table_list,
                PARAMS(p_str(workspace_id), p_str(after_time), p_str(after_id), p_i64(ctx, limit)),
                &r));
        desc_from_rows(ctx, &item_desc, &r, ret);
        return OK;
}

enum err repo_table_lock(struct tx *tx, struct str workspace_id, struct str table_id)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_table_lock, PARAMS(p_str(table_id), p_str(workspace_id)), &r));
        return r.rows ? OK : fail_not_found(tx->ctx, "table");
}

enum err repo_table_insert(struct tx *tx, struct str workspace_id, struct str name,
                           struct str user_id, struct str *ret_id)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_table_insert,
                     PARAMS(p_str(workspace_id), p_str(name), p_str(user_id)), &r));
        *ret_id = db_text(&r, 0, 0);
        return OK;
}

enum err repo_table_rename(struct tx *tx, struct str table_id, struct str name)
{
        return tx_exec(tx, &sql_table_rename, PARAMS(p_str(table_id), p_str(name)), NULL);
}

enum err repo_table_touch(struct tx *tx, struct str table_id)
{
        return tx_exec(tx, &sql_table_touch, PARAMS(p_str(table_id)), NULL);
}

enum err repo_table_delete(struct tx *tx, struct str table_id)
{
        return tx_exec(tx, &sql_table_delete, PARAMS(p_str(table_id)), NULL);
}

enum err repo_in_use(struct tx *tx, struct str table_id, struct str column_id_or_null, bool *ret)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_table_in_use, PARAMS(p_str(table_id), p_str(column_id_or_null)), &r));
        *ret = r.rows > 0;
        return OK;
}

enum err repo_column_insert(struct tx *tx, struct str table_id, struct grid_column *column)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_column_insert,
                     PARAMS(p_str(table_id), p_str(column->key), p_str(column->name),
                            p_c(grid_type_name(column->type)), p_i64(tx->ctx, column->position),
                            p_i64(tx->ctx, column->width), p_bool(column->hidden),
                            p_json(tx->ctx, column->options)),
                     &r));
        column->id = db_text(&r, 0, 0);
        grid_name_column(column);
        return OK;
}

enum err repo_column_update(struct tx *tx, const struct grid_column *column)
{
        return tx_exec(tx, &sql_column_update,
                       PARAMS(p_str(column->id), p_str(column->name), p_i64(tx->ctx, column->width),
                              p_bool(column->hidden), p_json(tx->ctx, column->options),
                              p_c(grid_type_name(column->type)), p_str(column->key)),
                       NULL);
}

enum err repo_column_delete(struct tx *tx, struct str column_id)
{
        return tx_exec(tx, &sql_column_delete, PARAMS(p_str(column_id)), NULL);
}

enum err repo_columns_arrange(struct ctx *ctx, struct tx *tx, struct str table_id,
                              const str_list *column_ids)
{
        return tx_exec(tx, &sql_columns_arrange,
                       PARAMS(p_str(table_id), p_array_of(ctx, column_ids)), NULL);
}

enum err table_rows_added(struct ctx *ctx, struct tx *tx, struct str table_id, int64_t count,
                          int64_t *ret_position)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_table_rows_added, PARAMS(p_str(table_id), p_i64(ctx, count)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "table");
        *ret_position = db_i64(&r, 0, 0);
        return OK;
}

enum err table_rows_removed(struct ctx *ctx, struct tx *tx, struct str table_id, int64_t count)
{
        return tx_exec(tx, &sql_table_rows_removed, PARAMS(p_str(table_id), p_i64(ctx, count)),
                       NULL);
}
