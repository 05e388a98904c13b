/*
 * Fuzz target: the first bytes choose options, the rest is a file. It is read twice, split at
 * different places; both must give the same rows or the same failure, and written rows must read
 * back as they were.
 */
#include "csv/csv.h"
#include "csv/infer.h"
#include "csv/write.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
        uint64_t hash;
        struct buf written;
        struct csv_writer writer;
        struct csv_infer infer;
};

static void mix(struct seen *s, const void *p, size_t n)
{
        const unsigned char *c = p;

        for (size_t i = 0; i < n; i++)
                s->hash = (s->hash ^ c[i]) * UINT64_C(0x100000001b3);
        s->hash = (s->hash ^ 0xff ^ n) * UINT64_C(0x100000001b3);
}

static enum err take(void *user, struct ctx *c, const struct csv_row *row)
{
        struct seen *s = user;
        struct buf out;
        char first;

        buf_init(&out, NULL, 1 << 20);
        for (size_t i = 0; i < row->count; i++) {
                struct csv_format f = {.month_first = i & 1, .decimal_comma = i & 2};
                struct str cell = row->cells[i];

                if (cell.len) { /* must be readable */
                        memcpy(&first, cell.ptr + cell.len - 1, 1);
                        mix(s, &first, 1);
                }
                mix(s, cell.ptr, cell.len);
                csv_infer_add(&s->infer, cell);
                for (int t = 0; t < CSV_TYPES; t++) {
                        bool fits = csv_canonical((enum csv_type)t, &f, cell, &out);

                        mix(s, &fits, sizeof fits);
                }
        }
        for (size_t i = row->count; i < row->width; i++)
                assert(row->cells[i].len == 0);
        mix(s, &row->line, sizeof row->line);
        mix(s, &row->flags, sizeof row->flags);
        mix(s, out.ptr, out.len);
        if (row->count)
                csv_write_row(&s->writer, row->cells, row->count);
        buf_finish(&out);
        return OK;
}

static enum err read_all(struct seen *s, const struct csv_options *base, struct str text,
                         size_t step)
{
        struct csv_options o = *base;

        *s = (struct seen){0};
        buf_init(&s->written, NULL, 64 << 20);
        s->writer.out = &s->written;
        o.row = take;
        o.user = s;
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&o);

        for (size_t at = 0; at < text.len; at += step)
                TRY(csv_reader_push(NULL, r, str_slice(text, at, step)));
        return csv_reader_finish(NULL, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char delimiters[] = {0, ',', ';', '\t'};
        struct csv_options o = {.max_cell = 4096, .max_row = 16384, .max_columns = 300};
        struct seen a, b, again;

        if (size < 3)
                return 0;
        o.dialect.delimiter = delimiters[data[0] & 3];
        o.dialect.encoding = (enum csv_encoding)((data[0] >> 2) % 5);
        o.dialect.header = (enum csv_header)((data[1] & 3) % 3);
        o.drop_nul = data[1] & 4;
        o.keep_blank = data[1] & 8;
        struct str text = {(const char *)data + 3, size - 3};
        enum err first = read_all(&a, &o, text, MAX_OF(text.len, (size_t)1));
        enum err second = read_all(&b, &o, text, (size_t)data[2] + 1);

        assert(first == second);
        assert(first != OK || a.hash == b.hash);
        if (first == OK) { /* what was written is read back as the same bytes */
                struct csv_options plain = {.dialect = {.delimiter = ',',
                                                        .encoding = CSV_UTF8,
                                                        .header = CSV_HEADER_NO}};
                struct str written = buf_str(&a.written);
                bool bom = str_starts(written, STR("\xef\xbb\xbf")) ||
                           str_starts(written, STR("\xff\xfe")) ||
                           str_starts(written, STR("\xfe\xff")) || str_starts(written, STR("sep="));

                assert(read_all(&again, &plain, written, 4096) == OK);
                assert(bom || (written.len == again.written.len &&
                               memcmp(written.ptr, buf_str(&again.written).ptr, written.len) == 0));
                buf_finish(&again.written);
        }
        buf_finish(&a.written);
        buf_finish(&b.written);
        return 0;
}
