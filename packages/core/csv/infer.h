/*
 * What kind of values a column holds: judged from a sample of its cells, and each value brought to
 * the one form a database takes.
 *
 * A column is of a type when at least 95 % of its non-empty cells are; else it is text. Numbers
 * with leading zeros ("00123") and integers too long to be exact in a double are text: they are
 * codes.
 */
#ifndef MILLRACE_CORE_CSV_INFER_H
#define MILLRACE_CORE_CSV_INFER_H

#include "str/str.h"

enum csv_type {
        CSV_TEXT,
        CSV_NUMBER,
        CSV_BOOLEAN,
        CSV_DATE,
        CSV_URL,
        CSV_EMAIL,
        CSV_PHONE,
        CSV_TYPES,
};

const char *csv_type_name(enum csv_type t); /* "text", "number", … as the API names them */
bool csv_type_parse(struct str name, enum csv_type *ret);

/* How a column's dates and numbers are written. */
struct csv_format {
        bool month_first;   /* 12/31/2024 instead of 31/12/2024; with dots the day is first */
        bool decimal_comma; /* 1.234,5 instead of 1,234.5 */
};

/* Counts over the cells seen; start with a zeroed one. */
struct csv_infer {
        int64_t cells, empty;
        int64_t of[CSV_TYPES];
        int64_t day_over_12, month_over_12; /* dates d/m/y whose first or second part is over 12 */
        int64_t comma_numbers, dot_numbers; /* numbers that only one of the two styles can read */
        int64_t codes;                      /* digits that are no number: "00123", 20 digits */
};

void csv_infer_add(struct csv_infer *c, struct str cell);
enum csv_type csv_infer_type(const struct csv_infer *c, struct csv_format *ret_format);

/* The type one cell has by itself; CSV_TEXT for an empty one. */
enum csv_type csv_cell_type(struct str cell);

/*
 * Appends the cell in canonical form: number as in SQL ("1234.5"), boolean "true"/"false", date
 * "2024-12-31" or "2024-12-31T23:59:59Z" (with offset as written, none kept as none), the others
 * trimmed. False, with nothing appended, when the cell is not of the type. An empty cell is none.
 */
bool csv_canonical(enum csv_type t, const struct csv_format *f, struct str cell, struct buf *out);

#endif
