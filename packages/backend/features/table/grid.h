/*
 * The typed grid: the PostgreSQL tables that hold the rows of users' tables. For a table of id X
 *
 *   grid.t_<hex X>  id uuid, position bigint, version int, created_at, updated_at, and one column
 *                   c_<hex id> for each column (types: column_type.def)
 *   grid.p_<hex X>  what is known of a cell beyond its value: record_id, column_id, status,
 *                   prev_status, prev_job_id, provider, source, confidence, cost_credits, job_id,
 * raw_text, error, updated_at; key (record_id, column_id). A cell without a row there was typed in
 * or imported: status manual, or empty.
 *
 * Identifiers come from ids only, values only as parameters. A value that does not fit its column's
 * type is kept as raw_text, the typed column is NULL then. A cell is empty when its value is NULL
 * or '' and it has no raw_text. Dates are kept as instants, in UTC; one at midnight UTC reads as a
 * plain date.
 *
 * Lock order, to keep deadlocks out: the row in `tables` first (FOR NO KEY UPDATE), then rows of
 * t_ in order of id, then p_. Everything here takes them so.
 *
 * Includers outside this feature include table.h.
 */
#ifndef MILLRACE_FEATURES_TABLE_GRID_H
#define MILLRACE_FEATURES_TABLE_GRID_H

#include "db/db.h"

enum grid_type {
#define COLUMN_TYPE(name, text, sql) GRID_##name,
#include "features/table/column_type.def"
#undef COLUMN_TYPE
        GRID_TYPES
};

const char *grid_type_name(enum grid_type type); /* "text", as the API names it */
const char *grid_type_sql(enum grid_type type);  /* "double precision" */
bool grid_type_is_text(enum grid_type type);     /* kept in a text column */
bool grid_type_parse(struct str name, enum grid_type *ret);

#define GRID_TEXT_MAX    ((size_t)256 << 10) /* bytes of one value */
#define GRID_COLUMNS_MAX 500
#define GRID_BULK_MAX    1000 /* records of one call of the bulk functions */

struct grid_column {
        struct str id, key, name;
        enum grid_type type;
        int64_t position, width;
        bool hidden;
        const struct json *options; /* NULL for none; select: {"choices": [text, …]} */
        char ident[40];             /* c_<hex>: safe in SQL as it is */
};

struct grid_table {
        struct str id, workspace_id, name;
        int64_t row_count, next_position;
        struct str created_at, updated_at; /* RFC 3339 */
        LIST(struct grid_column) columns;  /* in order of position */
        char rows[48], cells[48];          /* grid.t_<hex>, grid.p_<hex> */
};

/* The table with its columns; ERR_NOT_FOUND when it is deleted or another workspace's. */
_must_check_ enum err grid_load(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                                struct str table_id, struct grid_table *ret);
const struct grid_column *grid_column_find(const struct grid_table *t, struct str id); /* or NULL */
const struct grid_column *grid_column_by_key(const struct grid_table *t, struct str key);

/* Lower-case form of a UUID; false when the text is none. */
bool grid_uuid(struct arena *a, struct str text, struct str *ret);

/* ---- making and altering ---- */

/* With keys and foreign key; _bare without, for a bulk load, to be followed by _build_keys. */
_must_check_ enum err grid_create(struct ctx *ctx, struct tx *tx, const struct grid_table *t);
_must_check_ enum err grid_create_bare(struct ctx *ctx, struct tx *tx, const struct grid_table *t);
_must_check_ enum err grid_build_keys(struct ctx *ctx, struct tx *tx, const struct grid_table *t);
_must_check_ enum err grid_drop(struct ctx *ctx, struct tx *tx, const struct grid_table *t);
_must_check_ enum err grid_add_column(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                      const struct grid_column *c);
_must_check_ enum err grid_drop_column(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                       const struct grid_column *c);
/* Converts the values; what does not fit `to` becomes raw_text, raw_text that fits becomes a value.
 */
_must_check_ enum err grid_retype(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                  const struct grid_column *c, enum grid_type to,
                                  const struct json *options, int64_t *ret_misfits);

/* A database error that only means "the table has changed meanwhile" becomes ERR_CONFLICT. */
enum err grid_fault(struct ctx *ctx, enum err e);

/* ---- values ---- */

