/* Reads a table batch by batch and writes it as CSV or JSON Lines. See export.h. */
#include "features/export/stream.h"

#include <string.h>
#include "csv/write.h"
#include "log/log.h"

#define BATCH_BYTES ((int64_t)2 << 20) /* aimed at */
#define BATCH_START 200
#define BATCH_MAX   5000
#define BATCH_ARENA ((size_t)1 << 30)
#define BATCH_TIME  (60 * NS_PER_S)

/* What is known of a cell beyond its value. */
struct known {
        struct str raw, source, confidence;
};

struct export_stream {
        struct arena arena; /* as long as the stream */
        struct ctx ctx;
        struct str workspace_id, table_id;
        struct grid_table table;
        const struct grid_column **columns;
        bool *provenance; /* for each of them */
        size_t count;
        const struct json *filter;
        str_list ids;
        bool by_ids, jsonl, end;
        int64_t position, limit;
        struct buf out;
        size_t sent;
};

/* ---- one batch ---- */

static void add_ids(struct ctx *ctx, struct grid_sql *q, const struct str *ids, size_t count)
{
        struct db_array *a = arena_new(ctx->arena, struct db_array);

        db_array_init(ctx, a);
        for (size_t i = 0; i < count; i++)
                db_array_str(a, ids[i]);
        grid_sql_param(ctx, q, p_array(a));
        buf_add_c(&q->sql, "::uuid[]");
}

static enum err read_rows(struct ctx *ctx, struct tx *tx, const struct export_stream *s,
                          struct db_result *ret)
{
        struct grid_sql q;

        grid_sql_init(ctx, &q);
        buf_add_c(&q.sql, "SELECT t.id, t.position");
        for (size_t i = 0; i < s->count; i++) {
                buf_add_c(&q.sql, ", ");
                grid_out_expr(&q.sql, s->columns[i]);
        }
        buf_printf(&q.sql, " FROM %s t WHERE t.position > %lld AND ", s->table.rows,
                   (long long)s->position);
        if (s->by_ids) {
                buf_add_c(&q.sql, "t.id = ANY (");
                add_ids(ctx, &q, s->ids.ptr, s->ids.len);
                buf_add_c(&q.sql, ") AND ");
        }
        TRY(grid_filter_sql(ctx, &s->table, s->filter, "/query/filter", &q));
        buf_printf(&q.sql, " ORDER BY t.position LIMIT %lld", (long long)s->limit);
        return grid_sql_run(ctx, tx, &q, ret);
}

static size_t column_index(const struct export_stream *s, struct str id)
{
        for (size_t i = 0; i < s->count; i++)
                if (str_eq(s->columns[i]->id, id))
                        return i;
        return SIZE_MAX;
}

/* Raw texts and provenance of the batch's cells, as a rows × columns array. */
static enum err read_known(struct ctx *ctx, struct tx *tx, const struct export_stream *s,
                           const struct db_result *rows, struct known **ret)
{
        size_t n = (size_t)rows->rows;
        struct str *ids = arena_alloc_array(ctx->arena, n + 1, sizeof *ids);
        struct known *known = arena_alloc_array(ctx->arena, n * s->count + 1, sizeof *known);
        struct grid_sql q;
        struct db_result r;

        for (size_t i = 0; i < n; i++)
                ids[i] = db_text(rows, (int)i, 0);
        grid_sql_init(ctx, &q);
        buf_add_c(&q.sql,
                  "SELECT i.n, p.column_id, p.raw_text, CASE WHEN p.status = 'complete' THEN "
                  "p.provider END, CASE WHEN p.status = 'complete' THEN p.confidence END "
                  "FROM unnest(");
        add_ids(ctx, &q, ids, n);
        buf_printf(&q.sql,
                   ") WITH ORDINALITY AS i (id, n) JOIN %s p ON p.record_id = i.id WHERE "
                   "p.raw_text IS NOT NULL OR p.provider IS NOT NULL",
                   s->table.cells);
        TRY(grid_sql_run(ctx, tx, &q, &r));
        for (int i = 0; i < r.rows; i++) {
                size_t c = column_index(s, db_text(&r, i, 1));

                if (c != SIZE_MAX)
                        known[(size_t)(db_i64(&r, i, 0) - 1) * s->count + c] = (struct known){
                                db_text(&r, i, 2), db_text(&r, i, 3), db_text(&r, i, 4)};
        }
        *ret = known;
        return OK;
}

static void write_csv(struct arena *a, struct export_stream *s, const struct db_result *r, int row,
                      const struct known *known)
{
        struct csv_writer w = {.out = &s->out, .crlf = true, .formula_safe = true};

        for (size_t i = 0; i < s->count; i++) {
                struct str text = grid_to_text(a, s->columns[i]->type, db_text(r, row, (int)i + 2));

                csv_write_cell(&w, text.ptr ? text : known[i].raw);
                if (s->provenance[i]) {
                        csv_write_cell(&w, known[i].source);
                        csv_write_cell(&w, known[i].confidence);
                }
        }
        csv_write_end(&w);
}

