/* Inside core/db: one connection, its prepared statements, and waiting with a deadline. */
#ifndef MILLRACE_CORE_DB_CONN_H
#define MILLRACE_CORE_DB_CONN_H

#include "db/db.h"

#include <libpq-fe.h>

#define PREPARED_SLOTS 1024 /* open addressing; a program has a few hundred statements */

struct db_conn {
        PGconn *pg;
        struct db *db;
        struct db_conn *next;                           /* in the pool's idle list */
        const struct db_stmt *prepared[PREPARED_SLOTS]; /* statements this connection knows */
        size_t prepared_count;
        bool broken;
        bool copying;
        char *copy_row;
};

struct db {
        struct db_config config;
        void *pool;
};

_must_check_ enum err conn_open(struct ctx *ctx, const struct db_config *config, struct db_conn *c);
void conn_close(struct db_conn *c);

/* Sends and waits for one statement; *ret is owned by the caller. */
_must_check_ enum err conn_run(struct ctx *ctx, struct db_conn *c, const struct db_stmt *stmt,
                               const struct db_param *params, size_t count, PGresult **ret);
_must_check_ enum err conn_script(struct ctx *ctx, struct db_conn *c, const char *sql);

/* Waits for the connection's next result, NULL at the end; cancels on the server at the deadline.
 */
_must_check_ enum err conn_result(struct ctx *ctx, struct db_conn *c, PGresult **ret);
/* Waits for bytes from the server and takes them in. */
_must_check_ enum err conn_wait_input(struct ctx *ctx, struct db_conn *c);
_must_check_ enum err conn_flush(struct ctx *ctx, struct db_conn *c);
enum err conn_fail(struct ctx *ctx, struct db_conn *c, const PGresult *r);

_must_check_ enum err pool_take(struct ctx *ctx, struct db *db, struct db_conn **ret);
void pool_give(struct db *db, struct db_conn *c);
void pool_count(struct db *db, bool failed);

#endif
