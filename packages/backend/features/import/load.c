/*
 * Loads a file into its table: one pass through the CSV reader, each row turned into a line of
 * COPY.
 *
 * A new table is made without keys, filled by COPY and given its keys behind it. Rows for a table
 * that people use are staged in a temporary table first, so that the table's lock is held for the
 * last statements only. Values that do not fit their column wait in an unnamed file and come last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "crypto/crypto.h"
#include "features/import/internal.h"
#include "features/record/record.h"

#define FLUSH       ((size_t)256 << 10)
#define OUT_MAX     ((size_t)128 << 20)
#define ROW_ARENA   ((size_t)256 << 20)
#define PROGRESS_NS (500 * NS_PER_MS)
#define ID_POOL     256
#define SHOWN       60 /* bytes of a value in a fault */

struct target {
        const struct import_target *plan;
        struct grid_column column; /* its type, for values; all of it once it is known */
        enum csv_type canonical;   /* the form its cells are brought to first; CSV_TEXT: none */
};

struct load {
        struct ctx *ctx;
        struct tx *tx;
        const struct import_job *job;
        struct import_result *result;
        struct target *targets;
        size_t count;
        struct arena row; /* values of some rows */
        struct buf out, raw, canonical;
        int raw_fd;
        int64_t raw_cells;
        unsigned char random[16 * ID_POOL];
        size_t random_used;
        int64_t noted_ns;
};

static const char hex[] = "0123456789abcdef";

/* A random UUID, version 4. */
static void add_id(struct load *l, char ret[36])
{
        if (l->random_used == sizeof l->random) {
                crypto_random(l->random, sizeof l->random);
                l->random_used = 0;
        }
        unsigned char *b = l->random + l->random_used;
        size_t n = 0;

        l->random_used += 16;
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        ret[n++] = '-';
                ret[n++] = hex[b[i] >> 4];
                ret[n++] = hex[b[i] & 15];
        }
}

static enum csv_type canonical_type(enum grid_type type)
{
        switch (type) {
        case GRID_NUMBER: return CSV_NUMBER;
        case GRID_BOOLEAN: return CSV_BOOLEAN;
        case GRID_DATE: return CSV_DATE;
        default: return CSV_TEXT;
        }
}

/* Digits with a sign and a decimal point at most: most numbers there are, the same in SQL. */
static bool is_plain_number(struct str s, bool point)
{
        size_t i = s.ptr[0] == '-' && s.len > 1;

        if (s.len > 15 || s.ptr[i] == '.' || s.ptr[s.len - 1] == '.')
                return false;
        for (; i < s.len; i++) {
                if (s.ptr[i] == '.' && point)
                        point = false;
                else if (s.ptr[i] < '0' || s.ptr[i] > '9')
                        return false;
        }
        return true;
}

static struct grid_value convert(struct load *l, const struct target *t, struct str cell)
{
        struct str text = cell;

        if (cell.len == 0)
                return (struct grid_value){0};
        if (t->column.type == GRID_TEXT)
                return (struct grid_value){.sql = cell};
        if (t->column.type == GRID_NUMBER && is_plain_number(cell, !t->plan->format.decimal_comma))
                return (struct grid_value){.sql = cell};
        if (t->canonical != CSV_TEXT) {
                buf_reset(&l->canonical);
                if (csv_canonical(t->canonical, &t->plan->format, cell, &l->canonical))
                        text = buf_str(&l->canonical);
        }
        return grid_from_text(&l->row, &t->column, text);
}

static void fault_misfit(struct load *l, int64_t line, const struct target *t, struct str cell,
                         const char *why)
{
        struct import_faults *f = &l->result->faults;

        if (f->list.len >= IMPORT_FAULTS) {
                f->count++;
                return;
        }
        import_fault(l->ctx->arena, f, line, t->plan->name,
                     str_printf(l->ctx->arena, "\"%.*s\" %s; %s", FMT(import_shorten(cell, SHOWN)),
                                why, l->job->plan.reject ? "the row is left out" : "kept as text"));
}

