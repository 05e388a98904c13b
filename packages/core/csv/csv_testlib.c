/*
 * What tests/property/test_csv.py calls through ctypes: whole-file functions over csv.h and
 * write.h. Rows cross the border as bytes: per row the number of cells, per cell its length and its
 * bytes, numbers as 32-bit little endian. Part of libmillrace-test.so only.
 */
#include "csv/csv.h"
#include "csv/infer.h"
#include "csv/scan.h"
#include "csv/write.h"

#include <string.h>

struct test_csv {
        struct buf out;
        struct csv_dialect dialect;
};

/* The functions that Python calls. */
struct test_csv *test_csv_read(const char *data, size_t len, const uint32_t *steps, size_t n_steps,
                               char delimiter, int encoding, int header, int keep_blank);
struct test_csv *test_csv_write(const char *data, size_t len, char delimiter, int crlf, int safe);
const char *test_csv_bytes(const struct test_csv *t, size_t *ret_len);
int test_csv_dialect(const struct test_csv *t, int what);
void test_csv_free(struct test_csv *t);
int test_csv_scan_same(const char *data, size_t blocks, char delimiter, char quote);

static void put_u32(struct buf *b, size_t v)
{
        uint32_t u = (uint32_t)v;

        buf_add_mem(b, &u, sizeof u);
}

static enum err put_row(void *user, struct ctx *c, const struct csv_row *row)
{
        struct test_csv *t = user;

        put_u32(&t->out, row->count);
        for (size_t i = 0; i < row->count; i++) {
                put_u32(&t->out, row->cells[i].len);
                buf_add(&t->out, row->cells[i]);
        }
        return OK;
}

static struct test_csv *test_new(void)
{
        struct test_csv *t = mem_alloc(sizeof *t);

        buf_init(&t->out, NULL, (size_t)1 << 30);
        return t;
}

/* The file in chunks of the sizes given, over and over. NULL when the reader fails. */
struct test_csv *test_csv_read(const char *data, size_t len, const uint32_t *steps, size_t n_steps,
                               char delimiter, int encoding, int header, int keep_blank)
{
        struct test_csv *t = test_new();
        struct csv_options o = {
                .dialect = {.delimiter = delimiter,
                            .encoding = (enum csv_encoding)encoding,
                            .header = (enum csv_header)header},
                .row = put_row,
                .user = t,
                .keep_blank = keep_blank,
        };
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);
        struct str rest = {data, len};
        enum err e = OK;

        for (size_t i = 0; rest.len && e == OK; i++) {
                size_t n = n_steps ? steps[i % n_steps] : rest.len;

                e = csv_reader_push(NULL, r, str_slice(rest, 0, n));
                rest = str_slice(rest, n, rest.len);
        }
        if (e == OK)
                e = csv_reader_finish(NULL, r);
        t->dialect = *csv_reader_dialect(r);
        if (e == OK)
                return t;
        test_csv_free(t);
        return NULL;
}

static size_t take_u32(struct str *s)
{
        uint32_t u;

        memcpy(&u, s->ptr, sizeof u);
        *s = str_slice(*s, sizeof u, s->len);
        return u;
}

struct test_csv *test_csv_write(const char *data, size_t len, char delimiter, int crlf, int safe)
{
        struct test_csv *t = test_new();
        struct csv_writer w = {
                .out = &t->out, .delimiter = delimiter, .crlf = crlf, .formula_safe = safe};
        struct str rest = {data, len};

        while (rest.len) {
                for (size_t cells = take_u32(&rest); cells; cells--) {
                        size_t n = take_u32(&rest);

                        csv_write_cell(&w, str_slice(rest, 0, n));
                        rest = str_slice(rest, n, rest.len);
                }
                csv_write_end(&w);
        }
        return t;
}

const char *test_csv_bytes(const struct test_csv *t, size_t *ret_len)
{
        *ret_len = t->out.len;
        return buf_str(&t->out).ptr;
}

/* 0: delimiter, 1: encoding, 2: header, 3: newline. */
int test_csv_dialect(const struct test_csv *t, int what)
{
        switch (what) {
        case 0: return t->dialect.delimiter;
        case 1: return (int)t->dialect.encoding;
        case 2: return (int)t->dialect.header;
        default: return (int)t->dialect.newline;
        }
}

void test_csv_free(struct test_csv *t)
{
        buf_finish(&t->out);
        mem_free(t);
}

/* Do all variants of the scanner agree on these blocks? */
int test_csv_scan_same(const char *data, size_t blocks, char delimiter, char quote)
{
        struct csv_masks want[64], got[64];
        csv_scan_fn *all[8];
        size_t n = csv_scan_variants(all, ELEMENTS(all));

        blocks = MIN_OF(blocks, ELEMENTS(want));
        csv_scan_scalar(data, blocks, delimiter, quote, want);
        for (size_t v = 1; v < n; v++) {
                all[v](data, blocks, delimiter, quote, got);
                for (size_t i = 0; i < blocks; i++)
                        if (want[i].delimiter != got[i].delimiter ||
                            want[i].quote != got[i].quote || want[i].lf != got[i].lf ||
                            want[i].cr != got[i].cr || !want[i].odd != !got[i].odd)
                                return 0;
        }
        return 1;
}
