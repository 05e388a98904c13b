/*
 * Looks at an uploaded file: its dialect, its columns with types, names and samples, its first rows
 * and its faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "features/import/internal.h"
#include "features/provider/provider.h"

#define TYPE_ROWS   1000 /* judge types by these, then by every 64th up to TYPE_MORE more */
#define TYPE_MORE   4000
#define CELL_SHOWN  500 /* bytes of a cell in the preview */
#define FIELD_SCORE 0.75
#define SCRATCH     ((size_t)128 << 20)

void import_fault(struct arena *a, struct import_faults *f, int64_t line, struct str column,
                  struct str message)
{
        if (f->count++ < IMPORT_FAULTS)
                LIST_PUSH(a, &f->list, ((struct import_fault){line, column, message}));
}

void import_row_faults(struct arena *a, struct import_faults *f, const struct csv_row *row,
                       size_t columns)
{
        if (f->list.len >= IMPORT_FAULTS) {
                f->count += row->flags != 0;
                return;
        }
        struct str text = csv_row_problem(a, row);

        if (text.ptr)
                import_fault(a, f, row->line, STR_NULL, text);
        for (size_t i = columns; i < row->count; i++) {
                if (row->cells[i].len == 0)
                        continue;
                import_fault(a, f, row->line, STR_NULL,
                             STR("cells behind the last column are left out"));
                break;
        }
}

void import_faults_write(struct json_out *o, const char *key, const struct import_faults *f)
{
        out_array(o, key);
        LIST_EACH (fault, &f->list) {
                out_object(o, NULL);
                out_i64(o, "line", fault->line);
                if (fault->column.ptr)
                        out_str(o, "column", fault->column);
                out_str(o, "message", fault->message);
                out_end_object(o);
        }
        out_end_array(o);
}

void import_reader_options(const struct csv_dialect *dialect, csv_row_fn *row, void *user,
                           struct csv_options *ret)
{
        *ret = (struct csv_options){
                .dialect = *dialect,
                .row = row,
                .user = user,
                .max_cell = GRID_TEXT_MAX,
                .max_columns = GRID_COLUMNS_MAX,
                .drop_nul = true,
        };
}

enum err import_read_file(struct ctx *ctx, int fd, struct csv_reader *r, int64_t max,
                          int64_t *ret_bytes, bool *ret_whole)
{
        int64_t got = 0;

        *ret_whole = false;
        while (max < 0 || got < max) {
                size_t room;
                char *p = csv_reader_space(r, &room);
                ssize_t n = read(fd, p, room);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fail(ctx, ERR_INTERNAL, "cannot read the upload: %s",
                                    strerror(errno));
                if (n == 0) {
                        *ret_whole = true;
                        break;
                }
                got += n;
                TRY(csv_reader_commit(ctx, r, (size_t)n));
        }
        *ret_bytes = got;
        return *ret_whole ? csv_reader_finish(ctx, r) : OK;
}

/* What is gathered of one column while reading. */
struct gathered {
        struct csv_infer infer;
        enum grid_type hint; /* of the field its header names; GRID_TEXT for none */
        int64_t hint_fits;
        bool filled;
        str_list samples;
};

struct look {
        struct arena *arena;
        struct arena scratch; /* of one row */
        str_list headers;
        struct gathered *columns; /* GRID_COLUMNS_MAX of them */
        size_t width;
        int64_t rows, typed;
        struct buf shown;
        struct json_out out;
        struct import_faults faults;
};

struct str import_shorten(struct str s, size_t max)
{
        if (s.len <= max)
                return s;
        s.len = max;
        while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80)
                s.len--;
        return s;
}

static void take_headers(struct look *l, const struct csv_row *row)
{
        for (size_t i = 0; i < row->count; i++) {
                struct str header =
                        str_dup(l->arena, import_shorten(str_trim(row->cells[i]), CELL_SHOWN));
                double score = 0;
                const struct field *f = field_find_by_alias(header, &score);

                LIST_PUSH(l->arena, &l->headers, header);
                if (f && score >= FIELD_SCORE)
                        (void)grid_type_parse(str_from(f->type), &l->columns[i].hint);
        }
}

static void add_sample(struct look *l, struct gathered *g, struct str cell)
{
        if (g->samples.len >= IMPORT_SAMPLES || cell.len == 0)
                return;
        cell = import_shorten(cell, CELL_SHOWN);
        LIST_EACH (s, &g->samples)
                if (str_eq(*s, cell))
                        return;
        LIST_PUSH(l->arena, &g->samples, str_dup(l->arena, cell));
}

static void judge_cell(struct look *l, struct gathered *g, struct str cell)
{
        struct grid_column as = {.type = g->hint};

        csv_infer_add(&g->infer, cell);
        add_sample(l, g, cell);
        if (cell.len && grid_type_is_text(g->hint) && g->hint != GRID_TEXT)
                g->hint_fits += !grid_from_text(&l->scratch, &as, cell).why;
}

static void show_row(struct look *l, const struct csv_row *row)
{
        out_array(&l->out, NULL);
        for (size_t i = 0; i < MAX_OF(row->count, row->width); i++)
                out_str(&l->out, NULL, import_shorten(row->cells[i], CELL_SHOWN));
        out_end_array(&l->out);
}