static void add_raw(struct load *l, const char id[36], size_t ordinal, struct str raw,
                    const char *why)
{
        buf_add_mem(&l->raw, id, 36);
        buf_add_char(&l->raw, '\t');
        buf_add_i64(&l->raw, (int64_t)ordinal + 1);
        buf_add_char(&l->raw, '\t');
        grid_copy_field(&l->raw, raw);
        buf_add_char(&l->raw, '\t');
        grid_copy_field(&l->raw, str_from(why));
        buf_add_char(&l->raw, '\n');
        l->raw_cells++;
}

/* Appends the row; false when a value does not fit and such rows are left out. */
static bool add_row(struct load *l, const struct csv_row *row)
{
        size_t cells = MAX_OF(row->count, row->width);
        char id[36];

        add_id(l, id);
        buf_add_i64(&l->out, l->result->rows_imported + 1);
        buf_add_char(&l->out, '\t');
        buf_add_mem(&l->out, id, sizeof id);
        for (size_t i = 0; i < l->count; i++) {
                const struct target *t = &l->targets[i];
                struct str cell = t->plan->source < cells ? row->cells[t->plan->source] : STR("");
                struct grid_value v = convert(l, t, cell);

                buf_add_char(&l->out, '\t');
                grid_copy_field(&l->out, v.sql);
                if (!v.why)
                        continue;
                fault_misfit(l, row->line, t, cell, v.why);
                if (l->job->plan.reject)
                        return false;
                add_raw(l, id, i, import_shorten(cell, GRID_TEXT_MAX), v.why);
        }
        buf_add_char(&l->out, '\n');
        return true;
}

static enum err write_all(struct ctx *ctx, int fd, struct str s)
{
        while (s.len) {
                ssize_t n = write(fd, s.ptr, s.len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return fail(ctx, ERR_UNAVAILABLE, "cannot write to the spool: %s",
                                    strerror(errno));
                s = str_slice(s, (size_t)n, s.len);
        }
        return OK;
}

/* A file without a name: gone with the process, whatever becomes of it. */
static enum err open_raw(struct load *l)
{
        char *dir;

        TRY(import_spool_dir(l->ctx, &dir));
        char *path = arena_printf(l->ctx->arena, "%s/raw-XXXXXX", dir);

        l->raw_fd = mkostemp(path, O_CLOEXEC);
        if (l->raw_fd < 0)
                return fail(l->ctx, ERR_UNAVAILABLE, "cannot write to the spool: %s",
                            strerror(errno));
        unlink(path);
        return OK;
}

static enum err flush_raw(struct load *l)
{
        if (l->raw.len == 0)
                return OK;
        if (l->raw_fd < 0)
                TRY(open_raw(l));
        TRY(write_all(l->ctx, l->raw_fd, buf_str(&l->raw)));
        buf_reset(&l->raw);
        return OK;
}

static enum err flush(struct load *l)
{
        int64_t now = time_mono_ns();

        if (buf_full(&l->out) || buf_full(&l->raw))
                return fail(l->ctx, ERR_TOO_LARGE, "a row is too large");
        if (l->out.len)
                TRY(tx_copy_put(l->tx, buf_str(&l->out)));
        buf_reset(&l->out);
        TRY(flush_raw(l));
        arena_finish(&l->row);
        arena_init(&l->row, ROW_ARENA);
        if (l->ctx->app->stopping)
                return fail(l->ctx, ERR_CANCELLED, "the server is stopping");
        if (now - l->noted_ns >= PROGRESS_NS) {
                import_note_progress(l->ctx, l->job, l->result);
                l->noted_ns = now;
        }
        return OK;
}

static enum err load_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct load *l = user;
        size_t out = l->out.len, raw = l->raw.len;

        if (row->flags)
                import_row_faults(l->ctx->arena, &l->result->faults, row, l->job->width);
        if (row->header)
                return OK;
        l->result->rows_read++;
        if (add_row(l, row)) {
                l->result->rows_imported++;
        } else {
                l->out.len = out;
                l->raw.len = raw;
                l->result->rows_rejected++;
        }
        return l->out.len >= FLUSH || l->raw.len >= FLUSH || l->row.total > FLUSH ? flush(l) : OK;
}

static void closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

/* The whole file into the COPY that is open. */
static enum err copy_file(struct load *l, const char *sql)
{
        struct csv_options o;
        int64_t bytes;
        bool whole;
        char *path;