/*
 * One cell's value on its way in: `sql` is the text form PostgreSQL takes for the column's type (as
 * a parameter or in COPY), ptr NULL for an empty cell. `raw` is set instead, with `why`, when the
 * text does not fit the type.
 */
struct grid_value {
        struct str sql;
        struct str raw;
        const char *why; /* "not a number": for faults; NULL when it fits */
};

/* From plain text (CSV, a typed-in text); empty text is an empty cell. Never fails: see raw. */
struct grid_value grid_from_text(struct arena *a, const struct grid_column *c, struct str text);
/* From JSON as the API takes it: null, "" empty; strings, numbers and booleans by the type. */
struct grid_value grid_from_json(struct arena *a, const struct grid_column *c,
                                 const struct json *v);
/*
 * The way out, in two steps: grid_out_expr() is the SQL expression to select (of the row alias
 * `t`), the others take the text that PostgreSQL answered. STR_NULL is an empty cell.
 */
void grid_out_expr(struct buf *sql, const struct grid_column *c);
struct str grid_to_text(struct arena *a, enum grid_type type, struct str db); /* plain text */
void grid_to_json(struct json_out *o, const char *key, enum grid_type type, struct str db);

/* "position, id, c_…, c_…" for COPY grid.t_… (…) FROM STDIN and for INSERT; id only if asked. */
void grid_copy_columns(struct buf *sql, const struct grid_column *const *columns, size_t count,
                       bool with_id);
/* One field of COPY text format, escaped; STR_NULL is \N. Tabs and line ends are the caller's. */
void grid_copy_field(struct buf *out, struct str text);

/* ---- filter, sort, cursor ---- */

/* SQL with its parameters; what is appended may refer to the row as t. */
struct grid_sql {
        struct buf sql;
        LIST(struct db_param) params;
};
void grid_sql_init(struct ctx *ctx, struct grid_sql *q);
void grid_sql_param(struct ctx *ctx, struct grid_sql *q, struct db_param p); /* appends $n */
/* Runs it (unprepared). */
_must_check_ enum err grid_sql_run(struct ctx *ctx, struct tx *tx, struct grid_sql *q,
                                   struct db_result *ret);

#define GRID_FILTER_DEPTH 8
#define GRID_FILTER_NODES 100
#define GRID_FILTER_ITEMS 1000 /* of one `in` */
#define GRID_SORT_MAX     5

/*
 * Appends "(condition)" for a filter as api.md has it; JSON null or NULL is "true". Every fault is
 * recorded under `path` ("/filter"), then ERR_VALIDATION.
 */
_must_check_ enum err grid_filter_sql(struct ctx *ctx, const struct grid_table *t,
                                      const struct json *filter, const char *path,
                                      struct grid_sql *q);

struct grid_sort_key {
        const struct grid_column *column;
        bool descending;
};
struct grid_sort {
        struct grid_sort_key keys[GRID_SORT_MAX];
        size_t len; /* 0: by position. Empty cells come last in both directions. */
};
_must_check_ enum err grid_sort_parse(struct ctx *ctx, const struct grid_table *t,
                                      const struct json *sort, const char *path,
                                      struct grid_sort *ret);
/* Appends "k1 ASC NULLS LAST, …, t.position". */
void grid_sort_order(struct buf *sql, const struct grid_sort *sort);
/* Appends ", k1, …": the values that a cursor is made of. */
void grid_sort_select(struct buf *sql, const struct grid_sort *sort);

/*
 * Where a page ended: the last row's sort values and position, and the total that the first page
 * counted. Bound to table, sort and filter by `hash`.
 */
struct grid_cursor {
        uint64_t hash;
        int64_t position;
        struct str values[GRID_SORT_MAX]; /* STR_NULL for an empty cell */
        int64_t total;                    /* -1: unknown */
        bool total_is_estimate;
};
uint64_t grid_cursor_hash(struct ctx *ctx, const struct grid_table *t, const struct json *sort,
                          const struct json *filter);
struct str grid_cursor_encode(struct ctx *ctx, const struct grid_sort *sort,
                              const struct grid_cursor *cursor);
/* ERR_VALIDATION when it is none, or one of another sort, filter or table. */
_must_check_ enum err grid_cursor_decode(struct ctx *ctx, struct str text,
                                         const struct grid_sort *sort, uint64_t hash,
                                         struct grid_cursor *ret);
/* Appends "(condition)": the rows that come after the cursor. */
void grid_cursor_sql(struct ctx *ctx, const struct grid_sort *sort,
                     const struct grid_cursor *cursor, struct grid_sql *q);

