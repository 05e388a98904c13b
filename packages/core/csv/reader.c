/*
 * The CSV reader: keeps one buffer, walks the marks that scan.c finds in it, hands over rows.
 * See csv.h for what it promises.
 */
#include "csv/internal.h"
#include "csv/scan.h"

#include <string.h>

#define BLOCK       ((size_t)64)
#define BATCH       ((size_t)64) /* blocks scanned at once: their masks stay in the first cache */
#define BUF_START   ((size_t)256 << 10)
#define RAW         ((size_t)32 << 10)
#define SAMPLE_ROOM (CSV_SAMPLE + 4096)

enum state {
        PLAIN,   /* before or in an unquoted cell */
        QUOTED,  /* inside quotes */
        CLOSING, /* just behind a quote that closes, unless another one follows */
        STRAY,   /* in text behind a closing quote */
};

struct csv_reader {
        struct csv_options o;
        struct csv_dialect dialect;
        struct csv_decoder decoder;
        csv_scan_fn *scan;
        bool ready; /* the dialect is known */
        char *sample;
        size_t sample_len;
        char *raw; /* where csv_reader_space() puts bytes that must be decoded first */

        char *buf; /* cap + BLOCK bytes; the row being read starts at row_at */
        size_t cap, filled, done;
        size_t row_at, cell_at, quote_at;
        enum state state;
        bool escaped; /* the quoted cell holds doubled quotes */

        struct str *cells;
        size_t count, room;
        size_t width;
        bool after_cr; /* the previous row ended with a CR, its LF may follow */
        bool skip_row;
        bool begun;          /* the first row has been handed over */
        bool odd, block_odd; /* the row, or this block, holds NUL or bytes beyond ASCII */
        unsigned flags;
        int64_t line, inner_lines, index;
        struct buf repaired;
};

static struct csv_reader *reader_new(const struct csv_options *options)
{
        struct csv_reader *r = mem_alloc(sizeof *r);

        r->o = *options;
        r->o.max_cell = r->o.max_cell ? r->o.max_cell : CSV_MAX_CELL;
        r->o.max_row = r->o.max_row ? r->o.max_row : CSV_MAX_ROW;
        r->o.max_columns = r->o.max_columns ? r->o.max_columns : CSV_MAX_COLUMNS;
        r->width = r->o.width;
        r->scan = csv_scan_best();
        r->line = 1;
        r->cap = BUF_START;
        r->buf = mem_alloc(r->cap + BLOCK);
        r->room = MAX_OF(r->width, 2 * BLOCK);
        r->cells = mem_alloc(r->room * sizeof *r->cells);
        buf_init(&r->repaired, NULL, SIZE_MAX / 2);
        return r;
}

struct csv_reader *csv_reader_open(const struct csv_options *options)
{
        struct csv_reader *r = reader_new(options);

        r->sample = mem_alloc(SAMPLE_ROOM);
        return r;
}

struct csv_reader *csv_reader_open_known(const struct csv_options *options)
{
        struct csv_reader *r = reader_new(options);

        r->dialect = options->dialect;
        r->decoder.encoding = CSV_UTF8;
        r->ready = true;
        return r;
}

void csv_reader_close(struct csv_reader *r)
{
        if (!r)
                return;
        mem_free(r->sample);
        mem_free(r->raw);
        mem_free(r->buf);
        mem_free(r->cells);
        buf_finish(&r->repaired);
        mem_free(r);
}

void csv_reader_closep(struct csv_reader **r)
{
        csv_reader_close(*r);
}

const struct csv_dialect *csv_reader_dialect(const struct csv_reader *r)
{
        return &r->dialect;
}

int64_t csv_reader_rows(const struct csv_reader *r)
{
        return r->index;
}

int64_t csv_reader_line(const struct csv_reader *r)
{
        return r->line;
}