        TRY(import_spool_path(l->ctx, l->job->spool_name, &path));
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return fail(l->ctx, ERR_NOT_FOUND, "the uploaded file is gone: upload it again");
        import_reader_options(&l->job->dialect, load_row, l, &o);
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);

        TRY(tx_copy_in(l->tx, sql));
        TRY(import_read_file(l->ctx, fd, r, -1, &bytes, &whole));
        TRY(flush(l));
        return tx_copy_end(l->tx, &bytes);
}

/* The values that did not fit, from their file into the cells' table. */
static enum err store_raw(struct load *l, const struct grid_table *t)
{
        struct buf sql;
        char *chunk = arena_alloc(l->ctx->arena, FLUSH);
        int64_t rows;
        ssize_t n;

        if (!l->raw_cells)
                return OK;
        TRY(tx_script(l->tx, "CREATE TEMP TABLE import_raw (record_id uuid, ordinal integer, "
                             "raw_text text, error text) ON COMMIT DROP"));
        TRY(tx_copy_in(l->tx, "COPY import_raw FROM STDIN"));
        for (off_t at = 0; (n = pread(l->raw_fd, chunk, FLUSH, at)) > 0; at += n)
                TRY(tx_copy_put(l->tx, (struct str){chunk, (size_t)n}));
        TRY(tx_copy_end(l->tx, &rows));
        buf_init(&sql, l->ctx->arena, 1 << 20);
        buf_printf(
                &sql,
                "INSERT INTO %s (record_id, column_id, status, raw_text, error) SELECT record_id, "
                "(ARRAY[",
                t->cells);
        for (size_t i = 0; i < l->count; i++)
                buf_printf(&sql, "%s'%.*s'", i ? "," : "", FMT(l->targets[i].column.id));
        buf_add_c(&sql, "]::uuid[])[ordinal], 'manual', raw_text, error FROM import_raw");
        return tx_script(l->tx, buf_str(&sql).ptr);
}

/* ---- into a new table ---- */

static enum err load_new(struct load *l)
{
        column_new_list columns = {0};
        const struct grid_column **into = arena_alloc_array(l->ctx->arena, l->count, sizeof *into);
        struct grid_table t;
        struct buf sql;
        int64_t first;

        for (size_t i = 0; i < l->count; i++)
                LIST_PUSH(l->ctx->arena, &columns,
                          ((struct column_new){.name = l->targets[i].plan->name,
                                               .type = l->targets[i].plan->type}));
        TRY(table_create(l->ctx, l->tx, l->job->workspace_id, l->job->user_id,
                         l->job->plan.table_name, &columns, true, &t));
        for (size_t i = 0; i < l->count; i++) {
                l->targets[i].column = t.columns.ptr[i];
                into[i] = &t.columns.ptr[i];
        }
        buf_init(&sql, l->ctx->arena, 1 << 20);
        buf_printf(&sql, "COPY %s (", t.rows);
        grid_copy_columns(&sql, into, l->count, true);
        buf_add_c(&sql, ") FROM STDIN WITH (FREEZE)"); /* nobody else can see the table yet */
        TRY(copy_file(l, buf_str(&sql).ptr));
        TRY(store_raw(l, &t));
        TRY(grid_build_keys(l->ctx, l->tx, &t));
        if (l->result->rows_imported)
                TRY(table_rows_added(l->ctx, l->tx, t.id, l->result->rows_imported, &first));
        l->result->table_id = t.id;
        return OK;
}

/* ---- into a table that is in use ---- */

static enum err changed(struct load *l)
{
        return fail(l->ctx, ERR_CONFLICT, "the table has changed since the import was set up");
}

/* Finds the columns that are there already; the others only have a type so far. */
static enum err find_columns(struct load *l, const struct grid_table *t)
{
        for (size_t i = 0; i < l->count; i++) {
                struct target *to = &l->targets[i];
                const struct grid_column *c;

                if (!to->plan->column_id.ptr) {
                        to->column.type = to->plan->type;
                        continue;
                }
                c = grid_column_find(t, to->plan->column_id);
                if (!c || c->type != to->plan->type)
                        return changed(l);
                to->column = *c;
        }
        return OK;
}

