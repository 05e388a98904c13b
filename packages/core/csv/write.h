/*
 * CSV writer: appends rows to a buf; the caller sends the buf on and empties it between rows.
 * Quotes only what needs it. With `formula_safe`, a cell that a spreadsheet would run as a formula
 * (it starts with = + - @ tab CR or LF, and is not a plain number) gets an apostrophe in front
 * (OWASP, "CSV Injection").
 */
#ifndef MILLRACE_CORE_CSV_WRITE_H
#define MILLRACE_CORE_CSV_WRITE_H

#include "str/str.h"

struct csv_writer {
        struct buf *out;
        char delimiter; /* 0 is ',' */
        bool crlf;
        bool formula_safe;

        size_t cells; /* of the row being written */
        bool blank;   /* it holds one empty, unquoted cell so far */
};

void csv_write_bom(struct csv_writer *w); /* for Excel; before the first row */
void csv_write_cell(struct csv_writer *w, struct str cell);
void csv_write_end(struct csv_writer *w); /* ends the row */
void csv_write_row(struct csv_writer *w, const struct str *cells, size_t count);

/* Would a spreadsheet take this cell for a formula? */
bool csv_is_formula(struct str cell);

#endif
