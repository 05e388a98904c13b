/*
 * CSV reader: a push parser that takes bytes as they arrive and hands over whole rows.
 *
 * RFC 4180, and what real files do beyond it: byte order marks, UTF-8, UTF-16 and Windows-1252
 * (converted to UTF-8), LF, CRLF and CR, line breaks and quotes inside quoted cells, quotes in the
 * middle of unquoted cells (kept as they are), rows of uneven length, NUL bytes. The meaning of
 * quotes is that of Python's csv module: a quote opens a quoted part only as a cell's first
 * character; text behind the closing quote belongs to the cell.
 *
 * Memory is constant: one buffer (256 KiB, growing up to the row limit when a row needs it). Cells
 * are slices of that buffer, unescaped in place; they are valid until the row function returns.
 * The file is never held as a whole. A reader is used by one thread at a time; it needs no thread,
 * socket or file itself.
 *
 *   struct csv_reader *r = csv_reader_open(&(struct csv_options){.row = my_row, .user = me});
 *   while (there is more)
 *           TRY(csv_reader_push(ctx, r, chunk));
 *   TRY(csv_reader_finish(ctx, r));
 *
 * How it works: csv/scan.c marks delimiters, line ends and quotes of 64 bytes at a time as bit
 * masks (SIMD); csv/reader.c walks the set bits only. The masks are those of simdjson's first stage
 * (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).
 */
#ifndef MILLRACE_CORE_CSV_CSV_H
#define MILLRACE_CORE_CSV_CSV_H

#include "err/ctx.h"

enum csv_encoding {
        CSV_ENCODING_AUTO,
        CSV_UTF8,
        CSV_UTF16LE,
        CSV_UTF16BE,
        CSV_WINDOWS_1252, /* also stands for Latin-1, of which it is a superset in practice */
};

enum csv_newline { CSV_NEWLINE_NONE, CSV_LF, CSV_CRLF, CSV_CR }; /* NONE: no line end seen */

enum csv_header { CSV_HEADER_AUTO, CSV_HEADER_YES, CSV_HEADER_NO };

/* How a file is written. A zero member means "find out from the first bytes". */
struct csv_dialect {
        char delimiter; /* , ; tab | are looked for; any ASCII character may be given */
        char quote;     /* 0 is '"' */
        enum csv_encoding encoding;
        enum csv_header header;
        enum csv_newline newline; /* found, for showing only: the reader takes all three */
        bool bom;                 /* found: a byte order mark, which is skipped */
        bool sep_line;            /* found: Excel's first line "sep=;", which is skipped */
};

/* What was noticed about a row; all of it is tolerated. */
enum csv_row_flag {
        CSV_ROW_SHORT = 1,        /* fewer cells than the header; padded with empty ones */
        CSV_ROW_LONG = 2,         /* more cells than the header; kept */
        CSV_ROW_AFTER_QUOTE = 4,  /* text behind a closing quote; kept as part of the cell */
        CSV_ROW_UNTERMINATED = 8, /* the file ended inside a quoted cell */
        CSV_ROW_NUL = 16,         /* holds NUL bytes; dropped with options.drop_nul, else kept */
        CSV_ROW_BAD_UTF8 = 32,    /* bytes that are not UTF-8 (read as Windows-1252), or lone
                                     UTF-16 surrogates (U+FFFD) */
};

struct csv_row {
        const struct str *cells; /* max(count, width) of them */
        size_t count;            /* cells present in the file */
        size_t width;            /* columns expected: the header's count, or options.width */
        int64_t line;            /* physical line the row starts on, from 1 */
        int64_t index;           /* data rows from 1; the header is 0 */
        unsigned flags;
        bool header;
};

/* Called once a row. An error stops the reader and is returned by push or finish. */
typedef enum err csv_row_fn(void *user, struct ctx *ctx, const struct csv_row *row);

struct csv_options {
        struct csv_dialect dialect;
        csv_row_fn *row;
        void *user;
        size_t max_cell;    /* bytes; 0 is CSV_MAX_CELL */
        size_t max_row;     /* bytes; 0 is CSV_MAX_ROW */
        size_t max_columns; /* 0 is CSV_MAX_COLUMNS */
        size_t width;       /* columns expected; 0 is the first row's count */
        bool keep_blank;    /* hand over blank lines as rows of no cells instead of skipping them */
        bool drop_nul;
};

#define CSV_MAX_CELL    ((size_t)1 << 20)
#define CSV_MAX_ROW     ((size_t)16 << 20)
#define CSV_MAX_COLUMNS ((size_t)4096)
#define CSV_SAMPLE      ((size_t)64 << 10) /* bytes looked at to find the dialect */

struct csv_reader;

struct csv_reader *csv_reader_open(const struct csv_options *options);
void csv_reader_close(struct csv_reader *r); /* accepts NULL */
void csv_reader_closep(struct csv_reader **r);

/*
 * Takes the next bytes of the file; any split is allowed. ERR_TOO_LARGE when a cell, a row or the
 * number of columns is over its limit: the message names the line. After an error only
 * csv_reader_close() may follow.
 */
_must_check_ enum err csv_reader_push(struct ctx *ctx, struct csv_reader *r, struct str chunk);

/*
 * The same without a copy: room for the next bytes (at least 4 KiB) to read(2) into, then how many
 * came.
 */
char *csv_reader_space(struct csv_reader *r, size_t *ret_len);
_must_check_ enum err csv_reader_commit(struct ctx *ctx, struct csv_reader *r, size_t len);

/* The end of the file: hands over what is left. */
_must_check_ enum err csv_reader_finish(struct ctx *ctx, struct csv_reader *r);

/* Everything filled in once CSV_SAMPLE bytes, or the end, have been seen. */
const struct csv_dialect *csv_reader_dialect(const struct csv_reader *r);
int64_t csv_reader_rows(const struct csv_reader *r); /* data rows handed over so far */
int64_t csv_reader_line(const struct csv_reader *r); /* physical line reached */

/* One plain sentence a set of flags, for a list of faults; STR_NULL when there is nothing. */
struct str csv_row_problem(struct arena *a, const struct csv_row *row);

/*
 * Finds the dialect from a file's first bytes. What `given` fixes is kept. `whole`: the sample is
 * the whole file, so its last row is complete.
 */
void csv_sniff(struct str sample, bool whole, const struct csv_dialect *given,
               struct csv_dialect *ret);

/* `cut`: the text may end in the middle of a character. */
bool csv_utf8_valid(struct str s, bool cut);

const char *csv_encoding_name(enum csv_encoding e); /* "UTF-8", "UTF-16LE", "windows-1252", … */
bool csv_encoding_parse(struct str name, enum csv_encoding *ret); /* any case; "latin1" too */
const char *csv_newline_name(enum csv_newline n);                 /* "LF", "CRLF", "CR", "" */

#endif
