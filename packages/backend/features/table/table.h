/*
 * Tables: their names and columns, and (grid.h) the typed rows behind them. This header is what
 * other features include.
 */
#ifndef MILLRACE_FEATURES_TABLE_TABLE_H
#define MILLRACE_FEATURES_TABLE_TABLE_H

#include "features/table/grid.h"

struct router;
extern const struct router table_router;

/* A column to be made. key STR_NULL: made from the name, by the field vocabulary where it fits. */
struct column_new {
        struct str key, name;
        enum grid_type type;
        int64_t width; /* 0: the default */
        bool hidden;
        const struct json *options; /* NULL for none */
};
typedef LIST(struct column_new) column_new_list;

/*
 * Makes a table with its columns in tx. `bare`: without keys, to be filled by COPY and finished
 * with grid_build_keys() (in the same transaction). Publishes nothing: nobody watches it yet.
 */
_must_check_ enum err table_create(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                                   struct str user_id, struct str name,
                                   const column_new_list *columns, bool bare,
                                   struct grid_table *ret);

/* Adds a column at the end; publishes table.changed. `table` gets it too. */
_must_check_ enum err table_add_column(struct ctx *ctx, struct tx *tx, struct grid_table *table,
                                       const struct column_new *column,
                                       const struct grid_column **ret);

/*
 * Takes `count` positions and counts the rows in: the table's row is locked until tx ends. *ret is
 * the first position. Exact: call it with the number of rows that are then inserted, in the same
 * transaction; table_rows_removed() for what turned out less, or was deleted.
 */
_must_check_ enum err table_rows_added(struct ctx *ctx, struct tx *tx, struct str table_id,
                                       int64_t count, int64_t *ret_position);
_must_check_ enum err table_rows_removed(struct ctx *ctx, struct tx *tx, struct str table_id,
                                         int64_t count);

#endif
