/*
 * The output: the input's rows as they are, with the found values, where each came from and how
 * sure it is. Rows and records are walked side by side: a record's position is its row's number.
 */
#include "enrich/enrich.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "csv/write.h"

#define PAGE_RECORDS 1000
#define OUT_FLUSH    ((size_t)256 << 10)

struct writer {
        struct enrich *e;
        FILE *file;
        struct buf out;
        struct csv_writer csv;
        struct arena row_arena; /* for the values of one row */

        struct arena page_arena;
        const struct json *page;
        size_t at; /* next record of the page */
        struct str cursor;
        char cursor_text[2048];
        bool last_page;

        struct result_counts counts;
};

static bool flush(struct writer *w)
{
        bool ok = fwrite(w->out.ptr, 1, w->out.len, w->file) == w->out.len;

        buf_reset(&w->out);
        return ok;
}

static enum err next_page(struct writer *w)
{
        struct enrich *e = w->e;
        struct ctx ctx;
        const struct json *meta = NULL;

        arena_finish(&w->page_arena);
        arena_init(&w->page_arena, SIZE_MAX / 2);
        ctx_init(&ctx, &w->page_arena);
        struct str path = str_printf(&w->page_arena, "%.*s/tables/%.*s/records?limit=%d%s%.*s",
                                     FMT(e->workspace), FMT(e->state.table_id), PAGE_RECORDS,
                                     w->cursor.len ? "&cursor=" : "", FMT(w->cursor));
        enum err err = api_call(&e->api, &ctx, &(struct api_call){.path = path, .ret_meta = &meta},
                                &w->page);

        if (err != OK)
                return fail(&e->cli->ctx, err, "%.*s", FMT(ctx.message));
        struct str cursor = json_member_text(meta, "nextCursor");

        if (cursor.len >= sizeof w->cursor_text)
                return fail(&e->cli->ctx, ERR_INTERNAL, "the server's cursor is too long");
        memcpy(w->cursor_text, cursor.ptr ? cursor.ptr : "", cursor.len);
        w->cursor = (struct str){w->cursor_text, cursor.len};
        w->last_page = cursor.len == 0;
        w->at = 0;
        return OK;
}

/* The record at this position; NULL when somebody has deleted it. */
static enum err record_at(struct writer *w, int64_t position, const struct json **ret)
{
        for (*ret = NULL;;) {
                if (w->at >= json_len(w->page)) {
                        if (w->page && w->last_page)
                                return OK;
                        TRY(next_page(w));
                        if (json_len(w->page) == 0)
                                return OK;
                }
                const struct json *record = json_at(w->page, w->at);
                int64_t here = json_get_i64(json_member(record, "position"), 0);

                if (here > position)
                        return OK;
                w->at++;
                if (here == position) {
                        *ret = record;
                        return OK;
                }
        }
}

static struct str value_text(struct arena *a, const struct json *v)
{
        if (json_is_null(v))
                return STR("");
        return json_is_string(v) ? json_get_str(v) : json_text(a, v);
}

/* A value from outside must not run as a formula in a spreadsheet. */
static struct str safe_text(struct arena *a, struct str text)
{
        return csv_is_formula(text) ? str_printf(a, "'%.*s", FMT(text)) : text;
}

static bool from_sandbox(const struct enrich *e, struct str slug)
{
        JSON_EACH_ITEM (i, p, e->providers)
                if (str_eq(json_member_text(p, "slug"), slug))
                        return str_eq_c(json_member_text(p, "source"), "sandbox");
        return false;
}

/* Source and confidence of a cell that a provider filled; blank for others. */
static void add_provenance(struct writer *w, const struct json *cell)
{
        struct arena *a = &w->row_arena;
        struct str provider = json_member_text(cell, "provider");
        const struct json *confidence = json_member(cell, "confidence");
        bool filled = str_eq_c(json_member_text(cell, "status"), "complete") && provider.len;

        if (!filled) {
                csv_write_cell(&w->csv, STR(""));
                csv_write_cell(&w->csv, STR(""));
                return;
        }
        bool sandbox = from_sandbox(w->e, provider);

        w->counts.filled++;
        w->counts.sandbox += sandbox;
        csv_write_cell(&w->csv,
                       sandbox ? str_printf(a, "%.*s (sandbox)", FMT(provider)) : provider);
        csv_write_cell(&w->csv, json_is_number(confidence)
                                        ? str_printf(a, "%.2f", json_get_double(confidence, 0))
                                        : STR(""));
}

