/* Routes of records. */
#include "features/provider/provider.h"
#include "features/record/service.h"

/* ---- schemas: data and cells are keyed by column ids, which no struct describes ---- */

#define RECORD_SCHEMA                                                                             \
        "{\"type\":\"object\",\"required\":[\"id\",\"position\",\"version\",\"createdAt\","       \
        "\"updatedAt\",\"data\",\"cells\"],\"properties\":{\"id\":{\"type\":\"string\",\"format"  \
        "\":\"uuid\"},\"position\":{\"type\":\"integer\"},\"version\":{\"type\":\"integer\"},"    \
        "\"createdAt\":{\"type\":\"string\",\"format\":\"date-time\"},\"updatedAt\":{\"type\":"   \
        "\"string\",\"format\":\"date-time\"},\"data\":{\"type\":\"object\"},\"cells\":{\"type\"" \
        ":\"object\",\"additionalProperties\":{\"type\":\"object\",\"required\":[\"status\"],"    \
        "\"properties\":{\"status\":{\"enum\":[\"empty\",\"queued\",\"running\",\"complete\","    \
        "\"not_found\",\"failed\",\"manual\"]},\"provider\":{\"type\":\"string\"},\"source\":{"   \
        "\"type\":\"string\"},\"confidence\":{\"type\":\"number\"},\"costCredits\":{\"type\":"    \
        "\"integer\"},\"jobId\":{\"type\":\"string\"},\"updatedAt\":{\"type\":\"string\"},"       \
        "\"error\":{\"type\":\"string\"},\"raw\":{\"type\":\"boolean\"}}}}}}"
#define RECORDS_SCHEMA "{\"type\":\"array\",\"items\":" RECORD_SCHEMA "}"
#define DATA_SCHEMA    "\"type\":\"object\",\"maxProperties\":500"

struct data_input {
        const struct json *data;
};
typedef LIST(struct data_input) data_input_list;

struct insert_input {
        data_input_list records;
};

struct update_item {
        struct str id;
        int64_t version;
        bool has_version;
        const struct json *data;
};
typedef LIST(struct update_item) update_item_list;

struct update_input {
        update_item_list updates;
};

struct delete_input {
        str_list ids;
};

static const struct desc_field data_fields[] = {
        DESC_F(data_input, data, "data", DESC_JSON, .schema = DATA_SCHEMA),
        {0},
};
static const struct desc data_desc = DESC("RecordInput", data_input, data_fields);

static const struct desc_field insert_fields[] = {
        DESC_F(insert_input, records, "records", DESC_LIST_OF, .sub = &data_desc,
               .schema = "\"minItems\":1,\"maxItems\":1000"),
        {0},
};
static const struct desc insert_desc = DESC("RecordsInput", insert_input, insert_fields);

static const struct desc_field update_item_fields[] = {
        DESC_F(update_item, id, "id", DESC_UUID),
        DESC_F(update_item, version, "version", DESC_I64, .flags = DESC_OPTIONAL,
               DESC_HAS(update_item, has_version)),
        DESC_F(update_item, data, "data", DESC_JSON, .schema = DATA_SCHEMA),
        {0},
};
static const struct desc update_item_desc = DESC("RecordUpdate", update_item, update_item_fields);

static const struct desc_field update_fields[] = {
        DESC_F(update_input, updates, "updates", DESC_LIST_OF, .sub = &update_item_desc,
               .schema = "\"minItems\":1,\"maxItems\":1000"),
        {0},
};
static const struct desc update_desc = DESC("RecordUpdates", update_input, update_fields);

static const struct desc_field delete_fields[] = {
        DESC_F(delete_input, ids, "ids", DESC_LIST_STR,
               .schema = "\"minItems\":1,\"maxItems\":1000,\"items\":{\"type\":\"string\","
                         "\"format\":\"uuid\"}"),
        {0},
};
static const struct desc delete_desc = DESC("RecordIds", delete_input, delete_fields);

struct list_input {
        int64_t limit, from;
        bool has_limit;
        struct str cursor;
        const struct json *sort, *filter;
};

