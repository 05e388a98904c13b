/* Imports from upload to commit: what the routes call. */
#include <sys/stat.h>
#include <unistd.h>
#include "crypto/crypto.h"
#include "features/import/service.h"
#include "import_sql.h"

static struct str json_of_columns(struct arena *a, const import_columns *c)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, a, 16 << 20);
        import_columns_write(&o, NULL, c);
        return buf_str(&b);
}

static struct str json_of_dialect(struct arena *a, const struct csv_dialect *d)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, a, 1024);
        import_dialect_write(&o, NULL, d);
        return buf_str(&b);
}

static struct str json_of_faults(struct arena *a, const struct import_faults *f)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, a, 1 << 20);
        import_faults_write(&o, NULL, f);
        return buf_str(&b);
}

/* ---- options of an upload ---- */

static void read_delimiter(struct ctx *ctx, const struct json *v, struct csv_dialect *d)
{
        struct str s = json_get_str(v);

        if (str_eq(s, STR("tab")) || str_eq(s, STR("\\t")))
                d->delimiter = '\t';
        else if (s.len == 1 && (s.ptr[0] == '\t' || (s.ptr[0] >= ' ' && s.ptr[0] <= '~')) &&
                 s.ptr[0] != '"')
                d->delimiter = s.ptr[0];
        else
                ctx_fault(ctx, STR("/options/delimiter"), "delimiter",
                          "must be one ASCII character other than a quote");
}

static void read_option(struct ctx *ctx, struct str key, const struct json *v,
                        struct csv_dialect *d)
{
        if (json_is_null(v))
                return;
        if (str_eq(key, STR("delimiter"))) {
                read_delimiter(ctx, v, d);
        } else if (str_eq(key, STR("encoding"))) {
                if (!csv_encoding_parse(json_get_str(v), &d->encoding))
                        ctx_fault(ctx, STR("/options/encoding"), "enum",
                                  "must be UTF-8, UTF-16LE, UTF-16BE or windows-1252");
        } else if (str_eq(key, STR("hasHeader"))) {
                if (!json_is_bool(v))
                        ctx_fault(ctx, STR("/options/hasHeader"), "type", "must be true or false");
                d->header = json_get_bool(v, false) ? CSV_HEADER_YES : CSV_HEADER_NO;
        } else {
                ctx_fault(ctx, str_printf(ctx->arena, "/options/%.*s", FMT(key)),
                          "additionalProperties", "unknown option \"%.*s\"", FMT(key));
        }
}

static enum err read_options(struct ctx *ctx, struct str text, struct csv_dialect *ret)
{
        const struct json *v;
        size_t faults = ctx->faults.len;

        if (str_trim(text).len == 0)
                return OK;
        if (json_parse(ctx, text, &v) != OK || !json_is_object(v)) {
                ctx_fault(ctx, STR("/options"), "type", "must be a JSON object");
                return fail(ctx, ERR_VALIDATION, "the options are not valid");
        }
        JSON_EACH_MEMBER (m, v)
                read_option(ctx, m.key, m.value, ret);
        return ctx->faults.len > faults ? fail(ctx, ERR_VALIDATION, "the options are not valid")
                                        : OK;
}

/* ---- create ---- */

static enum err check_table(struct ctx *ctx, struct str workspace_id, struct str table_id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_table t;

        if (!table_id.ptr)
                return OK;
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        return grid_load(ctx, &tx, workspace_id, table_id, &t);
}

static enum err store(struct ctx *ctx, struct str workspace_id, struct str table_id,
                      const struct http_file *file, struct str spool, struct import_new *new)
{
        const struct import_preview *p = &new->preview;
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_insert,
                     PARAMS(p_str(workspace_id), p_str(table_id), p_str(new->file_name),
                            p_i64(ctx, file->size), p_str(spool),
                            p_str(json_of_dialect(ctx->arena, &p->dialect)),
                            p_str(json_of_columns(ctx->arena, &p->columns)),
                            p_str(json_of_faults(ctx->arena, &p->faults)),
                            p_i64(ctx, p->faults.count), p_i64(ctx, p->rows_total),
                            p_str(ctx->actor ? ctx->actor->user_id : STR_NULL)),
                     &r));
        new->id = db_text(&r, 0, 0);
        return OK;
}

/* The client's file name is only shown: its bytes must be UTF-8 and nothing else matters. */
static struct str file_name_of(struct ctx *ctx, struct str name)
{
        struct buf b;

        buf_init(&b, ctx->arena, 4096);
        for (size_t i = 0; i < name.len && b.len < IMPORT_NAME_MAX; i++)
                if ((unsigned char)name.ptr[i] >= ' ' && name.ptr[i] != 0x7f)
                        buf_add_char(&b, name.ptr[i]);
        struct str clean = import_shorten(str_trim(buf_str(&b)), IMPORT_NAME_MAX);

