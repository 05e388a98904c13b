/*
 * PostgreSQL: a pool of connections, prepared statements, transactions, COPY and notifications.
 *
 * Statements come from .sql files: tools/sqlgen.py turns each `-- name: x` block into a
 * `static const struct db_stmt sql_x` constant. A statement is prepared once per connection under
 * its name. Every wait takes the ctx's deadline: the pool's queue, the query (cancelled on the
 * server when it passes) and COPY. Every database error becomes one enum err: unique violation and
 * serialisation conflicts ERR_CONFLICT, a lost server or a full pool ERR_UNAVAILABLE, a deadline
 * ERR_TIMEOUT, anything else ERR_INTERNAL; db_sqlstate() of the ctx's last failure tells more.
 *
 * `struct db` is thread-safe. A `struct tx` and a `struct db_result` belong to one thread. Results
 * live as long as the ctx's arena.
 */
#ifndef MILLRACE_CORE_DB_DB_H
#define MILLRACE_CORE_DB_DB_H

#include "err/ctx.h"
#include "json/json.h"

struct db;
struct db_conn;

struct db_stmt {
        const char *name; /* unique in the program; NULL: not prepared (dynamic grid SQL) */
        const char *sql;
};

struct db_config {
        struct str url; /* libpq connection string or URI; unix socket or hostaddr */
        int connections;
        int queue_timeout_ms; /* longest wait for a free connection */
        int statement_timeout_ms;
        const char *application_name;
};

/* Opens lazily: a server that is down is an error of the first query, not of db_open. */
struct db *db_open(const struct db_config *config);
void db_close(struct db *db); /* accepts NULL; all connections must be back */

/* ---- Parameters: $1, $2, … in order, in text form. ---- */

struct db_param {
        struct str text; /* ptr NULL is SQL NULL */
        bool binary;
};

#define PARAMS(...) \
        (const struct db_param[]){__VA_ARGS__}, ELEMENTS(((struct db_param[]){__VA_ARGS__}))
#define NO_PARAMS NULL, 0

struct db_param p_str(struct str s); /* STR_NULL is NULL */
struct db_param p_c(const char *s);
struct db_param p_i64(struct ctx *ctx, int64_t v);
struct db_param p_double(struct ctx *ctx, double v);
struct db_param p_bool(bool v);
struct db_param p_null(void);
struct db_param p_bytes(struct ctx *ctx, const void *p, size_t n); /* bytea */
struct db_param p_json(struct ctx *ctx, const struct json *v);

/* An array literal for `= ANY($1::uuid[])` and `unnest($1::text[], …)`; NULL items are allowed. */
struct db_array {
        struct buf buf;
        size_t len;
};
void db_array_init(struct ctx *ctx, struct db_array *a);
void db_array_str(struct db_array *a, struct str s);
void db_array_i64(struct db_array *a, int64_t v);
void db_array_double(struct db_array *a, double v);
void db_array_bool(struct db_array *a, bool v);
struct db_param p_array(struct db_array *a); /* no more items after this */

struct db_param p_array_of(struct ctx *ctx, const str_list *items); /* all of a list */

/* ---- Results ---- */

struct db_result {
        void *pg; /* PGresult; cleared with the arena */
        int rows;
        int64_t affected; /* rows changed by INSERT, UPDATE, DELETE */
};

struct str db_text(const struct db_result *r, int row, int col); /* STR_NULL when SQL NULL */
bool db_is_null(const struct db_result *r, int row, int col);
int64_t db_i64(const struct db_result *r, int row, int col);   /* 0 when NULL */
double db_double(const struct db_result *r, int row, int col); /* 0 when NULL */
bool db_bool(const struct db_result *r, int row, int col);     /* false when NULL */
struct str db_bytes(struct ctx *ctx, const struct db_result *r, int row, int col); /* bytea */
int db_columns(const struct db_result *r);
const char *db_column_name(const struct db_result *r, int col);
int db_column(const struct db_result *r, const char *name); /* -1 when absent */

