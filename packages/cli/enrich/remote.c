/* What an enrichment makes on the server: table, columns, job. See enrich.h. */
#include "enrich/enrich.h"

#include <string.h>

#include "task/task.h"

#define BOUNDARY "millrace-7d9f3a51c0e84b26"

static struct str path_to(struct enrich *e, const char *fmt, struct str id)
{
        struct arena *a = &e->cli->arena;

        return str_printf(a, "%.*s%s%.*s", FMT(e->workspace), fmt, FMT(id));
}

static struct str key_for(struct enrich *e, const char *step)
{
        return str_printf(&e->cli->arena, "cli-%.*s-%s", FMT(e->state.run), step);
}

static enum err post(struct enrich *e, struct str path, struct str body, struct str key,
                     const struct json **ret)
{
        return api_call(
                &e->api, &e->cli->ctx,
                &(struct api_call){
                        .method = "POST", .path = path, .body = body, .idempotency_key = key},
                ret);
}

static struct str base_name(struct str path)
{
        const char *slash = memrchr(path.ptr, '/', path.len);

        return slash ? str_slice(path, (size_t)(slash - path.ptr) + 1, path.len) : path;
}

/* multipart/form-data with the file in the field `file`; the mapped file is sent as it lies. */
static enum err upload(struct enrich *e, const struct json **ret)
{
        struct buf head, name;
        struct str file = base_name(e->input.path);

        buf_init(&name, &e->cli->arena, 4096);
        for (size_t i = 0; i < file.len; i++)
                buf_add_char(&name, strchr("\"\\\r\n", file.ptr[i]) ? '_' : file.ptr[i]);
        buf_init(&head, &e->cli->arena, 8192);
        buf_printf(&head,
                   "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; "
                   "filename=\"%.*s\"\r\nContent-Type: text/csv\r\n\r\n",
                   FMT(buf_str(&name)));
        const struct str parts[] = {buf_str(&head), e->input.data, STR("\r\n--" BOUNDARY "--\r\n")};

        return api_call(
                &e->api, &e->cli->ctx,
                &(struct api_call){.method = "POST",
                                   .path = path_to(e, "/imports", STR("")),
                                   .body_parts = parts,
                                   .body_part_count = ELEMENTS(parts),
                                   .content_type = "multipart/form-data; boundary=" BOUNDARY,
                                   .timeout_ms = 3600 * 1000},
                ret);
}

/* An import is quick: it is looked at in growing intervals, well inside the rate limit. */
static enum err import_wait(struct enrich *e)
{
        struct str path = path_to(e, "/imports/", e->state.import_id);

        for (int64_t pause_ms = 100;; pause_ms = MIN_OF(pause_ms * 2, (int64_t)3000)) {
                const struct json *v = NULL;

                TRY(api_get(&e->api, &e->cli->ctx, path, &v));
                struct str status = json_member_text(v, "status");

                if (str_eq_c(status, "completed")) {
                        e->state.table_id = json_member_text(v, "tableId");
                        return state_save(e->cli, &e->state);
                }
                if (str_eq_c(status, "failed")) {
                        const struct json *fault = json_at(json_member(v, "faults"), 0);
                        struct str why = json_member_text(v, "error");

                        if (!why.len)
                                why = json_member_text(fault, "message");
                        return fail(&e->cli->ctx, ERR_VALIDATION, "the import failed: %.*s",
                                    FMT(why.len ? why : STR("no reason was given")));
                }
                TRY(task_sleep(&e->cli->ctx, pause_ms * NS_PER_MS));
        }
}

static struct str table_name(struct enrich *e)
{
        struct str name = base_name(e->input.path);

        if (str_ends(name, STR(".csv")))
                name.len -= 4;
        return str_slice(name, 0, 200);
}

enum err remote_import(struct enrich *e)
{
        const struct json *v = NULL;
        struct buf b;
        struct json_out o = {.buf = &b};