/* ---- bulk, for enrichment, import and export ---- */

/* Ids in order of position behind `after_position` (0: from the start), at most `limit`. */
struct grid_ids {
        str_list ids;
        int64_t last_position; /* of the last id; unchanged when there are none */
};
_must_check_ enum err grid_select_ids(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                      const struct json *filter, int64_t after_position,
                                      int64_t limit, struct grid_ids *ret);
_must_check_ enum err grid_count(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                 const struct json *filter, int64_t *ret);

/* Plain texts of cells: rows in the order of the ids asked for. */
struct grid_cell_text {
        struct str text; /* STR_NULL when empty; the raw text when the value did not fit */
        bool raw;
};
struct grid_values {
        size_t rows, columns;
        bool *exists;                 /* per row: false when the record is gone */
        struct grid_cell_text *cells; /* rows × columns */
};
_must_check_ enum err grid_read_values(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                       const str_list *record_ids, const str_list *column_ids,
                                       struct grid_values *ret);
static inline struct grid_cell_text grid_values_at(const struct grid_values *v, size_t row,
                                                   size_t column)
{
        return v->cells[row * v->columns + column];
}

/*
 * Claims cells for a job: status "queued" or "running". What they were is remembered for
 * grid_cells_restore(). Records that are gone are passed over.
 */
_must_check_ enum err grid_cells_status(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        struct str column_id, const str_list *record_ids,
                                        const char *status, struct str job_id);
/* Puts cells that are still queued or running for the job back to what they were. With record_ids
 * NULL all of the job's. *ret_ids (may be NULL): the records touched, each once. */
_must_check_ enum err grid_cells_restore(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                         struct str job_id, const str_list *record_ids,
                                         str_list *ret_ids);

struct grid_settle {
        struct str record_id, column_id;
        const char *status;       /* "complete", "not_found" or "failed" */
        const struct json *value; /* complete: the value; else NULL, the cell's value stays */
        struct str provider;      /* slug; STR_NULL for none */
        struct str source;        /* provider_source_name(): where it really came from */
        double confidence;        /* below 0 for none */
        int64_t cost_credits;
        struct str job_id;
        struct str error; /* STR_NULL for none */

        bool ret_applied;    /* false: the record is gone, or somebody typed a value meanwhile */
        int64_t ret_version; /* of the record afterwards; 0 when not applied */
};
typedef LIST(struct grid_settle) grid_settle_list;
/*
 * Writes results in three statements however many there are: typed value (raw_text when it does not
 * fit), provenance, version + 1 once for each record whose value is written. A cell that was edited
 * by hand since it was claimed (status manual) keeps the edit. Repeating a settle changes nothing
 * but the version. Publish with record_publish() (features/record/record.h) in the same tx.
 */
_must_check_ enum err grid_cells_settle(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        grid_settle_list *cells);

/*
 * Writes typed values: version + 1 once for each record, one statement however many there are. The
 * rows should be locked (grid_lock_rows) and every (record, column) named once; `sql` as from
 * grid_from_text(). What is known of the cells (grid.p_…) is not touched.
 */
struct grid_write {
        struct str record_id;
        const struct grid_column *column;
        struct str sql;
        int64_t ret_version; /* of the record afterwards; 0 when it is gone */
};
_must_check_ enum err grid_write_values(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                        struct grid_write *writes, size_t count);
/* Locks rows in order of id; the result has id and version of those that exist. */
_must_check_ enum err grid_lock_rows(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                     const str_list *record_ids, struct db_result *ret);

/*
 * Reads rows as plain text, in order of position, in constant memory, for export: `filter` and
 * `ids` may be NULL. Each grid_scan_next() gives up to 1000 rows (0 at the end) whose first result
 * column is the id and then each of `columns`; they live until the next call.
 */
struct grid_scan {
        struct tx *tx;
        struct arena arena;
        size_t columns;
};
_must_check_ enum err grid_scan_open(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                     const struct grid_column *const *columns, size_t count,
                                     const struct json *filter, const str_list *ids,
                                     struct grid_scan *ret);
_must_check_ enum err grid_scan_next(struct ctx *ctx, struct grid_scan *scan,
                                     struct db_result *ret);
void grid_scan_close(struct grid_scan *scan); /* accepts a zeroed one */

#endif