/* ---- Transactions ---- */

struct tx {
        struct ctx *ctx;
        struct db_conn *conn; /* NULL when not begun */
        bool open;
};

/* Takes a connection and begins. With _cleanup_(tx_end) it rolls back unless committed. */
_must_check_ enum err tx_begin(struct ctx *ctx, struct db *db, struct tx *tx);
_must_check_ enum err tx_commit(struct tx *tx);
void tx_end(struct tx *tx); /* accepts a zeroed or finished tx */

/* In the transaction. */
_must_check_ enum err tx_query(struct tx *tx, const struct db_stmt *stmt,
                               const struct db_param *params, size_t count, struct db_result *ret);
_must_check_ enum err tx_exec(struct tx *tx, const struct db_stmt *stmt,
                              const struct db_param *params, size_t count, int64_t *ret_affected);

/* On a connection of their own, autocommit. ret may be NULL. */
_must_check_ enum err db_query(struct ctx *ctx, struct db *db, const struct db_stmt *stmt,
                               const struct db_param *params, size_t count, struct db_result *ret);
_must_check_ enum err db_exec(struct ctx *ctx, struct db *db, const struct db_stmt *stmt,
                              const struct db_param *params, size_t count, int64_t *ret_affected);

/* Several statements at once without parameters (migrations, DDL). */
_must_check_ enum err tx_script(struct tx *tx, const char *sql);

/* SQLSTATE and constraint name of the last failure of this tx/ctx ("" when none). */
const char *db_sqlstate(const struct ctx *ctx);
const char *db_constraint(const struct ctx *ctx);

/* ---- COPY ---- */

/* COPY … FROM STDIN: begin, put any number of buffers, end. Rows so far are lost on failure. */
_must_check_ enum err tx_copy_in(struct tx *tx, const char *sql);
_must_check_ enum err tx_copy_put(struct tx *tx, struct str data);
_must_check_ enum err tx_copy_end(struct tx *tx, int64_t *ret_rows);

/* COPY … TO STDOUT: *ret is one row's text, valid until the next call; ptr NULL at the end. */
_must_check_ enum err tx_copy_out(struct tx *tx, const char *sql);
_must_check_ enum err tx_copy_get(struct tx *tx, struct str *ret);

/* An identifier or literal quoted for dynamic SQL made from ids. */
void db_quote_ident(struct buf *b, struct str name);

/* ---- Notifications: one thread, one connection of its own, reconnects by itself ---- */

struct db_listener;
/* `fn` runs on the listener's thread; payload lives for the call. channel NULL, payload "" tells
 * that the connection was (re)made, so notifications may have been missed. `session_sql`, when not
 * NULL, runs on each new connection (session advisory locks). */
typedef void db_notify_fn(void *user, const char *channel, const char *payload);
struct db_listener *db_listen(const struct db_config *config, const char *const *channels,
                              const char *session_sql, db_notify_fn *fn, void *user);
void db_unlisten(struct db_listener *l);

/* Pool figures for /metrics. */
struct db_stats {
        int connections, busy, waiting;
        int64_t queries, failures;
};
struct db_stats db_stats(struct db *db);

/* ---- Migrations ---- */

struct db_migration {
        int number;
        const char *name, *up, *down;
};
/* Applies what is missing, one transaction each, under an advisory lock. */
_must_check_ enum err db_migrate_up(struct ctx *ctx, struct db *db, const struct db_migration *list,
                                    size_t count, int *ret_applied);
_must_check_ enum err db_migrate_down(struct ctx *ctx, struct db *db,
                                      const struct db_migration *list, size_t count, int target,
                                      int *ret_reverted);
/* Number of the last applied migration; 0 for none. */
_must_check_ enum err db_migrate_status(struct ctx *ctx, struct db *db, int *ret_number);

#endif
