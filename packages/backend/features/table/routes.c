/* Routes of tables and columns. */
#include "features/table/service.h"
#include "features/table/table.h"

#include <string.h>

#define TYPE_SCHEMA                                                                         \
        "\"enum\":[\"text\",\"number\",\"boolean\",\"date\",\"url\",\"email\",\"phone\",\"" \
        "select\",\"json\"]"
#define NAME_SCHEMA  "\"minLength\":1,\"maxLength\":200,\"pattern\":\"\\\\S\""
#define KEY_SCHEMA   "\"pattern\":\"^[a-z][a-z0-9_]{0,62}$\""
#define WIDTH_SCHEMA "\"minimum\":40,\"maximum\":2000"

/* ---- answers ---- */

struct column_view {
        struct str id, key, name, type;
        int64_t position, width;
        bool hidden;
        const struct json *options;
};
typedef LIST(struct column_view) column_view_list;

struct table_view {
        struct str id, name, created_at, updated_at;
        int64_t row_count;
        column_view_list columns;
};

static const struct desc_field column_fields[] = {
        DESC_F(column_view, id, "id", DESC_UUID),
        DESC_F(column_view, key, "key", DESC_STR),
        DESC_F(column_view, name, "name", DESC_STR),
        DESC_F(column_view, type, "type", DESC_STR, .schema = TYPE_SCHEMA),
        DESC_F(column_view, position, "position", DESC_I64),
        DESC_F(column_view, width, "width", DESC_I64),
        DESC_F(column_view, hidden, "hidden", DESC_BOOL),
        DESC_F(column_view, options, "options", DESC_JSON, .flags = DESC_NULLABLE),
        {0},
};
static const struct desc column_desc = DESC("Column", column_view, column_fields);

static const struct desc_field item_fields[] = {
        DESC_F(table_item, id, "id", DESC_UUID),
        DESC_F(table_item, name, "name", DESC_STR),
        DESC_F(table_item, row_count, "rowCount", DESC_I64),
        DESC_F(table_item, created_at, "createdAt", DESC_TIME),
        DESC_F(table_item, updated_at, "updatedAt", DESC_TIME),
        {0},
};
static const struct desc item_desc = DESC("TableSummary", table_item, item_fields);

static const struct desc_field table_fields[] = {
        DESC_F(table_view, id, "id", DESC_UUID),
        DESC_F(table_view, name, "name", DESC_STR),
        DESC_F(table_view, row_count, "rowCount", DESC_I64),
        DESC_F(table_view, created_at, "createdAt", DESC_TIME),
        DESC_F(table_view, updated_at, "updatedAt", DESC_TIME),
        DESC_F(table_view, columns, "columns", DESC_LIST_OF, .sub = &column_desc),
        {0},
};
static const struct desc table_desc = DESC("Table", table_view, table_fields);

static struct column_view view_column(const struct grid_column *c)
{
        return (struct column_view){
                .id = c->id,
                .key = c->key,
                .name = c->name,
                .type = str_from(grid_type_name(c->type)),
                .position = c->position,
                .width = c->width,
                .hidden = c->hidden,
                .options = c->options,
        };
}

static enum err reply_table(struct ctx *ctx, struct reply *out, int status,
                            const struct grid_table *t)
{
        struct table_view v = {
                .id = t->id,
                .name = t->name,
                .created_at = t->created_at,
                .updated_at = t->updated_at,
                .row_count = t->row_count,
        };

        LIST_EACH (c, &t->columns)
                LIST_PUSH(ctx->arena, &v.columns, view_column(c));
        return reply_json(ctx, out, status, &table_desc, &v);
}

static enum err reply_column(struct ctx *ctx, struct reply *out, int status,
                             const struct grid_column *c)
{
        struct column_view v = view_column(c);

        return reply_json(ctx, out, status, &column_desc, &v);
}

/* ---- requests ---- */

struct column_input {
        struct str name, key, type;
        int64_t width;
        bool hidden, has_width, has_hidden, has_options;
        const struct json *options;
};
typedef LIST(struct column_input) column_input_list;

struct table_input {
        struct str name;
        column_input_list columns;
};