static enum err add_columns(struct load *l, struct grid_table *t)
{
        for (size_t i = 0; i < l->count; i++) {
                struct target *to = &l->targets[i];
                const struct grid_column *c;

                if (to->plan->column_id.ptr)
                        continue;
                TRY(table_add_column(
                        l->ctx, l->tx, t,
                        &(struct column_new){.name = to->plan->name, .type = to->plan->type}, &c));
                to->column = *c;
        }
        return OK;
}

static enum err make_stage(struct load *l)
{
        struct buf sql;

        buf_init(&sql, l->ctx->arena, 1 << 20);
        buf_add_c(&sql, "CREATE TEMP TABLE import_stage (position bigint, id uuid");
        for (size_t i = 0; i < l->count; i++)
                buf_printf(&sql, ", s%zu %s", i, grid_type_sql(l->targets[i].plan->type));
        buf_add_c(&sql, ") ON COMMIT DROP");
        return tx_script(l->tx, buf_str(&sql).ptr);
}

static enum err move_stage(struct load *l, const struct grid_table *t, int64_t first)
{
        const struct grid_column **into = arena_alloc_array(l->ctx->arena, l->count, sizeof *into);
        struct buf sql;

        for (size_t i = 0; i < l->count; i++)
                into[i] = &l->targets[i].column;
        buf_init(&sql, l->ctx->arena, 1 << 20);
        buf_printf(&sql, "INSERT INTO %s (", t->rows);
        grid_copy_columns(&sql, into, l->count, true);
        buf_printf(&sql, ") SELECT position + %lld, id", (long long)first - 1);
        for (size_t i = 0; i < l->count; i++)
                buf_printf(&sql, ", s%zu", i);
        buf_add_c(&sql, " FROM import_stage ORDER BY position");
        return grid_fault(l->ctx, tx_script(l->tx, buf_str(&sql).ptr));
}

static enum err load_existing(struct load *l)
{
        const struct import_job *job = l->job;
        struct grid_table t;
        int64_t first = 1;

        TRY(grid_load(l->ctx, l->tx, job->workspace_id, job->table_id, &t));
        TRY(find_columns(l, &t));
        TRY(make_stage(l));
        TRY(copy_file(l, "COPY import_stage FROM STDIN"));
        l->result->table_id = t.id;
        if (!l->result->rows_imported)
                return OK;
        TRY(table_rows_added(l->ctx, l->tx, t.id, l->result->rows_imported, &first));
        TRY(grid_load(l->ctx, l->tx, job->workspace_id, job->table_id, &t)); /* now locked */
        TRY(find_columns(l, &t));
        TRY(add_columns(l, &t));
        TRY(move_stage(l, &t, first));
        TRY(store_raw(l, &t));
        return record_publish_changed(l->ctx, l->tx, &t, "inserted", NULL,
                                      l->result->rows_imported);
}

enum err import_load(struct ctx *ctx, struct tx *tx, const struct import_job *job,
                     struct import_result *ret)
{
        struct load *l = arena_new(ctx->arena, struct load);
        enum err e;

        *ret = (struct import_result){0};
        l->ctx = ctx;
        l->tx = tx;
        l->job = job;
        l->result = ret;
        l->raw_fd = -1;
        l->random_used = sizeof l->random;
        l->count = job->plan.targets.len;
        l->targets = arena_alloc_array(ctx->arena, l->count, sizeof *l->targets);
        for (size_t i = 0; i < l->count; i++) {
                l->targets[i].plan = &job->plan.targets.ptr[i];
                l->targets[i].canonical = canonical_type(l->targets[i].plan->type);
        }
        arena_init(&l->row, ROW_ARENA);
        buf_init(&l->out, NULL, OUT_MAX);
        buf_init(&l->raw, NULL, OUT_MAX);
        buf_init(&l->canonical, NULL, 4096);
        e = job->table_id.ptr ? load_existing(l) : load_new(l);
        closep(&l->raw_fd);
        buf_finish(&l->canonical);
        buf_finish(&l->raw);
        buf_finish(&l->out);
        arena_finish(&l->row);
        return e;
}
