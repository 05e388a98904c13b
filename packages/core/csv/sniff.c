/*
 * Finds out how a CSV file is written from its first bytes: encoding, delimiter, header, line ends.
 *
 * The delimiter is the candidate under which rows have the most even width and the cells look most
 * like values (the idea of van den Burg, Nazabal and Sutton, "Wrangling Messy CSV Files by
 * Detecting Row and Type Patterns", 2019; here with far simpler scores).
 */
#include "csv/infer.h"
#include "csv/internal.h"

#include <string.h>

#define SNIFF_ROWS    200
#define SNIFF_COLUMNS 64

static const char candidates[] = {',', ';', '\t', '|'};

/* What one candidate makes of the sample. */
struct trial {
        char delimiter;
        int rows;
        int widths[SNIFF_ROWS];
        int64_t cells, clean;
};

/* A cell that holds another candidate is probably several cells, unless it is a known value. */
static bool is_clean(struct str cell, char delimiter)
{
        for (size_t i = 0; i < ELEMENTS(candidates); i++)
                if (candidates[i] != delimiter && str_find_char(cell, candidates[i]) != SIZE_MAX)
                        return csv_cell_type(cell) != CSV_TEXT;
        return true;
}

static enum err trial_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct trial *t = user;

        if (t->rows == SNIFF_ROWS)
                return OK;
        t->widths[t->rows++] = (int)row->count;
        for (size_t i = 0; i < row->count; i++) {
                t->cells++;
                t->clean += is_clean(row->cells[i], t->delimiter);
        }
        return OK;
}

/* Runs a reader of known dialect over the text. Faults of the sample are the real reader's. */
static void run(struct str text, const struct csv_options *o)
{
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open_known(o);

        if (csv_reader_push(NULL, r, text) == OK && csv_reader_finish(NULL, r) == OK)
                return;
}

/* 0 when the rows have one column; higher is better. */
static double score(const struct trial *t)
{
        int best_width = 0, best_rows = 0;

        for (int i = 0; i < t->rows; i++) {
                int same = 0;

                for (int k = 0; k < t->rows; k++)
                        same += t->widths[k] == t->widths[i];
                if (same > best_rows || (same == best_rows && t->widths[i] > best_width)) {
                        best_rows = same;
                        best_width = t->widths[i];
                }
        }
        if (best_width < 2 || t->cells == 0)
                return 0;
        double even = (double)best_rows / t->rows, clean = (double)t->clean / (double)t->cells;

        return even * even * clean * (1 - 0.5 / best_width);
}

static char sniff_delimiter(struct str text, char quote)
{
        double best = 0;
        char found = ',';

        for (size_t i = 0; i < ELEMENTS(candidates); i++) {
                struct trial t = {.delimiter = candidates[i]};

                run(text, &(struct csv_options){
                                  .dialect = {.delimiter = candidates[i], .quote = quote},
                                  .row = trial_row,
                                  .user = &t,
                          });
                double s = score(&t);

                if (s > best) {
                        best = s;
                        found = candidates[i];
                }
        }
        return found;
}

/* The first row against the rows below it. */
struct header_trial {
        struct arena *arena;
        int rows;
        size_t width;
        struct str first[SNIFF_COLUMNS];
        struct csv_infer below[SNIFF_COLUMNS];
        bool digits[SNIFF_COLUMNS]; /* every cell below holds one */
        int repeated;               /* cells below that equal the first row's in their column */
};

static bool has_digit(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] >= '0' && s.ptr[i] <= '9')
                        return true;
        return false;
}

static enum err header_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct header_trial *t = user;
        size_t n = MIN_OF(row->count, (size_t)SNIFF_COLUMNS);

        if (t->rows++ == 0) {
                t->width = n;
                for (size_t i = 0; i < n; i++) {
                        t->first[i] = str_dup(t->arena, str_trim(row->cells[i]));
                        t->digits[i] = !has_digit(t->first[i]);
                }
                return OK;
        }
        if (t->rows > SNIFF_ROWS)
                return OK;
        for (size_t i = 0; i < MIN_OF(n, t->width); i++) {
                struct str cell = str_trim(row->cells[i]);

                csv_infer_add(&t->below[i], cell);
                t->digits[i] &= has_digit(cell);
                t->repeated += cell.len && str_eq_nocase(cell, t->first[i]);
        }
        return OK;
}

static bool has_twins(const struct header_trial *t)
{
        for (size_t i = 0; i < t->width; i++)
                for (size_t k = 0; k < i; k++)
                        if (t->first[i].len && str_eq_nocase(t->first[i], t->first[k]))
                                return true;
        return false;
}