struct move_input {
        int64_t position;
};

#define COLUMN_OPTIONAL_FIELDS                                                                    \
        DESC_F(column_input, key, "key", DESC_STR, .flags = DESC_OPTIONAL, .schema = KEY_SCHEMA), \
                DESC_F(column_input, width, "width", DESC_I64, .flags = DESC_OPTIONAL,            \
                       .schema = WIDTH_SCHEMA, DESC_HAS(column_input, has_width)),                \
                DESC_F(column_input, hidden, "hidden", DESC_BOOL, .flags = DESC_OPTIONAL,         \
                       DESC_HAS(column_input, has_hidden)),                                       \
                DESC_F(column_input, options, "options", DESC_JSON,                               \
                       .flags = DESC_OPTIONAL | DESC_NULLABLE,                                    \
                       .schema = "\"type\":[\"object\",\"null\"],\"maxProperties\":50",           \
                       DESC_HAS(column_input, has_options))

static const struct desc_field column_new_fields[] = {
        DESC_F(column_input, name, "name", DESC_STR, .schema = NAME_SCHEMA),
        DESC_F(column_input, type, "type", DESC_STR, .flags = DESC_OPTIONAL, .schema = TYPE_SCHEMA),
        COLUMN_OPTIONAL_FIELDS,
        {0},
};
static const struct desc column_new_desc = DESC("ColumnInput", column_input, column_new_fields);

static const struct desc_field column_patch_fields[] = {
        DESC_F(column_input, name, "name", DESC_STR, .flags = DESC_OPTIONAL, .schema = NAME_SCHEMA),
        DESC_F(column_input, type, "type", DESC_STR, .flags = DESC_OPTIONAL, .schema = TYPE_SCHEMA),
        COLUMN_OPTIONAL_FIELDS,
        {0},
};
static const struct desc column_patch_desc =
        DESC("ColumnPatch", column_input, column_patch_fields, .schema = "\"minProperties\":1");

static const struct desc_field table_new_fields[] = {
        DESC_F(table_input, name, "name", DESC_STR, .schema = NAME_SCHEMA),
        DESC_F(table_input, columns, "columns", DESC_LIST_OF, .flags = DESC_OPTIONAL,
               .sub = &column_new_desc, .schema = "\"maxItems\":500"),
        {0},
};
static const struct desc table_new_desc = DESC("TableInput", table_input, table_new_fields);

static const struct desc_field table_patch_fields[] = {
        DESC_F(table_input, name, "name", DESC_STR, .schema = NAME_SCHEMA),
        {0},
};
static const struct desc table_patch_desc = DESC("TablePatch", table_input, table_patch_fields);

static const struct desc_field move_fields[] = {
        DESC_F(move_input, position, "position", DESC_I64,
               .schema = "\"minimum\":0,\"maximum\":100000"),
        {0},
};
static const struct desc move_desc = DESC("ColumnMove", move_input, move_fields);

static struct column_new new_column(const struct column_input *in)
{
        struct column_new c = {.key = in->key,
                               .name = in->name,
                               .type = GRID_TEXT,
                               .width = in->width,
                               .hidden = in->hidden,
                               .options = in->options};

        if (in->type.ptr && !grid_type_parse(in->type, &c.type))
                c.type = GRID_TEXT; /* the schema lets only types through */
        return c;
}

static struct str workspace(const struct req *req)
{
        return req_param(req, "workspaceId");
}

static struct str table(struct ctx *ctx, const struct req *req)
{
        return str_lower(ctx->arena, req_param(req, "tableId"));
}

static struct str column(struct ctx *ctx, const struct req *req)
{
        return str_lower(ctx->arena, req_param(req, "columnId"));
}

/* ---- handlers ---- */

static enum err list_tables(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct list_query q = {0};
        table_item_list items = {0};
        struct page page;

        TRY(req_decode_query(ctx, req, &list_query_desc, &q));
        TRY(table_list(ctx, workspace(req), q.has_limit ? q.limit : LIST_LIMIT_DEFAULT, q.cursor,
                       &items, &page));
        return reply_list(ctx, out, &item_desc, &items, &page);
}

