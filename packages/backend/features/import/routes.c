/* Routes of the import feature. */
#include "features/import/service.h"

static enum err find_file(struct ctx *ctx, const struct req *req, struct http_file **ret)
{
        for (size_t i = 0; i < req->files.len; i++) {
                if (str_eq(req->files.ptr[i].field, STR("file"))) {
                        *ret = &req->files.ptr[i];
                        return OK;
                }
        }
        ctx_fault(ctx, STR("/file"), "required", "the form needs a file in the field \"file\"");
        return fail(ctx, ERR_VALIDATION, "no file was sent");
}

static struct str form_field(const struct req *req, const char *name)
{
        for (size_t i = 0; i < req->form.len; i++)
                if (str_eq_c(req->form.ptr[i].name, name))
                        return req->form.ptr[i].value;
        return STR("");
}

static void write_preview(struct json_out *o, const struct import_new *n, struct str table_id)
{
        const struct import_preview *p = &n->preview;

        out_object(o, "data");
        out_str(o, "importId", n->id);
        out_str(o, "tableId", table_id);
        out_str(o, "fileName", n->file_name);
        import_dialect_write(o, "dialect", &p->dialect);
        import_columns_write(o, "columns", &p->columns);
        out_raw(o, "rows", p->rows);
        out_i64(o, "rowsTotal", p->rows_total);
        out_bool(o, "rowsTotalIsEstimate", !p->rows_exact);
        import_faults_write(o, "faults", &p->faults);
        out_i64(o, "faultCount", p->faults.count);
        out_end_object(o);
}

static enum err create(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct str table_id = req_param(req, "tableId");
        struct http_file *file = NULL;
        struct import_new new;
        struct json_out o;

        TRY(find_file(ctx, req, &file));
        TRY(import_create(ctx, req_param(req, "workspaceId"), table_id, file,
                          form_field(req, "options"), &new));
        reply_begin(out, 201, &o);
        write_preview(&o, &new, table_id);
        return reply_end(ctx, out, &o, NULL);
}

static enum err reply_view(struct ctx *ctx, const struct req *req, struct reply *out, int status)
{
        struct import_view view;

        TRY(import_get(ctx, req_param(req, "workspaceId"), req_param(req, "importId"), &view));
        return reply_json(ctx, out, status, &import_view_desc, &view);
}

static enum err commit(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct import_commit in = {0};

        TRY(req_decode(ctx, req, &import_commit_desc, &in));
        TRY(import_commit_start(ctx, req_param(req, "workspaceId"), req_param(req, "importId"),
                                &in));
        return reply_view(ctx, req, out, 202);
}

static enum err get(struct ctx *ctx, const struct req *req, struct reply *out)
{
        return reply_view(ctx, req, out, 200);
}

static const char preview_schema[] =
        "{\"title\":\"ImportPreview\",\"type\":\"object\",\"required\":[\"importId\",\"dialect\","
        "\"columns\",\"rows\",\"faults\"],\"properties\":{"
        "\"importId\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"tableId\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"},"
        "\"fileName\":{\"type\":\"string\"},"
        "\"dialect\":{\"type\":\"object\",\"properties\":{\"delimiter\":{\"type\":\"string\"},"
        "\"quote\":{\"type\":\"string\"},\"newline\":{\"type\":\"string\",\"enum\":[\"LF\","
        "\"CRLF\",\"CR\",\"\"]},\"encoding\":{\"type\":\"string\"},"
        "\"hasHeader\":{\"type\":\"boolean\"}}},"
        "\"columns\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"header\","
        "\"name\",\"type\",\"samples\"],\"properties\":{\"header\":{\"type\":\"string\"},"
        "\"name\":{\"type\":\"string\"},\"type\":{\"type\":\"string\",\"enum\":[\"text\","
        "\"number\",\"boolean\",\"date\",\"url\",\"email\",\"phone\"]},"
        "\"suggestedKey\":{\"type\":\"string\"},"
        "\"samples\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
        "\"monthFirst\":{\"type\":\"boolean\"},\"decimalComma\":{\"type\":\"boolean\"},"
        "\"empty\":{\"type\":\"boolean\"}}}},"
        "\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}"
        "}},"
        "\"rowsTotal\":{\"type\":\"integer\"},\"rowsTotalIsEstimate\":{\"type\":\"boolean\"},"
        "\"faults\":{\"type\":\"array\",\"items\":" IMPORT_FAULT_SCHEMA "},"
        "\"faultCount\":{\"type\":\"integer\"}}}";

static const struct route routes[] = {
        {HTTP_POST, "/imports", ROLE_MEMBER, create, .reply_schema = preview_schema, .status = 201,
         .flags = ROUTE_MULTIPART, .summary = "Upload a CSV file for a new table"},
        {HTTP_POST, "/tables/:tableId/imports", ROLE_MEMBER, create, .reply_schema = preview_schema,
         .status = 201, .flags = ROUTE_MULTIPART, .summary = "Upload a CSV file for this table"},
        {HTTP_POST, "/imports/:importId/commit", ROLE_MEMBER, commit, .body = &import_commit_desc,
         .reply = &import_view_desc, .status = 202, .summary = "Import the uploaded file"},
        {HTTP_GET, "/imports/:importId", ROLE_VIEWER, get, .reply = &import_view_desc,
         .summary = "Progress of an import"},
        {0},
};
const struct router import_router = {"/workspaces/:workspaceId", "import", routes};