static bool is_word(struct str cell)
{
        enum csv_type t = csv_cell_type(cell);

        return cell.len && (t == CSV_TEXT || (t == CSV_BOOLEAN && cell.len == 1)); /* "x,y" */
}

/*
 * A header is a row of words. Values among them (an address, a number, a date) speak against it,
 * and so do words that turn up again in the column below; words above a column of values speak for
 * it.
 */
static bool judge_header(const struct header_trial *t)
{
        int words = 0, values = 0, above_values = 0;
        struct csv_format format;

        for (size_t i = 0; i < t->width; i++) {
                bool word = is_word(t->first[i]);

                words += word;
                values += t->first[i].len && !word;
                above_values += word && (csv_infer_type(&t->below[i], &format) != CSV_TEXT ||
                                         (t->digits[i] && t->rows > 1));
        }
        if (above_values > values)
                return true;
        if (words == 0 || values > 0 || t->repeated > 0)
                return false;
        return !has_twins(t);
}

static enum csv_header sniff_header(struct str text, const struct csv_dialect *d)
{
        _cleanup_(arena_finish) struct arena arena;

        arena_init(&arena, 4 << 20);
        struct header_trial *t = arena_new(&arena, struct header_trial);

        t->arena = &arena;
        run(text, &(struct csv_options){.dialect = *d, .row = header_row, .user = t});
        return judge_header(t) ? CSV_HEADER_YES : CSV_HEADER_NO;
}

static enum csv_newline sniff_newline(struct str text, char quote)
{
        bool inside = false;

        for (size_t i = 0; i < text.len; i++) {
                if (text.ptr[i] == quote)
                        inside = !inside;
                if (inside)
                        continue;
                if (text.ptr[i] == '\n')
                        return CSV_LF;
                if (text.ptr[i] == '\r')
                        return i + 1 < text.len && text.ptr[i + 1] == '\n' ? CSV_CRLF : CSV_CR;
        }
        return CSV_NEWLINE_NONE;
}

/* Cuts a sample's last row, which may be a part only. */
static struct str whole_lines(struct str text)
{
        size_t n = text.len;

        while (n && text.ptr[n - 1] != '\n' && text.ptr[n - 1] != '\r')
                n--;
        return n ? str_slice(text, 0, n) : text;
}

/* "sep=;" as the first line, as Excel writes and reads it. */
static bool is_sep_line(struct str text, char *ret_delimiter)
{
        if (text.len < 6 || !str_eq_nocase(str_slice(text, 0, 4), STR("sep=")) ||
            (text.ptr[5] != '\r' && text.ptr[5] != '\n'))
                return false;
        *ret_delimiter = text.ptr[4];
        return true;
}

static struct str decode_sample(struct arena *a, struct str sample, enum csv_encoding encoding)
{
        struct csv_decoder d = {.encoding = encoding};
        char *out = arena_alloc(a, CSV_DECODE_ROOM(sample.len));

        return (struct str){out, csv_decode(&d, sample.ptr, sample.len, out)};
}

void csv_sniff(struct str sample, bool whole, const struct csv_dialect *given,
               struct csv_dialect *ret)
{
        _cleanup_(arena_finish) struct arena arena;
        struct csv_dialect d = *given;
        size_t bom;
        char sep = 0;
        enum csv_encoding found = csv_sniff_encoding(sample, &bom);

        arena_init(&arena, CSV_DECODE_ROOM(sample.len) + (1 << 20));
        if (d.encoding == CSV_ENCODING_AUTO || (bom && found != CSV_WINDOWS_1252))
                d.encoding = found;
        d.bom = bom > 0;
        d.quote = d.quote ? d.quote : '"';
        struct str text = decode_sample(&arena, str_slice(sample, bom, sample.len), d.encoding);

        d.sep_line = is_sep_line(text, &sep);
        if (d.sep_line) {
                size_t skip = text.ptr[5] == '\r' && text.len > 6 && text.ptr[6] == '\n' ? 7 : 6;

                d.delimiter = d.delimiter ? d.delimiter : sep;
                text = str_slice(text, skip, text.len);
        }
        d.newline = sniff_newline(text, d.quote);
        if (!whole)
                text = whole_lines(text);
        if (!d.delimiter)
                d.delimiter = sniff_delimiter(text, d.quote);
        if (d.header == CSV_HEADER_AUTO)
                d.header = sniff_header(text, &d);
        *ret = d;
}
