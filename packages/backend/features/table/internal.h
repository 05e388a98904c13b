/* Inside features/table: what its files share and nobody else needs. */
#ifndef MILLRACE_FEATURES_TABLE_INTERNAL_H
#define MILLRACE_FEATURES_TABLE_INTERNAL_H

#include "features/table/table.h"

/* How texts are ordered: as people do, the same on every machine. */
#define GRID_COLLATE " COLLATE \"und-x-icu\""
/* Texts are sorted by their first characters only, so that a cursor stays short. */
#define GRID_SORT_CHARS 100

/* Fill in the identifiers from the ids. */
void grid_name_table(struct grid_table *t);
void grid_name_column(struct grid_column *c);

/*
 * Plain checks behind each type, on trimmed text. Each has its twin in SQL (value_sql.c), which
 * decides the same: a column's type is changed in the database.
 */
bool value_is_number(struct str s);
bool value_is_boolean(struct str s, bool *ret);
bool value_is_url(struct str s);
bool value_is_email(struct str s);
bool value_is_phone(struct str s);
bool value_is_choice(const struct json *options, struct str s);
/* *ret: as PostgreSQL takes it for a timestamptz. */
bool value_is_date(struct arena *a, struct str s, struct str *ret);
const char *value_misfit(enum grid_type type); /* "is not a number" */

/*
 * SQL over the text expression `text`: whether it fits the type of `c`, and the value when it does.
 * Choices of a select are looked up in the column's row.
 */
void value_fits_sql(struct buf *sql, const struct grid_column *c, const char *text);
void value_parse_sql(struct buf *sql, enum grid_type type, const char *text);
/* The plain text of a column's value as an SQL expression: what grid_to_text(grid_out_expr) is. */
void value_text_sql(struct buf *sql, enum grid_type type, const char *column);

/* Appends the condition that the cell is empty or is not; the row is t. */
void grid_empty_sql(struct buf *sql, const struct grid_table *t, const struct grid_column *c,
                    bool empty);

#endif