static enum err create_table(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct table_input in = {0};
        column_new_list columns = {0};
        struct grid_table t;

        TRY(req_decode(ctx, req, &table_new_desc, &in));
        LIST_EACH (c, &in.columns)
                LIST_PUSH(ctx->arena, &columns, new_column(c));
        TRY(table_make(ctx, workspace(req), in.name, &columns, &t));
        return reply_table(ctx, out, 201, &t);
}

static enum err get_table(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct grid_table t;

        TRY(table_get(ctx, workspace(req), table(ctx, req), &t));
        return reply_table(ctx, out, 200, &t);
}

static enum err patch_table(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct table_input in = {0};
        struct grid_table t;

        TRY(req_decode(ctx, req, &table_patch_desc, &in));
        TRY(table_rename(ctx, workspace(req), table(ctx, req), in.name, &t));
        return reply_table(ctx, out, 200, &t);
}

static enum err delete_table(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(table_delete(ctx, workspace(req), table(ctx, req)));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err add_column(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct column_input in = {0};
        struct grid_column made;

        TRY(req_decode(ctx, req, &column_new_desc, &in));
        struct column_new c = new_column(&in);

        TRY(column_add(ctx, workspace(req), table(ctx, req), &c, &made));
        return reply_column(ctx, out, 201, &made);
}

static enum err patch_column(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct column_input in = {0};
        struct grid_column now;

        TRY(req_decode(ctx, req, &column_patch_desc, &in));
        struct column_patch p = {
                .name = in.name,
                .key = in.key,
                .width = in.width,
                .has_width = in.has_width,
                .hidden = in.hidden,
                .has_hidden = in.has_hidden,
                .options = in.options,
                .has_options = in.has_options,
        };

        p.has_type = in.type.ptr && grid_type_parse(in.type, &p.type);
        TRY(column_change(ctx, workspace(req), table(ctx, req), column(ctx, req), &p, &now));
        return reply_column(ctx, out, 200, &now);
}

static enum err delete_column(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(column_delete(ctx, workspace(req), table(ctx, req), column(ctx, req)));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err move_column(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct move_input in = {0};
        struct grid_table t;

        TRY(req_decode(ctx, req, &move_desc, &in));
        TRY(column_move(ctx, workspace(req), table(ctx, req), column(ctx, req), in.position, &t));
        return reply_table(ctx, out, 200, &t);
}

static const struct route routes[] = {
        {HTTP_GET, "/tables", ROLE_VIEWER, list_tables, .query = &list_query_desc,
         .reply = &item_desc, .list = true, .summary = "List tables"},
        {HTTP_POST, "/tables", ROLE_MEMBER, create_table, .body = &table_new_desc,
         .reply = &table_desc, .status = 201, .summary = "Create a table with its columns"},
        {HTTP_GET, "/tables/:tableId", ROLE_VIEWER, get_table, .reply = &table_desc,
         .summary = "A table and its columns"},
        {HTTP_PATCH, "/tables/:tableId", ROLE_MEMBER, patch_table, .body = &table_patch_desc,
         .reply = &table_desc, .summary = "Rename a table"},
        {HTTP_DELETE, "/tables/:tableId", ROLE_ADMIN, delete_table,
         .summary = "Delete a table and its records"},
        {HTTP_POST, "/tables/:tableId/columns", ROLE_MEMBER, add_column, .body = &column_new_desc,
         .reply = &column_desc, .status = 201, .summary = "Add a column at the end"},
        {HTTP_PATCH, "/tables/:tableId/columns/:columnId", ROLE_MEMBER, patch_column,
         .body = &column_patch_desc, .reply = &column_desc,
         .summary = "Change a column; a new type converts its values and loses none"},
        {HTTP_DELETE, "/tables/:tableId/columns/:columnId", ROLE_MEMBER, delete_column,
         .summary = "Delete a column and its values"},
        {HTTP_POST, "/tables/:tableId/columns/:columnId/move", ROLE_MEMBER, move_column,
         .body = &move_desc, .reply = &table_desc,
         .summary = "Move a column to a place, 1 being the first"},
        {0},
};
const struct router table_router = {"/workspaces/:workspaceId", "tables", routes};
