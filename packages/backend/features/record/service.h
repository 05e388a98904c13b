/* What the routes of records call; each a whole transaction. Inside features/record. */
#ifndef MILLRACE_FEATURES_RECORD_SERVICE_H
#define MILLRACE_FEATURES_RECORD_SERVICE_H

#include "features/record/repo.h"

#define RECORD_BATCH_MAX   1000
#define RECORD_COUNT_EXACT 10000
#define RECORD_PAGE_BYTES  ((size_t)16 << 20) /* a page of fat rows ends early */

struct record_page {
        struct grid_table table;
        struct record_rows rows;
        int count; /* rows of this page */
        struct grid_sort sort;
        struct grid_cursor cursor; /* what all cursors of the list share */
        struct page meta;          /* next_cursor is set by record_page_end() */
        bool more;
};

struct record_list_query {
        int64_t limit;
        struct str cursor;
        const struct json *sort, *filter;
        int64_t from;
};

_must_check_ enum err record_list(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                  const struct record_list_query *query, struct record_page *ret);
/* Fills in meta.next_cursor for a page that ends behind row `last`. */
void record_page_end(struct ctx *ctx, struct record_page *page, int last);

_must_check_ enum err record_get(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                 struct str record_id, struct grid_table *ret_table,
                                 struct record_rows *ret);
/* records: [{ "data": { columnId: value } }] */
_must_check_ enum err record_insert(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    const struct json *records, struct grid_table *ret_table,
                                    struct record_rows *ret);
/* updates: [{ "id", "version"?, "data" }]: all or none. */
_must_check_ enum err record_update(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    const struct json *updates, struct grid_table *ret_table,
                                    struct record_rows *ret);
_must_check_ enum err record_delete(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    const struct json *ids, int64_t *ret_deleted);

struct record_provenance {
        struct grid_table table;
        struct record_rows rows;
        struct db_result attempts; /* by column; columns as in queries.sql */
};
_must_check_ enum err record_provenance(struct ctx *ctx, struct str workspace_id,
                                        struct str table_id, struct str record_id,
                                        struct record_provenance *ret);

#endif