static const char *member(struct arena *a, const struct grid_column *c, const char *suffix)
{
        return arena_printf(a, "%.*s%s", FMT(c->key), suffix);
}

static void write_json(struct arena *a, struct export_stream *s, const struct db_result *r, int row,
                       const struct known *known)
{
        struct json_out o = {.buf = &s->out};

        out_object(&o, NULL);
        out_str(&o, "id", db_text(r, row, 0));
        out_object(&o, "data");
        for (size_t i = 0; i < s->count; i++) {
                const struct grid_column *c = s->columns[i];
                struct str db = db_text(r, row, (int)i + 2);

                if (!db.ptr && known[i].raw.ptr)
                        out_str(&o, member(a, c, ""), known[i].raw);
                else
                        grid_to_json(&o, member(a, c, ""), c->type, db);
                if (s->provenance[i]) {
                        out_str(&o, member(a, c, "_source"), known[i].source);
                        out_raw(&o, member(a, c, "_confidence"),
                                known[i].confidence.ptr ? known[i].confidence : STR("null"));
                }
        }
        out_end_object(&o);
        out_end_object(&o);
        buf_add_char(&s->out, '\n');
}

static enum err read_batch(struct ctx *ctx, struct export_stream *s)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct known *known = NULL;
        struct db_result r;
        size_t before = s->out.len;

        TRY(tx_begin(ctx, s->ctx.app->db, &tx));
        TRY(grid_fault(ctx, read_rows(ctx, &tx, s, &r)));
        TRY(grid_fault(ctx, read_known(ctx, &tx, s, &r, &known)));
        for (int i = 0; i < r.rows; i++) {
                const struct known *k = known + (size_t)i * s->count;

                if (s->jsonl)
                        write_json(ctx->arena, s, &r, i, k);
                else
                        write_csv(ctx->arena, s, &r, i, k);
        }
        if (buf_full(&s->out))
                return fail(ctx, ERR_TOO_LARGE, "a batch of rows is too large");
        s->end = r.rows < s->limit;
        if (r.rows) {
                int64_t bytes = (int64_t)(s->out.len - before) / r.rows + 1;

                s->position = db_i64(&r, r.rows - 1, 1);
                s->limit = MIN_OF(MAX_OF(BATCH_BYTES / bytes, INT64_C(1)),
                                  MIN_OF(s->limit * 4, (int64_t)BATCH_MAX));
        }
        return OK;
}

static enum err next_batch(struct export_stream *s)
{
        struct arena arena;
        struct ctx ctx;

        arena_init(&arena, BATCH_ARENA);
        ctx_init(&ctx, &arena);
        ctx.app = s->ctx.app;
        ctx.deadline_ns = time_mono_ns() + BATCH_TIME;
        enum err e = read_batch(&ctx, s);

        if (e != OK)
                log_warn("export is cut short", LOG_STR("tableId", s->table_id),
                         LOG_STR("error", ctx.message));
        arena_finish(&arena);
        return e;
}

int64_t export_read(void *stream, char *out, size_t max)
{
        struct export_stream *s = stream;

        while (s->sent == s->out.len) {
                buf_reset(&s->out);
                s->sent = 0;
                if (s->end)
                        return 0;
                if (s->ctx.app->stopping || next_batch(s) != OK)
                        return -1;
        }
        size_t n = MIN_OF(max, s->out.len - s->sent);

        memcpy(out, s->out.ptr + s->sent, n);
        s->sent += n;
        return (int64_t)n;
}

void export_close(void *stream)
{
        struct export_stream *s = stream;

        if (!s)
                return;
        buf_finish(&s->out);
        arena_finish(&s->arena);
        mem_free(s);
}

/* ---- opening ---- */

static enum err choose_columns(struct ctx *ctx, struct export_stream *s, const str_list *wanted)
{
        s->columns = arena_alloc_array(&s->arena, MAX_OF(s->table.columns.len, wanted->len) + 1,
                                       sizeof *s->columns);
        if (wanted->len == 0) {
                LIST_EACH (c, &s->table.columns)
                        s->columns[s->count++] = c;
                return OK;
        }
        LIST_EACH (id, wanted) {
                const struct grid_column *c = grid_column_find(&s->table, *id);

                if (c)
                        s->columns[s->count++] = c;
                else
                        ctx_fault(ctx, STR("/query/columns"), "columnId",
                                  "the table has no column %.*s", FMT(*id));
        }
        return ctx->faults.len ? fail(ctx, ERR_VALIDATION, "the query is not valid") : OK;
}

/* "1": of every column that a provider has answered for; else of the columns named. */
static enum err choose_provenance(struct ctx *ctx, struct tx *tx, struct export_stream *s,
                                  struct str wanted)
{
        struct grid_sql q;
        struct db_result r;
        struct str id;