/* Makes room for `more` cells behind those of the row. */
static enum err reserve_cells(struct ctx *ctx, struct csv_reader *r, size_t more)
{
        if (r->count > r->o.max_columns)
                return fail(ctx, ERR_TOO_LARGE, "line %lld: more than %zu columns",
                            (long long)r->line, r->o.max_columns);
        if (r->room - r->count >= more)
                return OK;
        while (r->room - r->count < more)
                r->room *= 2;
        r->cells = mem_realloc(r->cells, r->room * sizeof *r->cells);
        return OK;
}

/*
 * Removes quoting from the text between `from` (behind the opening quote) and `end`, in place:
 * doubled quotes become one, the closing quote goes, text behind it stays as it is.
 */
static struct str unquote(char *from, char *end, char quote)
{
        char *to = from, *src = from;

        while (src < end) {
                char *q = memchr(src, quote, (size_t)(end - src));
                char *stop = q ? q : end;

                memmove(to, src, (size_t)(stop - src));
                to += stop - src;
                if (!q)
                        break;
                src = q + 1;
                if (src < end && *src == quote) {
                        *to++ = quote;
                        src++;
                } else {
                        memmove(to, src, (size_t)(end - src));
                        to += end - src;
                        break;
                }
        }
        return (struct str){from, (size_t)(to - from)};
}

/* Ends the current cell before offset `at`. */
static void add_cell(struct csv_reader *r, size_t at)
{
        char *cell = r->buf + r->cell_at;
        struct str s;

        if (r->state == PLAIN) {
                s = (struct str){cell, at - r->cell_at};
        } else {
                if (r->state == CLOSING && !r->escaped)
                        s = (struct str){cell + 1, r->quote_at - r->cell_at - 1};
                else
                        s = unquote(cell + 1, r->buf + at, r->dialect.quote);
                r->flags |= r->state == STRAY ? CSV_ROW_AFTER_QUOTE : 0;
                r->escaped = false;
                r->state = PLAIN;
        }
        r->cells[r->count++] = s;
        r->cell_at = at + 1;
}

static struct str drop_nul(struct str s)
{
        char *to = (char *)(uintptr_t)s.ptr;
        size_t n = 0;

        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] != '\0')
                        to[n++] = s.ptr[i];
        return (struct str){s.ptr, n};
}

/* Reads the bytes that are not UTF-8 as Windows-1252. The buffer has room already. */
static struct str repair(struct buf *b, struct str s)
{
        size_t start = b->len;
        char tmp[3];

        for (size_t i = 0; i < s.len;) {
                size_t n = str_utf8_len((const unsigned char *)s.ptr + i, s.len - i);

                if (n) {
                        buf_add_mem(b, s.ptr + i, n);
                        i += n;
                } else {
                        buf_add_mem(b, tmp, csv_windows_1252((unsigned char)s.ptr[i], tmp));
                        i++;
                }
        }
        return (struct str){b->ptr + start, b->len - start};
}

/* A row with NUL or non-ASCII bytes: looks at each cell, mends what must be mended. */
static void check_odd(struct csv_reader *r, size_t row_len)
{
        buf_reset(&r->repaired);
        for (size_t i = 0; i < r->count; i++) {
                struct str *cell = &r->cells[i];

                if (cell->len && memchr(cell->ptr, 0, cell->len)) {
                        r->flags |= CSV_ROW_NUL;
                        if (r->o.drop_nul)
                                *cell = drop_nul(*cell);
                }
                if (!csv_utf8_valid(*cell, false)) {
                        r->flags |= CSV_ROW_BAD_UTF8;
                        buf_reserve(&r->repaired, r->repaired.len ? 0 : row_len * 3);
                        *cell = repair(&r->repaired, *cell);
                } else if (r->decoder.lone && str_find(*cell, STR("\xef\xbf\xbd")) != SIZE_MAX) {
                        r->flags |= CSV_ROW_BAD_UTF8;
                }
        }
}