        return clean.len && csv_utf8_valid(clean, false) ? clean : STR("import.csv");
}

enum err import_create(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       struct http_file *file, struct str options, struct import_new *ret)
{
        struct csv_dialect given = {0};
        struct str spool = str_printf(ctx->arena, "%.*s.csv", FMT(crypto_token(ctx->arena, 18)));
        char *path;
        enum err e;

        TRY(read_options(ctx, options, &given));
        TRY(check_table(ctx, workspace_id, table_id));
        if (file->size > ctx->app->settings.import_max_bytes)
                return fail(ctx, ERR_TOO_LARGE, "the file is larger than %lld bytes",
                            (long long)ctx->app->settings.import_max_bytes);
        TRY(import_look(ctx, str_to_c(ctx->arena, file->path), file->size, &given, &ret->preview));
        ret->file_name = file_name_of(ctx, file->name);
        TRY(import_spool_path(ctx, spool, &path));
        TRY(http_file_take(ctx, file, str_from(path)));
        e = store(ctx, workspace_id, table_id, file, spool, ret);
        if (e != OK)
                unlink(path);
        return e;
}

/* ---- commit ---- */

static struct str json_of_name(struct arena *a, struct str file_name)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, a, 4096);
        out_object(&o, NULL);
        out_str(&o, "fileName", file_name);
        out_end_object(&o);
        return buf_str(&b);
}

static enum err plan(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                     const struct db_result *r, const struct import_commit *commit,
                     struct import_plan *ret)
{
        struct str table_id = db_text(r, 0, 1);
        const struct json *stored;
        import_columns columns = {0};
        struct grid_table t;

        TRY(json_parse(ctx, db_text(r, 0, 3), &stored));
        import_columns_parse(ctx->arena, stored, &columns);
        if (table_id.ptr)
                TRY(grid_load(ctx, tx, workspace_id, table_id, &t));
        return import_plan_make(ctx, &columns, table_id.ptr ? &t : NULL, commit, db_text(r, 0, 2),
                                ret);
}

enum err import_commit_start(struct ctx *ctx, struct str workspace_id, struct str id,
                             const struct import_commit *commit)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct import_plan p;
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_read_preview, PARAMS(p_str(id), p_str(workspace_id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "import");
        if (!str_eq(db_text(&r, 0, 0), STR("previewed")))
                return fail(ctx, ERR_CONFLICT, "the import has been committed already");
        TRY(plan(ctx, &tx, workspace_id, &r, commit, &p));
        TRY(tx_exec(&tx, &sql_queue, PARAMS(p_str(id), p_str(import_plan_json(ctx->arena, &p))),
                    NULL));
        TRY(audit_write(ctx, &tx, workspace_id, "import.committed", "import", id,
                        json_of_name(ctx->arena, db_text(&r, 0, 2))));
        TRY(tx_commit(&tx));
        importer_wake(ctx->app->importer);
        return OK;
}

/* ---- look at ---- */

static const struct desc_field view_fields[] = {
        DESC_F(import_view, id, "id", DESC_UUID),
        DESC_F(import_view, table_id, "tableId", DESC_UUID, .flags = DESC_NULLABLE),
        DESC_F(import_view, status, "status", DESC_STR,
               .schema = "\"enum\":[\"previewed\",\"importing\",\"completed\",\"failed\"]"),
        DESC_F(import_view, file_name, "fileName", DESC_STR),
        DESC_F(import_view, file_bytes, "fileBytes", DESC_I64),
        DESC_F(import_view, rows_total, "rowsTotal", DESC_I64),
        DESC_F(import_view, rows_read, "rowsRead", DESC_I64),
        DESC_F(import_view, rows_imported, "rowsImported", DESC_I64),
        DESC_F(import_view, rows_rejected, "rowsRejected", DESC_I64),
        DESC_F(import_view, faults, "faults", DESC_RAW,
               .schema = "\"type\":\"array\",\"items\":" IMPORT_FAULT_SCHEMA),
        DESC_F(import_view, fault_count, "faultCount", DESC_I64),
        DESC_F(import_view, error, "error", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(import_view, created_at, "createdAt", DESC_TIME),
        DESC_F(import_view, finished_at, "finishedAt", DESC_TIME, .flags = DESC_NULLABLE),
        {0},
};
const struct desc import_view_desc = DESC("Import", import_view, view_fields);

enum err import_get(struct ctx *ctx, struct str workspace_id, struct str id,
                    struct import_view *ret)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_get, PARAMS(p_str(id), p_str(workspace_id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "import");
        *ret = (struct import_view){0};
        desc_from_row(ctx, &import_view_desc, &r, 0, ret);
        return OK;
}