        s->provenance = arena_alloc_array(&s->arena, s->count + 1, sizeof *s->provenance);
        if (wanted.len == 0 || str_eq(wanted, STR("0")) || str_eq(wanted, STR("false")))
                return OK;
        if (str_eq(wanted, STR("1")) || str_eq(wanted, STR("true"))) {
                grid_sql_init(ctx, &q);
                buf_printf(&q.sql, "SELECT DISTINCT column_id FROM %s WHERE provider IS NOT NULL",
                           s->table.cells);
                TRY(grid_sql_run(ctx, tx, &q, &r));
                for (size_t i = 0; i < s->count; i++)
                        for (int k = 0; k < r.rows; k++)
                                s->provenance[i] |= str_eq(s->columns[i]->id, db_text(&r, k, 0));
                return OK;
        }
        while (wanted.ptr && str_split(&wanted, ',', &id)) {
                bool found = false;

                for (size_t i = 0; i < s->count; i++) {
                        bool same = str_eq_nocase(s->columns[i]->id, id);

                        s->provenance[i] |= same;
                        found |= same;
                }
                if (!found)
                        ctx_fault(ctx, STR("/query/provenance"), "columnId",
                                  "must be 1 or ids of exported columns");
        }
        return ctx->faults.len ? fail(ctx, ERR_VALIDATION, "the query is not valid") : OK;
}

static enum err choose_ids(struct ctx *ctx, struct export_stream *s, const str_list *ids)
{
        LIST_EACH (id, ids) {
                if (str_is_uuid(*id))
                        LIST_PUSH(&s->arena, &s->ids, str_dup(&s->arena, *id));
                else
                        ctx_fault(ctx, STR("/query/ids"), "format", "must be ids of records");
        }
        s->by_ids = ids->len > 0;
        return ctx->faults.len ? fail(ctx, ERR_VALIDATION, "the query is not valid") : OK;
}

static void write_head(struct export_stream *s, bool bom)
{
        struct csv_writer w = {.out = &s->out, .crlf = true, .formula_safe = true};

        if (s->jsonl)
                return;
        if (bom)
                csv_write_bom(&w);
        for (size_t i = 0; i < s->count; i++) {
                struct str name = s->columns[i]->name;

                csv_write_cell(&w, name);
                if (s->provenance[i]) {
                        csv_write_cell(&w, str_printf(&s->arena, "%.*s source", FMT(name)));
                        csv_write_cell(&w, str_printf(&s->arena, "%.*s confidence", FMT(name)));
                }
        }
        csv_write_end(&w);
}

static enum err prepare(struct ctx *ctx, struct export_stream *s, const struct export_query *q,
                        struct str filter_text)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_sql check;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(&s->ctx, &tx, s->workspace_id, s->table_id, &s->table));
        TRY(choose_columns(ctx, s, &q->columns));
        TRY(choose_ids(ctx, s, &q->ids));
        TRY(choose_provenance(ctx, &tx, s, q->provenance));
        if (filter_text.len)
                TRY(json_parse(&s->ctx, filter_text, &s->filter));
        grid_sql_init(ctx, &check);
        TRY(grid_filter_sql(ctx, &s->table, s->filter, "/query/filter", &check));
        TRY(audit_write(ctx, &tx, s->workspace_id, "table.exported", "table", s->table_id,
                        s->jsonl ? STR("{\"format\":\"jsonl\"}") : STR("{\"format\":\"csv\"}")));
        return tx_commit(&tx);
}

enum err export_open(struct ctx *ctx, struct str workspace_id, struct str table_id,
                     const struct export_query *q, struct str filter_text, struct str *ret_name,
                     struct export_stream **ret)
{
        struct export_stream *s = mem_alloc(sizeof *s);
        enum err e;

        arena_init(&s->arena, (size_t)64 << 20);
        ctx_init(&s->ctx, &s->arena);
        buf_init(&s->out, NULL, (size_t)1 << 30);
        s->ctx.app = ctx->app;
        s->ctx.deadline_ns = ctx->deadline_ns;
        s->workspace_id = str_dup(&s->arena, workspace_id);
        s->table_id = str_dup(&s->arena, table_id);
        s->jsonl = str_eq(q->format, STR("jsonl"));
        s->limit = BATCH_START;
        e = prepare(ctx, s, q, filter_text);
        if (e == OK) {
                write_head(s, q->bom);
                e = read_batch(ctx, s);
        } else if (!ctx->err) { /* recorded in the stream's own ctx */
                e = fail(ctx, e, "%.*s", FMT(s->ctx.message));
        }
        if (e != OK) {
                export_close(s);
                return e;
        }
        *ret_name = str_dup(ctx->arena, s->table.name);
        *ret = s;
        return OK;
}