static enum err check_limits(struct ctx *ctx, struct csv_reader *r, size_t row_len)
{
        if (r->count > r->o.max_columns)
                return fail(ctx, ERR_TOO_LARGE, "line %lld: more than %zu columns",
                            (long long)r->line, r->o.max_columns);
        for (size_t i = 0; i < r->count; i++)
                if (r->cells[i].len > r->o.max_cell)
                        return fail(ctx, ERR_TOO_LARGE,
                                    "line %lld: cell %zu is longer than %zu bytes",
                                    (long long)r->line, i + 1, r->o.max_cell);
        if (row_len > r->o.max_row)
                return fail(ctx, ERR_TOO_LARGE, "line %lld: the row is longer than %zu bytes",
                            (long long)r->line, r->o.max_row);
        return OK;
}

static enum err deliver(struct ctx *ctx, struct csv_reader *r)
{
        bool header = !r->begun && r->dialect.header == CSV_HEADER_YES;
        size_t count = r->count;

        if (!r->width)
                r->width = count;
        if (count < r->width) {
                TRY(reserve_cells(ctx, r, r->width - count + 1));
                for (size_t i = count; i < r->width; i++)
                        r->cells[i] = STR("");
                r->flags |= count ? CSV_ROW_SHORT : 0;
        } else if (count > r->width) {
                r->flags |= CSV_ROW_LONG;
        }
        r->begun = true;
        r->index += !header;
        struct csv_row row = {
                .cells = r->cells,
                .count = count,
                .width = r->width,
                .line = r->line,
                .index = header ? 0 : r->index,
                .flags = r->flags,
                .header = header,
        };
        return r->o.row(r->o.user, ctx, &row);
}

/* Ends the row whose last cell has been added; `at` is the offset of its line end. */
static enum err end_row(struct ctx *ctx, struct csv_reader *r, size_t at)
{
        size_t row_len = at - r->row_at;
        bool blank = row_len == 0; /* a single "" is not */

        if (blank)
                r->count = 0;
        if (row_len > r->o.max_cell || r->count > r->o.max_columns)
                TRY(check_limits(ctx, r, row_len));
        if (r->odd)
                check_odd(r, row_len);
        if (r->skip_row)
                r->skip_row = false;
        else if (!blank || r->o.keep_blank)
                TRY(deliver(ctx, r));
        r->line += 1 + r->inner_lines;
        r->inner_lines = 0;
        r->after_cr = r->buf[at] == '\r';
        r->count = 0;
        r->flags = 0;
        r->odd = r->block_odd;
        r->row_at = r->cell_at = at + 1;
        return OK;
}

/* Is the line end at `at` the second half of CRLF? Then it is passed over. */
static bool skip_lf(struct csv_reader *r, size_t at)
{
        if (r->buf[at] != '\n' || !r->after_cr || at != r->row_at)
                return false;
        r->after_cr = false;
        r->row_at = r->cell_at = at + 1;
        return true;
}

/* A line end at `at`, behind an unquoted or closed cell. */
static enum err line_end(struct ctx *ctx, struct csv_reader *r, size_t at)
{
        if (skip_lf(r, at))
                return OK;
        add_cell(r, at);
        return end_row(ctx, r, at);
}

/* A block without quotes, outside quotes: only cells and rows end here. */
static inline enum err walk_plain(struct ctx *ctx, struct csv_reader *r, size_t base,
                                  const struct csv_masks *m)
{
        uint64_t ends = m->lf | m->cr, bits = m->delimiter | ends;
        const char *block = r->buf + base, *cell = r->buf + r->cell_at;
        struct str *out = r->cells + r->count;

        while (bits) {
                const char *at = block + __builtin_ctzll(bits);
                uint64_t low = bits & -bits;

                bits ^= low;
                if (__builtin_expect((low & ends) != 0, 0)) {
                        r->count = (size_t)(out - r->cells);
                        r->cell_at = (size_t)(cell - r->buf);
                        TRY(line_end(ctx, r, (size_t)(at - r->buf)));
                        out = r->cells + r->count;
                        cell = r->buf + r->cell_at;
                        continue;
                }
                *out++ = (struct str){cell, (size_t)(at - cell)};
                cell = at + 1;
        }
        r->count = (size_t)(out - r->cells);
        r->cell_at = (size_t)(cell - r->buf);
        return OK;
}