static const struct desc_field list_fields[] = {
        DESC_F(list_input, limit, "limit", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1,\"maximum\":1000", DESC_HAS(list_input, has_limit)),
        DESC_F(list_input, cursor, "cursor", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":32768"),
        DESC_F(list_input, sort, "sort", DESC_JSON, .flags = DESC_OPTIONAL),
        DESC_F(list_input, filter, "filter", DESC_JSON, .flags = DESC_OPTIONAL),
        DESC_F(list_input, from, "from", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1"),
        {0},
};
static const struct desc list_desc = DESC("RecordsQuery", list_input, list_fields);

struct deleted_view {
        int64_t deleted;
};

static const struct desc_field deleted_fields[] = {
        DESC_F(deleted_view, deleted, "deleted", DESC_I64),
        {0},
};
static const struct desc deleted_desc = DESC("RecordsDeleted", deleted_view, deleted_fields);

static struct str workspace(const struct req *req)
{
        return req_param(req, "workspaceId");
}

static struct str param(struct ctx *ctx, const struct req *req, const char *name)
{
        return str_lower(ctx->arena, req_param(req, name));
}

/* ---- handlers ---- */

static enum err list_records(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct list_input in = {0};
        struct record_list_query q = {0};
        struct record_page p;
        struct json_out o;
        int i = 0;

        TRY(req_decode_query(ctx, req, &list_desc, &in));
        q.limit = in.has_limit ? in.limit : LIST_LIMIT_DEFAULT;
        q.cursor = in.cursor;
        q.from = in.from;
        q.sort = in.sort;
        q.filter = in.filter;
        TRY(record_list(ctx, workspace(req), param(ctx, req, "tableId"), &q, &p));
        reply_begin(out, 200, &o);
        out_array(&o, "data");
        while (i < p.count && out->body.len < RECORD_PAGE_BYTES)
                record_write(ctx, &o, NULL, &p.table, &p.rows, i++);
        out_end_array(&o);
        if (i > 0 && (p.more || i < p.count))
                record_page_end(ctx, &p, i - 1);
        return reply_end(ctx, out, &o, &p.meta);
}

static enum err reply_records(struct ctx *ctx, struct reply *out, int status,
                              const struct grid_table *t, const struct record_rows *r)
{
        struct json_out o;

        reply_begin(out, status, &o);
        out_array(&o, "data");
        for (int i = 0; i < r->rows.rows; i++)
                record_write(ctx, &o, NULL, t, r, i);
        out_end_array(&o);
        return reply_end(ctx, out, &o, NULL);
}

static enum err insert_records(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct grid_table t;
        struct record_rows r;

        TRY(record_insert(ctx, workspace(req), param(ctx, req, "tableId"),
                          json_member(req->json, "records"), &t, &r));
        return reply_records(ctx, out, 201, &t, &r);
}

static enum err update_records(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct grid_table t;
        struct record_rows r;

        TRY(record_update(ctx, workspace(req), param(ctx, req, "tableId"),
                          json_member(req->json, "updates"), &t, &r));
        return reply_records(ctx, out, 200, &t, &r);
}

static enum err delete_records(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct deleted_view v;

        TRY(record_delete(ctx, workspace(req), param(ctx, req, "tableId"),
                          json_member(req->json, "ids"), &v.deleted));
        return reply_json(ctx, out, 200, &deleted_desc, &v);
}

static enum err get_record(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct grid_table t;
        struct record_rows r;
        struct json_out o;

        TRY(record_get(ctx, workspace(req), param(ctx, req, "tableId"), param(ctx, req, "recordId"),
                       &t, &r));
        reply_begin(out, 200, &o);
        record_write(ctx, &o, "data", &t, &r, 0);
        return reply_end(ctx, out, &o, NULL);
}

/* ---- provenance ---- */

enum {
        TRY_COLUMN,
        TRY_JOB,
        TRY_INDEX,
        TRY_FIELD,
        TRY_PROVIDER,
        TRY_OUTCOME,
        TRY_CREDITS,
        TRY_CONFIDENCE,
        TRY_LATENCY,
        TRY_CACHED,
        TRY_STARTED,
        TRY_ERROR
};

static void write_attempt(struct ctx *ctx, struct json_out *o, struct str record_id,
                          const struct db_result *r, int row)
{
        out_object(o, NULL);
        out_str(o, "idempotencyKey",
                str_printf(ctx->arena, "%.*s:%.*s:%.*s:%.*s", FMT(db_text(r, row, TRY_JOB)),
                           FMT(db_text(r, row, TRY_INDEX)), FMT(db_text(r, row, TRY_FIELD)),
                           FMT(db_text(r, row, TRY_PROVIDER))));
        out_str(o, "recordId", record_id);
        out_str(o, "columnId", db_text(r, row, TRY_COLUMN));
        out_str(o, "provider", db_text(r, row, TRY_PROVIDER));
        out_str(o, "outcome", db_text(r, row, TRY_OUTCOME));
        out_i64(o, "credits", db_i64(r, row, TRY_CREDITS));
        if (!db_is_null(r, row, TRY_CONFIDENCE))
                out_raw(o, "confidence", db_text(r, row, TRY_CONFIDENCE));
        out_i64(o, "latencyMs", db_i64(r, row, TRY_LATENCY));
        out_bool(o, "cached", db_bool(r, row, TRY_CACHED));
        out_str(o, "startedAt", desc_time(ctx->arena, db_text(r, row, TRY_STARTED)));
        if (!db_is_null(r, row, TRY_ERROR))
                out_str(o, "error", db_text(r, row, TRY_ERROR));
        out_end_object(o);
}

static struct str provider_title(struct ctx *ctx, struct str slug)
{
        const struct provider_def *def =
                slug.ptr && ctx->app->providers ? provider_find(ctx->app->providers, slug) : NULL;

        return def ? def->name : slug;
}

static void write_provenance(struct ctx *ctx, struct json_out *o, const struct record_provenance *p,
                             size_t column)
{
        const struct db_result *cells = &p->rows.cells;
        struct str record_id = db_text(&p->rows.rows, 0, 0);
        struct str column_id = p->table.columns.ptr[column].id;
        int cell = record_cell(&p->rows, record_id, column_id);

        out_object(o, NULL);
        out_c(o, "status",
              record_status(&p->rows, cell, record_has_value(&p->table, &p->rows, 0, column)));
        if (cell >= 0) {
                struct str slug = db_text(cells, cell, CELL_PROVIDER);

                out_str(o, "provider", slug);
                out_str(o, "providerName", provider_title(ctx, slug));
                out_str(o, "source", db_text(cells, cell, CELL_SOURCE));
                out_raw(o, "confidence",
                        db_is_null(cells, cell, CELL_CONFIDENCE)
                                ? STR("null")
                                : db_text(cells, cell, CELL_CONFIDENCE));
                out_raw(o, "costCredits",
                        db_is_null(cells, cell, CELL_COST) ? STR("null")
                                                           : db_text(cells, cell, CELL_COST));
                out_str(o, "jobId", db_text(cells, cell, CELL_JOB));
                out_str(o, "updatedAt", desc_time(ctx->arena, db_text(cells, cell, CELL_UPDATED)));
                out_str(o, "error", db_text(cells, cell, CELL_ERROR));
                if (!db_is_null(cells, cell, CELL_RAW))
                        out_bool(o, "raw", true);
        }
        out_array(o, "attempts");
        for (int i = 0; i < p->attempts.rows; i++)
                if (str_eq(db_text(&p->attempts, i, TRY_COLUMN), column_id))
                        write_attempt(ctx, o, record_id, &p->attempts, i);
        out_end_array(o);
        out_end_object(o);
}

static enum err get_provenance(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct record_provenance p;
        struct json_out o;

        TRY(record_provenance(ctx, workspace(req), param(ctx, req, "tableId"),
                              param(ctx, req, "recordId"), &p));
        reply_begin(out, 200, &o);
        out_object(&o, "data");
        out_str(&o, "recordId", db_text(&p.rows.rows, 0, 0));
        out_object(&o, "cells");
        for (size_t i = 0; i < p.table.columns.len; i++) {
                out_key_str(&o, p.table.columns.ptr[i].id);
                write_provenance(ctx, &o, &p, i);
        }
        out_end_object(&o);
        out_end_object(&o);
        return reply_end(ctx, out, &o, NULL);
}

static const struct route routes[] = {
        {HTTP_GET, "/records", ROLE_VIEWER, list_records, .query = &list_desc,
         .reply_schema = RECORDS_SCHEMA, .list = true,
         .summary = "List records; sort and filter are JSON, from is the least position"},
        {HTTP_POST, "/records", ROLE_MEMBER, insert_records, .body = &insert_desc,
         .reply_schema = RECORDS_SCHEMA, .status = 201, .summary = "Add records"},
        {HTTP_PATCH, "/records", ROLE_MEMBER, update_records, .body = &update_desc,
         .reply_schema = RECORDS_SCHEMA,
         .summary = "Change cells of records, all or none; a stale version is a conflict"},
        {HTTP_DELETE, "/records", ROLE_MEMBER, delete_records, .body = &delete_desc,
         .reply = &deleted_desc, .summary = "Delete records"},
        {HTTP_GET, "/records/:recordId", ROLE_VIEWER, get_record, .reply_schema = RECORD_SCHEMA,
         .summary = "One record"},
        {HTTP_GET, "/records/:recordId/provenance", ROLE_VIEWER, get_provenance,
         .reply_schema = "{\"type\":\"object\",\"required\":[\"recordId\",\"cells\"],"
                         "\"properties\":{\"recordId\":{\"type\":\"string\"},\"cells\":{\"type\":"
                         "\"object\"}}}",
         .summary = "Where each cell's value came from, and every attempt made for it"},
        {0},
};
const struct router record_router = {"/workspaces/:workspaceId/tables/:tableId", "records", routes};
