/* Route of the export feature. */
#include "features/export/stream.h"

static const struct desc_field query_fields[] = {
        DESC_F(export_query, format, "format", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"enum\":[\"csv\",\"jsonl\"]"),
        DESC_F(export_query, ids, "ids", DESC_LIST_STR, .flags = DESC_OPTIONAL,
               .schema = "\"items\":{\"type\":\"string\",\"format\":\"uuid\"},"
                         "\"maxItems\":1000"),
        DESC_F(export_query, columns, "columns", DESC_LIST_STR, .flags = DESC_OPTIONAL,
               .schema = "\"items\":{\"type\":\"string\",\"format\":\"uuid\"},"
                         "\"maxItems\":500"),
        DESC_F(export_query, filter, "filter", DESC_JSON, .flags = DESC_OPTIONAL),
        DESC_F(export_query, provenance, "provenance", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"description\":\"1, or ids of the columns to add source and confidence "
                         "for\",\"maxLength\":20000"),
        DESC_F(export_query, bom, "bom", DESC_BOOL, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc query_desc = DESC("ExportQuery", export_query, query_fields);

/* attachment; with the name as plain ASCII and, percent-encoded, as it is (RFC 6266). */
static struct str disposition(struct arena *a, struct str name, const char *extension)
{
        struct buf b;

        buf_init(&b, a, 8192);
        buf_add_c(&b, "attachment; filename=\"");
        for (size_t i = 0; i < name.len; i++) {
                char c = name.ptr[i];
                bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                             (c >= 'a' && c <= 'z') || c == ' ' || c == '-' || c == '_' || c == '.';

                buf_add_char(&b, plain ? c : '_');
        }
        buf_printf(&b, ".%s\"; filename*=UTF-8''", extension);
        for (size_t i = 0; i < name.len; i++) {
                char c = name.ptr[i];

                if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
                        buf_add_char(&b, c);
                else
                        buf_printf(&b, "%%%02X", (unsigned)(unsigned char)c);
        }
        buf_printf(&b, ".%s", extension);
        return buf_str(&b);
}

static enum err export(struct ctx *ctx, const struct req *req, struct reply *out) {
        struct export_query q = {0}; struct export_stream * stream; struct str name; bool jsonl;

        TRY(req_decode_query(ctx, req, &query_desc, &q));
        TRY(export_open(ctx, req_param(req, "workspaceId"), req_param(req, "tableId"), &q,
                        req_query(req, "filter"), &name, &stream));
        jsonl = str_eq(q.format, STR("jsonl"));
        reply_header(out, "Content-Disposition",
                     disposition(ctx->arena, name, jsonl ? "jsonl" : "csv"));
        reply_stream(out, 200,
                     jsonl ? "application/x-ndjson; charset=utf-8" : "text/csv; charset=utf-8",
                     export_read, export_close, stream);
        return OK;
}

static const struct route routes[] = {
        {HTTP_GET, "/export", ROLE_VIEWER, export, .query = &query_desc, .flags = ROUTE_STREAMED,
         .media = "text/csv", .summary = "Export the table as CSV or JSON Lines"},
        {0},
};
const struct router export_router = {"/workspaces/:workspaceId/tables/:tableId", "export", routes};