static enum err look_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct look *l = user;

        import_row_faults(l->arena, &l->faults, row, SIZE_MAX);
        if (row->header) {
                take_headers(l, row);
                l->width = row->count;
                return OK;
        }
        if (l->rows++ < IMPORT_PREVIEW_ROWS)
                show_row(l, row);
        bool judge =
                l->rows <= TYPE_ROWS || (l->rows % 64 == 0 && l->typed < TYPE_ROWS + TYPE_MORE);

        l->typed += judge;
        for (size_t i = 0; i < row->count; i++) {
                bool filled = row->cells[i].len > 0;

                if (i >= l->width && (filled || l->rows == 1))
                        l->width = i + 1;
                l->columns[i].filled |= filled;
                if (judge)
                        judge_cell(l, &l->columns[i], row->cells[i]);
        }
        arena_finish(&l->scratch);
        arena_init(&l->scratch, SCRATCH);
        return OK;
}

static enum grid_type column_type(const struct gathered *g, struct csv_format *ret_format)
{
        enum csv_type t = csv_infer_type(&g->infer, ret_format);
        enum grid_type type = GRID_TEXT;
        int64_t filled = g->infer.cells - g->infer.empty;

        (void)grid_type_parse(str_from(csv_type_name(t)), &type);
        /* the header says more than the values: bare domains as web addresses, digits as phones */
        if (filled && g->hint_fits == filled && (type == GRID_TEXT || g->hint == GRID_PHONE))
                return g->hint;
        return type;
}

static bool is_taken(const import_columns *columns, struct str name)
{
        LIST_EACH (c, columns)
                if (str_eq_nocase(c->name, name))
                        return true;
        return false;
}

/* A name for the column: the header, or its number; with a number behind it when it is taken. */
static struct str make_name(struct arena *a, const import_columns *columns, struct str header)
{
        struct str base = str_trim(import_shorten(header, IMPORT_NAME_MAX - 8)), name = base;

        for (int n = 2; is_taken(columns, name); n++)
                name = str_printf(a, "%.*s %d", FMT(base), n);
        return name;
}

static void make_columns(struct look *l, import_columns *ret)
{
        size_t unnamed = 0; /* columns without header or value, at the end */

        for (size_t i = 0; i < l->width; i++) {
                struct gathered *g = &l->columns[i];
                struct import_column c = {.samples = g->samples};
                double score = 0;
                bool named = i < l->headers.len && l->headers.ptr[i].len;

                c.header = named ? l->headers.ptr[i] : str_printf(l->arena, "Column %zu", i + 1);
                c.name = make_name(l->arena, ret, c.header);
                c.type = column_type(g, &c.format);
                unnamed = named || g->filled ? 0 : unnamed + 1;
                const struct field *f = named ? field_find_by_alias(c.header, &score) : NULL;

                c.key = f && score >= FIELD_SCORE ? str_from(f->key) : STR_NULL;
                LIST_PUSH(l->arena, ret, c);
        }
        for (; unnamed; unnamed--) /* what separators at the ends of lines leave behind */
                ret->ptr[ret->len - unnamed].empty = true;
}

/* What people upload by mistake, told by its first bytes. */
static enum err check_kind(struct ctx *ctx, int fd)
{
        static const struct {
                struct str magic;
                const char *what;
        } kinds[] = {
                {{"PK\3\4", 4}, "an Excel workbook or ZIP file: save the sheet as CSV"},
                {{"\xd0\xcf\x11\xe0", 4}, "an old Excel workbook: save the sheet as CSV"},
                {{"%PDF", 4}, "a PDF file"},
                {{"\x1f\x8b", 2}, "a gzip file: unpack it first"},
        };
        char head[4];
        ssize_t n = pread(fd, head, sizeof head, 0);

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (n > 0 && str_starts((struct str){head, (size_t)n}, kinds[i].magic))
                        return fail(ctx, ERR_MEDIA_TYPE, "the file is %s", kinds[i].what);
        return OK;
}

static enum err look_through(struct ctx *ctx, int fd, int64_t size, struct look *l,
                             const struct csv_dialect *given, struct import_preview *ret)
{
        struct csv_options o;
        int64_t bytes = 0;
        bool whole = false;

        import_reader_options(given, look_row, l, &o);
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);

        TRY(import_read_file(ctx, fd, r, IMPORT_PREVIEW_BYTES, &bytes, &whole));
        if (l->width == 0)
                return fail(ctx, ERR_VALIDATION, "the file holds no rows");
        ret->dialect = *csv_reader_dialect(r);
        ret->rows_exact = whole || bytes >= size;
        ret->rows_total = l->rows;
        if (!ret->rows_exact)
                ret->rows_total = (int64_t)((double)l->rows * (double)size / (double)bytes);
        return OK;
}

static void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

enum err import_look(struct ctx *ctx, const char *path, int64_t size,
                     const struct csv_dialect *given, struct import_preview *ret)
{
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct look l = {.arena = ctx->arena};
        enum err e;

        if (fd < 0)
                return fail(ctx, ERR_INTERNAL, "cannot open the upload: %s", strerror(errno));
        TRY(check_kind(ctx, fd));
        *ret = (struct import_preview){0};
        l.columns = arena_alloc_array(ctx->arena, GRID_COLUMNS_MAX, sizeof *l.columns);
        arena_init(&l.scratch, SCRATCH);
        buf_init(&l.shown, ctx->arena, 32 << 20);
        l.out = (struct json_out){.buf = &l.shown};
        out_array(&l.out, NULL);
        e = look_through(ctx, fd, size, &l, given, ret);
        arena_finish(&l.scratch);
        if (e != OK)
                return e;
        out_end_array(&l.out);
        make_columns(&l, &ret->columns);
        ret->rows = buf_str(&l.shown);
        ret->faults = l.faults;
        return OK;
}