/* Of a record: the value ("data") or the state ("cells") of a column. */
static const struct json *part_of(const struct json *record, const char *part, struct str column)
{
        return json_member_str(json_member(record, part), column);
}

static const struct target *target_of(const struct enrich *e, size_t csv_column)
{
        LIST_EACH (t, &e->targets)
                if (t->csv_column == csv_column)
                        return t;
        return NULL;
}

static void write_row(struct writer *w, const struct csv_row *row, const struct json *record)
{
        struct enrich *e = w->e;
        struct arena *a = &w->row_arena;

        for (size_t i = 0; i < e->input.headers.len; i++) {
                struct str cell = i < row->count ? row->cells[i] : STR("");
                const struct target *t = target_of(e, i);

                if (t && str_trim(cell).len == 0) {
                        cell = safe_text(a, value_text(a, part_of(record, "data", t->column_id)));
                }
                csv_write_cell(&w->csv, cell);
        }
        LIST_EACH (t, &e->targets) {
                struct str value = value_text(a, part_of(record, "data", t->column_id));

                if (t->csv_column == SIZE_MAX)
                        csv_write_cell(&w->csv, safe_text(a, value));
                add_provenance(w, part_of(record, "cells", t->column_id));
        }
        csv_write_end(&w->csv);
}

static void write_header(struct writer *w)
{
        struct enrich *e = w->e;
        struct arena *a = &e->cli->arena;

        LIST_EACH (name, &e->input.headers)
                csv_write_cell(&w->csv, *name);
        LIST_EACH (t, &e->targets) {
                struct str name = t->csv_column != SIZE_MAX ? e->input.headers.ptr[t->csv_column]
                                                            : str_from(t->field->label);

                if (t->csv_column == SIZE_MAX)
                        csv_write_cell(&w->csv, name);
                csv_write_cell(&w->csv, str_printf(a, "%.*s source", FMT(name)));
                csv_write_cell(&w->csv, str_printf(a, "%.*s confidence", FMT(name)));
        }
        csv_write_end(&w->csv);
}

static enum err on_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct writer *w = user;
        const struct json *record;

        if (row->header)
                return OK;
        w->counts.rows++;
        TRY(record_at(w, w->counts.rows, &record));
        arena_init(&w->row_arena, SIZE_MAX / 2);
        write_row(w, row, record);
        arena_finish(&w->row_arena);
        if (w->out.len >= OUT_FLUSH && !flush(w))
                return fail(ctx, ERR_INTERNAL, "cannot write the output: %s", strerror(errno));
        return OK;
}

static enum err write_all(struct writer *w, const char *part, const char *path)
{
        struct ctx *ctx = &w->e->cli->ctx;

        write_header(w);
        TRY(input_rows(w->e->cli, &w->e->input, on_row, w));
        if (!flush(w) || fflush(w->file) != 0 || fsync(fileno(w->file)) != 0 ||
            rename(part, path) != 0)
                return fail(ctx, ERR_INTERNAL, "cannot write %s: %s", path, strerror(errno));
        return OK;
}

enum err result_write(struct enrich *e, struct result_counts *ret)
{
        struct writer w = {.e = e};
        char *path = str_to_c(&e->cli->arena, e->output);
        char *part = arena_printf(&e->cli->arena, "%s.part", path);

        w.file = fopen(part, "we");
        if (!w.file)
                return fail(&e->cli->ctx, ERR_INTERNAL, "cannot write %s: %s", part,
                            strerror(errno));
        buf_init(&w.out, NULL, SIZE_MAX / 4);
        w.csv = (struct csv_writer){.out = &w.out,
                                    .delimiter = e->input.dialect.delimiter,
                                    .crlf = e->input.dialect.newline == CSV_CRLF};
        enum err err = write_all(&w, part, path);

        fclose(w.file);
        if (err != OK)
                unlink(part);
        buf_finish(&w.out);
        arena_finish(&w.page_arena);
        *ret = w.counts;
        return err;
}
