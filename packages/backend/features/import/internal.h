/* Inside features/import: what its files share. */
#ifndef MILLRACE_FEATURES_IMPORT_INTERNAL_H
#define MILLRACE_FEATURES_IMPORT_INTERNAL_H

#include "csv/csv.h"
#include "csv/infer.h"
#include "features/import/import.h"
#include "features/table/table.h"

#define IMPORT_PREVIEW_ROWS  20
#define IMPORT_PREVIEW_BYTES ((int64_t)64 << 20) /* of a larger file the rest is not looked at */
#define IMPORT_SAMPLES       5
#define IMPORT_FAULTS        100 /* kept of each import; the rest is only counted */
#define IMPORT_NAME_MAX      200

/* A column of the file, as found; stored in imports.columns. */
struct import_column {
        struct str header; /* as in the file; "Column 3" when it has none */
        struct str name;   /* a good name: trimmed, not empty, not twice */
        enum grid_type type;
        struct str key; /* of the field vocabulary; STR_NULL when none fits */
        struct csv_format format;
        bool empty; /* at the end, no header and no value in any row: left out unless mapped */
        str_list samples;
};
typedef LIST(struct import_column) import_columns;

struct import_fault {
        int64_t line;
        struct str column; /* STR_NULL for the whole row */
        struct str message;
};
/* The first IMPORT_FAULTS of them. */
struct import_faults {
        LIST(struct import_fault) list;
        int64_t count;
};
void import_fault(struct arena *a, struct import_faults *f, int64_t line, struct str column,
                  struct str message);
void import_faults_write(struct json_out *o, const char *key, const struct import_faults *f);
/* A sentence when text was kept back: NUL bytes dropped, cells beyond the last column, … */
void import_row_faults(struct arena *a, struct import_faults *f, const struct csv_row *row,
                       size_t columns);

struct import_preview {
        struct csv_dialect dialect;
        import_columns columns;
        struct str rows; /* JSON: array of arrays of text */
        struct import_faults faults;
        int64_t rows_total; /* data rows; estimated when the file was not read to its end */
        bool rows_exact;
};

/* At most `max` bytes of it, not cut in the middle of a character. */
struct str import_shorten(struct str s, size_t max);

/* Reader settings that preview and load share. */
void import_reader_options(const struct csv_dialect *dialect, csv_row_fn *row, void *user,
                           struct csv_options *ret);

/* Pushes a file into a reader, up to `max` bytes (< 0: all). *ret_whole: the end was reached. */
_must_check_ enum err import_read_file(struct ctx *ctx, int fd, struct csv_reader *r, int64_t max,
                                       int64_t *ret_bytes, bool *ret_whole);

/* Looks at the file. ERR_VALIDATION, ERR_MEDIA_TYPE or ERR_TOO_LARGE say why it cannot be read. */
_must_check_ enum err import_look(struct ctx *ctx, const char *path, int64_t size,
                                  const struct csv_dialect *given, struct import_preview *ret);

void import_columns_write(struct json_out *o, const char *key, const import_columns *c);
void import_columns_parse(struct arena *a, const struct json *v, import_columns *ret);
void import_dialect_write(struct json_out *o, const char *key, const struct csv_dialect *d);
void import_dialect_parse(const struct json *v, struct csv_dialect *ret);

/* Where a column of the file goes. */
struct import_target {
        size_t source;        /* column of the file, from 0 */
        struct str column_id; /* of the table; STR_NULL: a new column */
        struct str name;
        enum grid_type type;
        struct csv_format format;
};

/* What a commit comes to, ready to be carried out; stored in imports.commit_options. */
struct import_plan {
        struct str table_name; /* of a new table */
        bool reject;           /* rows with a value that does not fit its column */
        LIST(struct import_target) targets;
};

struct import_mapping {
        struct str header, column_id, name, type;
        bool skip;
};
struct import_commit {
        struct str table_name, on_error;
        LIST(struct import_mapping) mapping;
};
extern const struct desc import_commit_desc;

/* `table` NULL for a new one. Every fault of the mapping is recorded, then ERR_VALIDATION. */
_must_check_ enum err import_plan_make(struct ctx *ctx, const import_columns *columns,
                                       const struct grid_table *table,
                                       const struct import_commit *commit, struct str file_name,
                                       struct import_plan *ret);
struct str import_plan_json(struct arena *a, const struct import_plan *p);
void import_plan_parse(struct arena *a, const struct json *v, struct import_plan *ret);

/* One import, as the worker needs it. */
struct import_job {
        struct str id, workspace_id, table_id, user_id, file_name, spool_name;
        struct csv_dialect dialect;
        size_t width; /* columns of the file */
        struct import_plan plan;
};

struct import_result {
        struct str table_id;
        int64_t rows_read, rows_imported, rows_rejected;
        struct import_faults faults;
};

/*
 * Loads the file in tx; the caller commits. *ret is kept up to date from the start, also for a load
 * that fails.
 */
_must_check_ enum err import_load(struct ctx *ctx, struct tx *tx, const struct import_job *job,
                                  struct import_result *ret);
/* Writes what has been read so far, on a connection of its own. */
void import_note_progress(struct ctx *ctx, const struct import_job *job,
                          const struct import_result *r);

/* <state>/imports/<name>; the folder is made when it is not there. */
_must_check_ enum err import_spool_path(struct ctx *ctx, struct str name, char **ret);
_must_check_ enum err import_spool_dir(struct ctx *ctx, char **ret);

#endif