        if (e->state.table_id.ptr)
                return OK;
        if (!e->state.import_id.ptr) {
                TRY(upload(e, &v));
                e->state.import_id = json_member_text(v, "importId");
                if (!e->state.import_id.len)
                        return fail(&e->cli->ctx, ERR_INTERNAL, "the server named no import");
                TRY(state_save(e->cli, &e->state));
        }
        buf_init(&b, &e->cli->arena, 65536);
        out_object(&o, NULL);
        out_str(&o, "tableName", table_name(e));
        out_c(&o, "onError", "keep_as_text");
        out_end_object(&o);
        TRY(post(e,
                 str_printf(&e->cli->arena, "%.*s/imports/%.*s/commit", FMT(e->workspace),
                            FMT(e->state.import_id)),
                 buf_str(&b), key_for(e, "commit"), NULL));
        return import_wait(e);
}

/* The table's column that stands for the file's column `i`: columns are made in the file's order.
 */
static struct str file_column(const struct json *columns, size_t i)
{
        return json_member_text(json_at(columns, i), "id");
}

static struct str column_with_key(const struct json *columns, const char *key)
{
        JSON_EACH_ITEM (i, c, columns)
                if (str_eq_c(json_member_text(c, "key"), key))
                        return json_member_text(c, "id");
        return STR_NULL;
}

static enum err add_column(struct enrich *e, struct target *t)
{
        const struct json *v = NULL;
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &e->cli->arena, 65536);
        out_object(&o, NULL);
        out_c(&o, "name", t->field->label);
        out_c(&o, "key", t->field->key);
        out_c(&o, "type", t->field->type);
        out_end_object(&o);
        struct str path = str_printf(&e->cli->arena, "%.*s/tables/%.*s/columns", FMT(e->workspace),
                                     FMT(e->state.table_id));

        TRY(post(e, path, buf_str(&b),
                 key_for(e, arena_printf(&e->cli->arena, "column-%s", t->field->key)), &v));
        t->column_id = json_member_text(v, "id");
        return OK;
}

enum err remote_columns(struct enrich *e)
{
        const struct json *table = NULL;

        TRY(api_get(&e->api, &e->cli->ctx, path_to(e, "/tables/", e->state.table_id), &table));
        const struct json *columns = json_member(table, "columns");

        LIST_EACH (t, &e->targets) {
                t->column_id = t->csv_column != SIZE_MAX ? file_column(columns, t->csv_column)
                                                         : column_with_key(columns, t->field->key);
                if (!t->column_id.len && t->csv_column != SIZE_MAX)
                        return fail(&e->cli->ctx, ERR_CONFLICT,
                                    "the table on the server lacks the file's column %.*s",
                                    FMT(e->input.headers.ptr[t->csv_column]));
                if (!t->column_id.len)
                        TRY(add_column(e, t));
        }
        return OK;
}

/* The body of POST /jobs and /jobs/estimate. */
static struct str job_body(struct enrich *e)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &e->cli->arena, 1 << 20);
        out_object(&o, NULL);
        out_str(&o, "tableId", e->state.table_id);
        out_array(&o, "fields");
        LIST_EACH (t, &e->targets) {
                out_object(&o, NULL);
                out_str(&o, "columnId", t->column_id);
                out_c(&o, "output", t->field->key);
                out_array(&o, "waterfall");
                LIST_EACH (slug, &t->waterfall)
                        out_str(&o, NULL, *slug);
                out_end_array(&o);
                out_bool(&o, "onlyIfEmpty", true);
                out_end_object(&o);
        }
        out_end_array(&o);
        if (e->budget >= 0)
                out_i64(&o, "budget", e->budget);
        out_end_object(&o);
        return buf_str(&b);
}

enum err remote_estimate(struct enrich *e, const struct json **ret)
{
        return post(e, path_to(e, "/jobs/estimate", STR("")), job_body(e), STR_NULL, ret);
}

enum err remote_job(struct enrich *e)
{
        const struct json *v = NULL;
        if (e->state.job_id.ptr)
                return OK;
        TRY(post(e, path_to(e, "/jobs", STR("")), job_body(e), key_for(e, "job"), &v));
        e->state.job_id = json_member_text(v, "id");
        if (!e->state.job_id.len)
                return fail(&e->cli->ctx, ERR_INTERNAL, "the server named no job");
        return state_save(e->cli, &e->state);
}

enum err remote_forget_table(struct enrich *e)
{
        return api_call(&e->api, &e->cli->ctx,
                        &(struct api_call){.method = "DELETE",
                                           .path = path_to(e, "/tables/", e->state.table_id)},
                        NULL);
}