/* Bit i of the result is the parity of bits 0..i: with quotes, whether byte i is inside them. */
static inline uint64_t prefix_xor(uint64_t x)
{
        for (int shift = 1; shift < 64; shift *= 2)
                x ^= x << shift;
        return x;
}

/* Where quotes stand in one block, if all of them do as RFC 4180 says. */
struct quoting {
        uint64_t inside;  /* from the opening quote to the byte before the closing one */
        uint64_t escapes; /* closing quotes that the next byte opens again: doubled ones */
        uint64_t closing;
};

static inline bool is_tidy(const struct csv_reader *r, size_t base, const struct csv_masks *m,
                           struct quoting *ret)
{
        const uint64_t marks = m->delimiter | m->lf | m->cr | m->quote;
        const uint64_t inside = prefix_xor(m->quote) ^ (r->state == QUOTED ? ~UINT64_C(0) : 0);
        const uint64_t opening = m->quote & inside, closing = m->quote & ~inside;
        const uint64_t begins = marks << 1 | (r->state == PLAIN && r->cell_at == base);
        const uint64_t ends = marks >> 1 | UINT64_C(1) << 63; /* the next block tells */

        *ret = (struct quoting){inside, closing & opening >> 1, closing};
        return (r->state == PLAIN || r->state == QUOTED) && !(opening & ~begins) &&
               !(closing & ~ends) && !((m->lf | m->cr) & inside);
}

/* A block whose quotes are tidy and hold no line ends: nearly every block with quotes. */
static enum err walk_tidy(struct ctx *ctx, struct csv_reader *r, size_t base,
                          const struct csv_masks *m, struct quoting q)
{
        const uint64_t ends = (m->lf | m->cr) & ~q.inside;
        uint64_t bits = (m->delimiter & ~q.inside) | ends, escapes = q.escapes;
        const char quote = r->dialect.quote;

        while (bits) {
                size_t at = base + (size_t)__builtin_ctzll(bits);
                uint64_t low = bits & -bits;
                char *cell = r->buf + r->cell_at;
                size_t quoted = *cell == quote;

                bits ^= low;
                if ((low & ends) && skip_lf(r, at))
                        continue;
                if (__builtin_expect(r->escaped || (escapes & (low - 1)), 0)) {
                        r->cells[r->count++] = unquote(cell + 1, r->buf + at, quote);
                        escapes &= ~(low - 1);
                        r->escaped = false;
                } else {
                        r->cells[r->count++] =
                                (struct str){cell + quoted, at - r->cell_at - 2 * quoted};
                }
                r->cell_at = at + 1;
                if (low & ends)
                        TRY(end_row(ctx, r, at));
        }
        r->escaped |= escapes != 0;
        r->state = q.inside >> 63 ? QUOTED : PLAIN;
        if (q.closing >> 63) {
                r->state = CLOSING;
                r->quote_at = base + BLOCK - 1;
        }
        return OK;
}

/* Any block, with quotes wherever they are: mark by mark. */
static enum err walk_any(struct ctx *ctx, struct csv_reader *r, size_t base,
                         const struct csv_masks *m)
{
        const uint64_t ends = m->lf | m->cr;
        const uint64_t carry = base && r->buf[base - 1] == '\r';
        const uint64_t eol = m->cr | (m->lf & ~(m->cr << 1 | carry)); /* CRLF counts once */
        uint64_t todo = m->delimiter | ends | m->quote;
        uint64_t ahead = ~UINT64_C(0); /* bits not walked yet */

        for (;;) {
                if (r->state == QUOTED) {
                        uint64_t q = m->quote & ahead;
                        uint64_t inside = q ? ahead & ((q & -q) - 1) : ahead;

                        r->inner_lines += __builtin_popcountll(eol & inside);
                        if (!q)
                                return OK;
                        r->quote_at = base + (size_t)__builtin_ctzll(q);
                        r->state = CLOSING;
                        ahead &= ~(q ^ (q - 1));
                        continue;
                }
                uint64_t next = todo & ahead;

                if (!next)
                        return OK;
                uint64_t low = next & -next;
                size_t at = base + (size_t)__builtin_ctzll(next);

                ahead &= ~(low | (low - 1));
                if (r->state == CLOSING && at != r->quote_at + 1)
                        r->state = STRAY;
                if (low & m->quote) {
                        if (r->state == CLOSING) {
                                r->escaped = true;
                                r->state = QUOTED;
                        } else if (r->state == PLAIN && at == r->cell_at) {
                                r->state = QUOTED;
                        }
                } else if (low & ends) {
                        TRY(line_end(ctx, r, at));
                } else {
                        add_cell(r, at);
                }
        }
}

