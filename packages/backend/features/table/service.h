/* What the routes of tables and columns call; each a whole transaction. Inside features/table. */
#ifndef MILLRACE_FEATURES_TABLE_SERVICE_H
#define MILLRACE_FEATURES_TABLE_SERVICE_H

#include "base/route.h"
#include "features/table/repo.h"

struct column_patch { /* what is absent stays */
        struct str name, key;
        enum grid_type type;
        bool has_type;
        int64_t width;
        bool has_width;
        bool hidden, has_hidden;
        const struct json *options; /* JSON null takes them away */
        bool has_options;
};

_must_check_ enum err table_list(struct ctx *ctx, struct str workspace_id, int64_t limit,
                                 struct str cursor, table_item_list *ret, struct page *ret_page);
_must_check_ enum err table_make(struct ctx *ctx, struct str workspace_id, struct str name,
                                 const column_new_list *columns, struct grid_table *ret);
_must_check_ enum err table_get(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                struct grid_table *ret);
_must_check_ enum err table_rename(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                   struct str name, struct grid_table *ret);
/* ERR_CONFLICT while a job is at work on it. */
_must_check_ enum err table_delete(struct ctx *ctx, struct str workspace_id, struct str table_id);

_must_check_ enum err column_add(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                 const struct column_new *column, struct grid_column *ret);
/* A new type converts the values (grid_retype). */
_must_check_ enum err column_change(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    struct str column_id, const struct column_patch *patch,
                                    struct grid_column *ret);
/* position: 1 is the first place; beyond the end is the last. */
_must_check_ enum err column_move(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                  struct str column_id, int64_t position, struct grid_table *ret);
_must_check_ enum err column_delete(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    struct str column_id);

#endif
