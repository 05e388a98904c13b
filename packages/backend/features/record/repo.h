/* Rows of a table with what is known of their cells, and the statements that change them. Inside
 * features/record. */
#ifndef MILLRACE_FEATURES_RECORD_REPO_H
#define MILLRACE_FEATURES_RECORD_REPO_H

#include "base/route.h"
#include "features/record/record.h"

/* Rows: id, position, version, created_at, updated_at, the columns, then the sort's values. */
struct record_rows {
        struct db_result rows;
        struct db_result cells; /* by record and column; see repo.c for its columns */
};

struct record_query {
        struct grid_sort sort;
        const struct json *filter;
        const struct grid_cursor *after; /* NULL: from the start */
        int64_t from;                    /* least position; 0: all */
        int64_t limit;
};
/* At most query.limit rows, in the query's order. */
_must_check_ enum err repo_record_page(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                       const struct record_query *query, struct record_rows *ret);
/* In the order of the ids; those that are gone are left out. */
_must_check_ enum err repo_record_read(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                       const str_list *ids, struct record_rows *ret);
/* Rows that pass the filter, exact up to `exact`, beyond that the planner's estimate. */
_must_check_ enum err repo_record_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        const struct json *filter, int64_t exact, int64_t *ret,
                                        bool *ret_estimate);
/* `values`: rows × columns.len, as PostgreSQL takes them. */
_must_check_ enum err repo_record_insert(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                         int64_t position, const struct str *values, size_t rows,
                                         struct record_rows *ret);
/* What was known of values that are typed over; the job stays, its attempts are their history. */
_must_check_ enum err repo_record_typed(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        const struct grid_write *writes, size_t count);
_must_check_ enum err repo_record_delete(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                         const str_list *ids, str_list *ret_deleted);

/* Attempts of a record's cells in their jobs, each cell's in the order of its waterfall. */
_must_check_ enum err repo_record_attempts(struct ctx *ctx, struct tx *tx, struct str record_id,
                                           const struct db_result *cells, struct db_result *ret);

/* ---- JSON ---- */

void record_write(struct ctx *ctx, struct json_out *o, const char *key, const struct grid_table *t,
                  const struct record_rows *r, int row);
/* The members of a record, into an object that is open. */
void record_write_members(struct ctx *ctx, struct json_out *o, const struct grid_table *t,
                          const struct record_rows *r, int row);

/* Columns of record_rows.cells. */
enum {
        CELL_RECORD,
        CELL_COLUMN,
        CELL_STATUS,
        CELL_PROVIDER,
        CELL_SOURCE,
        CELL_CONFIDENCE,
        CELL_COST,
        CELL_JOB,
        CELL_UPDATED,
        CELL_ERROR,
        CELL_RAW
};
#define ROW_FIRST_COLUMN 5

/* The cell's row in `cells`, or -1. */
int record_cell(const struct record_rows *r, struct str record_id, struct str column_id);
/* The status to show: a value nobody looked up is manual, no value empty. */
const char *record_status(const struct record_rows *r, int cell, bool has_value);
bool record_has_value(const struct grid_table *t, const struct record_rows *r, int row,
                      size_t column);

#endif