static enum err walk(struct ctx *ctx, struct csv_reader *r, const struct csv_masks *m)
{
        struct quoting q;

        TRY(reserve_cells(ctx, r, BLOCK + 1));
        r->block_odd = m->odd != 0;
        r->odd |= r->block_odd;
        if (r->state == PLAIN && !m->quote)
                return walk_plain(ctx, r, r->done, m);
        if (is_tidy(r, r->done, m, &q))
                return walk_tidy(ctx, r, r->done, m, q);
        return walk_any(ctx, r, r->done, m);
}

static enum err parse(struct ctx *ctx, struct csv_reader *r)
{
        struct csv_masks masks[BATCH];

        while (r->filled - r->done >= BLOCK) {
                size_t n = MIN_OF((r->filled - r->done) / BLOCK, BATCH);

                r->scan(r->buf + r->done, n, r->dialect.delimiter, r->dialect.quote, masks);
                for (size_t i = 0; i < n; i++) {
                        TRY(walk(ctx, r, &masks[i]));
                        r->done += BLOCK;
                }
        }
        if (r->filled - r->cell_at > 2 * r->o.max_cell + BLOCK) /* doubled quotes become one */
                return fail(ctx, ERR_TOO_LARGE, "line %lld: cell %zu is longer than %zu bytes%s",
                            (long long)r->line, r->count + 1, r->o.max_cell,
                            r->state == QUOTED ? "; is its closing quote missing?" : "");
        if (r->filled - r->row_at > r->o.max_row + BLOCK)
                return fail(ctx, ERR_TOO_LARGE, "line %lld: the row is longer than %zu bytes",
                            (long long)r->line, r->o.max_row);
        return OK;
}

/* Moves the row being read to the front of the buffer, or of a larger one. */
static void make_room(struct csv_reader *r)
{
        size_t keep = r->filled - r->row_at, cap = r->cap;
        char *from = r->buf + r->row_at, *to = r->buf;

        if (keep > cap / 2) {
                cap *= 2;
                to = mem_alloc(cap + BLOCK);
        }
        for (size_t i = 0; i < r->count; i++)
                r->cells[i].ptr = to + (r->cells[i].ptr - from);
        memmove(to, from, keep);
        if (to != r->buf) {
                mem_free(r->buf);
                r->buf = to;
                r->cap = cap;
        }
        r->filled = keep;
        r->done -= r->row_at;
        r->cell_at -= r->row_at;
        r->quote_at = r->state == CLOSING ? r->quote_at - r->row_at : 0;
        r->row_at = 0;
}

/* Puts decoded or plain bytes into the buffer and parses them. */
static enum err feed(struct ctx *ctx, struct csv_reader *r, const char *p, size_t len)
{
        bool plain = r->decoder.encoding == CSV_UTF8;

        while (len) {
                if (r->cap - r->filled < CSV_DECODE_ROOM(BLOCK))
                        make_room(r);
                size_t room = r->cap - r->filled, n = plain ? room : (room - 6) / 3;

                n = MIN_OF(n, len);
                r->filled += csv_decode(&r->decoder, p, n, r->buf + r->filled);
                p += n;
                len -= n;
                TRY(parse(ctx, r));
        }
        return OK;
}

/* The sample is full, or the file has ended: finds the dialect and begins. */
static enum err start(struct ctx *ctx, struct csv_reader *r, bool whole)
{
        struct str sample = {r->sample, r->sample_len};
        size_t bom;

