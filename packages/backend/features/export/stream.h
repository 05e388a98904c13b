/* Inside features/export: one export under way. */
#ifndef MILLRACE_FEATURES_EXPORT_STREAM_H
#define MILLRACE_FEATURES_EXPORT_STREAM_H

#include "features/export/export.h"
#include "features/table/table.h"

struct export_query {
        struct str format, provenance;
        str_list ids, columns;
        const struct json *filter;
        bool bom;
};

struct export_stream;

/*
 * Checks the query against the table (ERR_VALIDATION with every fault, ERR_NOT_FOUND) and reads the
 * first batch, so that what can go wrong does so before the answer begins. `filter_text` is the
 * query's filter as it came. *ret_name: the table's name, in ctx's arena.
 */
_must_check_ enum err export_open(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                  const struct export_query *q, struct str filter_text,
                                  struct str *ret_name, struct export_stream **ret);
int64_t export_read(void *stream, char *out, size_t max); /* an http_read_fn */
void export_close(void *stream);                          /* accepts NULL */

#endif
