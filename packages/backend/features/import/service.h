/* Inside features/import: what the routes call. */
#ifndef MILLRACE_FEATURES_IMPORT_SERVICE_H
#define MILLRACE_FEATURES_IMPORT_SERVICE_H

#include "features/import/internal.h"

#define IMPORT_FAULT_SCHEMA                                                                 \
        "{\"type\":\"object\",\"properties\":{\"line\":{\"type\":\"integer\"},\"column\":{" \
        "\"type\":\"string\"},\"message\":{\"type\":\"string\"}},\"required\":[\"line\","   \
        "\"message\"]}"

struct import_new {
        struct str id, file_name;
        struct import_preview preview;
};

/*
 * Takes an upload over: looks at it, keeps it, remembers what was found. `options` is the form's
 * JSON text, may be empty. table_id STR_NULL: for a new table.
 */
_must_check_ enum err import_create(struct ctx *ctx, struct str workspace_id, struct str table_id,
                                    struct http_file *file, struct str options,
                                    struct import_new *ret);

/* Queues it for the worker; ERR_CONFLICT when that was done before. */
_must_check_ enum err import_commit_start(struct ctx *ctx, struct str workspace_id, struct str id,
                                          const struct import_commit *commit);

struct import_view {
        struct str id, table_id, status, file_name, faults, error, created_at, finished_at;
        int64_t file_bytes, rows_total, rows_read, rows_imported, rows_rejected, fault_count;
};
extern const struct desc import_view_desc;

_must_check_ enum err import_get(struct ctx *ctx, struct str workspace_id, struct str id,
                                 struct import_view *ret);

#endif
