/* Statements on tables and table_columns. Inside features/table. */
#ifndef MILLRACE_FEATURES_TABLE_REPO_H
#define MILLRACE_FEATURES_TABLE_REPO_H

#include "features/table/internal.h"

struct table_item { /* as lists show it */
        struct str id, name, created_at, updated_at;
        int64_t row_count;
        struct str cursor_time; /* created_at in full */
};
typedef LIST(struct table_item) table_item_list;

/* After (time, id) when time is not STR_NULL; at most `limit`. */
_must_check_ enum err repo_table_list(struct ctx *ctx, struct db *db, struct str workspace_id,
                                      struct str after_time, struct str after_id, int64_t limit,
                                      table_item_list *ret);
/* ERR_NOT_FOUND unless the table is there; holds its row until tx ends. */
_must_check_ enum err repo_table_lock(struct tx *tx, struct str workspace_id, struct str table_id);
_must_check_ enum err repo_table_insert(struct tx *tx, struct str workspace_id, struct str name,
                                        struct str user_id, struct str *ret_id);
_must_check_ enum err repo_table_rename(struct tx *tx, struct str table_id, struct str name);
_must_check_ enum err repo_table_touch(struct tx *tx, struct str table_id);
_must_check_ enum err repo_table_delete(struct tx *tx, struct str table_id);
/* Whether a job is at work on the table, or, with a column, on that column. */
_must_check_ enum err repo_in_use(struct tx *tx, struct str table_id, struct str column_id_or_null,
                                  bool *ret);

/* Fills in the id and identifier. */
_must_check_ enum err repo_column_insert(struct tx *tx, struct str table_id,
                                         struct grid_column *column);
_must_check_ enum err repo_column_update(struct tx *tx, const struct grid_column *column);
_must_check_ enum err repo_column_delete(struct tx *tx, struct str column_id);
/* Numbers the columns 1, 2, … in the order given. */
_must_check_ enum err repo_columns_arrange(struct ctx *ctx, struct tx *tx, struct str table_id,
                                           const str_list *column_ids);

#endif