        csv_sniff(sample, whole, &r->o.dialect, &r->dialect);
        csv_sniff_encoding(sample, &bom);
        bom = r->dialect.bom ? bom : 0;
        r->decoder.encoding = r->dialect.encoding;
        r->skip_row = r->dialect.sep_line;
        r->ready = true;
        return feed(ctx, r, sample.ptr + bom, sample.len - bom);
}

enum err csv_reader_push(struct ctx *ctx, struct csv_reader *r, struct str chunk)
{
        if (!r->ready) {
                size_t n = MIN_OF(chunk.len, CSV_SAMPLE - r->sample_len);

                if (n)
                        memcpy(r->sample + r->sample_len, chunk.ptr, n);
                r->sample_len += n;
                chunk = (struct str){chunk.ptr + n, chunk.len - n};
                if (r->sample_len < CSV_SAMPLE)
                        return OK;
                TRY(start(ctx, r, false));
        }
        return feed(ctx, r, chunk.ptr, chunk.len);
}

char *csv_reader_space(struct csv_reader *r, size_t *ret_len)
{
        if (!r->ready) {
                *ret_len = SAMPLE_ROOM - r->sample_len;
                return r->sample + r->sample_len;
        }
        if (r->decoder.encoding != CSV_UTF8) {
                if (!r->raw)
                        r->raw = mem_alloc(RAW);
                *ret_len = RAW;
                return r->raw;
        }
        if (r->cap - r->filled < r->cap / 2)
                make_room(r);
        *ret_len = r->cap - r->filled;
        return r->buf + r->filled;
}

enum err csv_reader_commit(struct ctx *ctx, struct csv_reader *r, size_t len)
{
        if (!r->ready) {
                r->sample_len += len;
                return r->sample_len < CSV_SAMPLE ? OK : start(ctx, r, false);
        }
        if (r->decoder.encoding != CSV_UTF8)
                return feed(ctx, r, r->raw, len);
        r->filled += len;
        return parse(ctx, r);
}

enum err csv_reader_finish(struct ctx *ctx, struct csv_reader *r)
{
        struct csv_masks m;
        size_t tail;

        if (!r->ready)
                TRY(start(ctx, r, true));
        if (r->cap - r->filled < BLOCK)
                make_room(r);
        r->filled += csv_decode_end(&r->decoder, r->buf + r->filled);
        TRY(parse(ctx, r));
        tail = r->filled - r->done;
        memset(r->buf + r->filled, 0, BLOCK);
        r->scan(r->buf + r->done, 1, r->dialect.delimiter, r->dialect.quote, &m);
        uint64_t valid = (UINT64_C(1) << tail) - 1;

        m = (struct csv_masks){m.delimiter & valid, m.quote & valid, m.lf & valid, m.cr & valid, 1};
        TRY(walk(ctx, r, &m));
        r->done = r->filled;
        if (r->state == PLAIN && r->row_at == r->filled && r->count == 0)
                return OK;
        if (r->state == CLOSING && r->quote_at + 1 != r->filled)
                r->state = STRAY;
        r->flags |= r->state == QUOTED ? CSV_ROW_UNTERMINATED : 0;
        add_cell(r, r->filled);
        return end_row(ctx, r, r->filled);
}

struct str csv_row_problem(struct arena *a, const struct csv_row *row)
{
        struct buf b;

        if (!row->flags)
                return STR_NULL;
        buf_init(&b, a, 1024);
        if (row->flags & (CSV_ROW_SHORT | CSV_ROW_LONG))
                buf_printf(&b, "%zu cells where the header has %zu; ", row->count, row->width);
        if (row->flags & CSV_ROW_AFTER_QUOTE)
                buf_add_c(&b, "text behind a closing quote; ");
        if (row->flags & CSV_ROW_UNTERMINATED)
                buf_add_c(&b, "the last quote is never closed; ");
        if (row->flags & CSV_ROW_NUL)
                buf_add_c(&b, "NUL bytes; ");
        if (row->flags & CSV_ROW_BAD_UTF8)
                buf_add_c(&b, "bytes that do not fit the file's encoding; ");
        return (struct str){b.ptr, b.len - 2};
}
