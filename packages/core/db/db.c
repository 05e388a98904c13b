/* Queries, transactions, COPY, parameters and results over the pool. See db.h. */
#include "db/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db_param p_str(struct str s)
{
        return (struct db_param){.text = s};
}

struct db_param p_c(const char *s)
{
        return p_str(str_from(s));
}

struct db_param p_i64(struct ctx *ctx, int64_t v)
{
        return p_str(str_printf(ctx->arena, "%lld", (long long)v));
}

struct db_param p_double(struct ctx *ctx, double v)
{
        return p_str(str_printf(ctx->arena, "%.17g", v));
}

struct db_param p_bool(bool v)
{
        return p_str(v ? STR("t") : STR("f"));
}

struct db_param p_null(void)
{
        return (struct db_param){.text = STR_NULL};
}

struct db_param p_bytes(struct ctx *ctx, const void *p, size_t n)
{
        return (struct db_param){.text = {arena_dup(ctx->arena, p, n + !n), n}, .binary = true};
}

struct db_param p_json(struct ctx *ctx, const struct json *v)
{
        return p_str(v ? json_text(ctx->arena, v) : STR_NULL);
}

void db_array_init(struct ctx *ctx, struct db_array *a)
{
        buf_init(&a->buf, ctx->arena, 256 << 20);
        buf_add_char(&a->buf, '{');
        a->len = 0;
}

static void array_next(struct db_array *a)
{
        if (a->len++)
                buf_add_char(&a->buf, ',');
}

void db_array_str(struct db_array *a, struct str s)
{
        array_next(a);
        if (!s.ptr) {
                buf_add(&a->buf, STR("NULL"));
                return;
        }
        buf_add_char(&a->buf, '"');
        for (size_t i = 0, start = 0; i <= s.len; i++) {
                if (i < s.len && s.ptr[i] != '"' && s.ptr[i] != '\\')
                        continue;
                buf_add_mem(&a->buf, s.ptr + start, i - start);
                if (i < s.len)
                        buf_add_char(&a->buf, '\\');
                start = i;
        }
        buf_add_char(&a->buf, '"');
}

void db_array_i64(struct db_array *a, int64_t v)
{
        array_next(a);
        buf_add_i64(&a->buf, v);
}

void db_array_double(struct db_array *a, double v)
{
        array_next(a);
        buf_printf(&a->buf, "%.17g", v);
}

void db_array_bool(struct db_array *a, bool v)
{
        array_next(a);
        buf_add_char(&a->buf, v ? 't' : 'f');
}

struct db_param p_array(struct db_array *a)
{
        buf_add_char(&a->buf, '}');
        return p_str(buf_str(&a->buf));
}

struct db_param p_array_of(struct ctx *ctx, const str_list *items)
{
        struct db_array a;

        db_array_init(ctx, &a);
        LIST_EACH (item, items)
                db_array_str(&a, *item);
        return p_array(&a);
}

struct str db_text(const struct db_result *r, int row, int col)
{
        if (db_is_null(r, row, col))
                return STR_NULL;
        return (struct str){PQgetvalue(r->pg, row, col), (size_t)PQgetlength(r->pg, row, col)};
}

bool db_is_null(const struct db_result *r, int row, int col)
{
        return PQgetisnull(r->pg, row, col) != 0;
}

int64_t db_i64(const struct db_result *r, int row, int col)
{
        int64_t v;

        return str_to_i64(db_text(r, row, col), &v) ? v : 0;
}

double db_double(const struct db_result *r, int row, int col)
{
        return db_is_null(r, row, col) ? 0 : strtod(PQgetvalue(r->pg, row, col), NULL);
}

bool db_bool(const struct db_result *r, int row, int col)
{
        return !db_is_null(r, row, col) && PQgetvalue(r->pg, row, col)[0] == 't';
}

struct str db_bytes(struct ctx *ctx, const struct db_result *r, int row, int col)
{
        size_t len;

        if (db_is_null(r, row, col))
                return STR_NULL;
        unsigned char *p =
                PQunescapeBytea((const unsigned char *)PQgetvalue(r->pg, row, col), &len);
        struct str copy = str_dup(ctx->arena, (struct str){(char *)p, p ? len : 0});

        PQfreemem(p);
        return copy;
}

int db_columns(const struct db_result *r)
{
        return PQnfields(r->pg);
}

const char *db_column_name(const struct db_result *r, int col)
{
        return PQfname(r->pg, col);
}

int db_column(const struct db_result *r, const char *name)
{
        for (int i = 0; i < db_columns(r); i++)
                if (strcmp(db_column_name(r, i), name) == 0)
                        return i;
        return -1;
}

static void clear_result(void *r)
{
        PQclear(r);
}

static enum err run(struct ctx *ctx, struct db_conn *c, const struct db_stmt *stmt,
                    const struct db_param *params, size_t count, struct db_result *ret)
{
        PGresult *r = NULL;
        enum err e = conn_run(ctx, c, stmt, params, count, &r);

        pool_count(c->db, e != OK);
        if (e != OK)
                return e;
        if (!ret) {
                PQclear(r);
                return OK;
        }
        arena_defer(ctx->arena, clear_result, r);
        ret->pg = r;
        ret->rows = PQntuples(r);
        ret->affected = 0;
        if (!str_to_i64(str_from(PQcmdTuples(r)), &ret->affected))
                ret->affected = 0;
        return OK;
}

enum err db_query(struct ctx *ctx, struct db *db, const struct db_stmt *stmt,
                  const struct db_param *params, size_t count, struct db_result *ret)
{
        struct db_conn *c;

        TRY(pool_take(ctx, db, &c));
        enum err e = run(ctx, c, stmt, params, count, ret);

        pool_give(db, c);
        return e;
}

enum err db_exec(struct ctx *ctx, struct db *db, const struct db_stmt *stmt,
                 const struct db_param *params, size_t count, int64_t *ret_affected)
{
        struct db_result r;

        TRY(db_query(ctx, db, stmt, params, count, &r));
        if (ret_affected)
                *ret_affected = r.affected;
        return OK;
}

enum err tx_begin(struct ctx *ctx, struct db *db, struct tx *tx)
{
        struct db_conn *c;

        TRY(pool_take(ctx, db, &c));
        enum err e = conn_script(ctx, c, "BEGIN");

        if (e == ERR_UNAVAILABLE && c->broken) { /* an idle connection the server had closed */
                pool_give(db, c);
                ctx_clear(ctx);
                TRY(pool_take(ctx, db, &c));
                e = conn_script(ctx, c, "BEGIN");
        }
        if (e != OK) {
                pool_give(db, c);
                return e;
        }
        *tx = (struct tx){.ctx = ctx, .conn = c, .open = true};
        return OK;
}

enum err tx_commit(struct tx *tx)
{
        /* the server answers COMMIT of a failed transaction with a quiet ROLLBACK */
        if (PQtransactionStatus(tx->conn->pg) == PQTRANS_INERROR) {
                struct ctx *ctx = tx->ctx;

                tx_end(tx);
                return fail(ctx, ERR_INTERNAL, "commit of a failed transaction");
        }
        enum err e = conn_script(tx->ctx, tx->conn, "COMMIT");

        tx->open = false;
        if (e != OK)
                tx->conn->broken = true; /* committed or not is unknown: nothing may reuse it */
        pool_give(tx->conn->db, tx->conn);
        tx->conn = NULL;
        return e;
}

void tx_end(struct tx *tx)
{
        if (!tx->conn)
                return;
        struct db_conn *c = tx->conn;

        if (tx->open && !c->broken && !c->copying && PQstatus(c->pg) == CONNECTION_OK) {
                /* the rollback has its own short deadline: the request's may have passed */
                struct ctx own = *tx->ctx;

                own.deadline_ns = time_mono_ns() + 2 * NS_PER_S;
                if (conn_script(&own, c, "ROLLBACK") != OK)
                        c->broken = true;
        }
        pool_give(c->db, c);
        *tx = (struct tx){0};
}

enum err tx_query(struct tx *tx, const struct db_stmt *stmt, const struct db_param *params,
                  size_t count, struct db_result *ret)
{
        return run(tx->ctx, tx->conn, stmt, params, count, ret);
}

enum err tx_exec(struct tx *tx, const struct db_stmt *stmt, const struct db_param *params,
                 size_t count, int64_t *ret_affected)
{
        struct db_result r;

        TRY(tx_query(tx, stmt, params, count, &r));
        if (ret_affected)
                *ret_affected = r.affected;
        return OK;
}

enum err tx_script(struct tx *tx, const char *sql)
{
        enum err e = conn_script(tx->ctx, tx->conn, sql);

        pool_count(tx->conn->db, e != OK);
        return e;
}

static enum err copy_begin(struct tx *tx, const char *sql, ExecStatusType want)
{
        struct db_stmt stmt = {NULL, sql};
        PGresult *r = NULL;

        TRY(conn_run(tx->ctx, tx->conn, &stmt, NULL, 0, &r));
        ExecStatusType got = PQresultStatus(r);

        PQclear(r);
        if (got != want)
                return fail(tx->ctx, ERR_INTERNAL, "not a COPY statement");
        tx->conn->copying = true;
        return OK;
}

enum err tx_copy_in(struct tx *tx, const char *sql)
{
        return copy_begin(tx, sql, PGRES_COPY_IN);
}

enum err tx_copy_put(struct tx *tx, struct str data)
{
        struct db_conn *c = tx->conn;

        for (;;) {
                int n = PQputCopyData(c->pg, data.ptr, (int)data.len);

                if (n < 0)
                        return conn_fail(tx->ctx, c, NULL);
                if (n > 0)
                        break;
                TRY(conn_flush(tx->ctx, c));
        }
        return conn_flush(tx->ctx, c); /* bounds what libpq keeps in memory */
}

/* Results until the end; the last command's row count. */
static enum err copy_results(struct tx *tx, int64_t *ret_rows)
{
        struct db_conn *c = tx->conn;
        enum err result = OK;
        PGresult *r;

        for (;;) {
                TRY(conn_result(tx->ctx, c, &r));
                if (!r)
                        break;
                if (PQresultStatus(r) == PGRES_FATAL_ERROR && result == OK)
                        result = conn_fail(tx->ctx, c, r);
                else if (ret_rows && !str_to_i64(str_from(PQcmdTuples(r)), ret_rows))
                        *ret_rows = 0;
                PQclear(r);
        }
        c->copying = false;
        pool_count(c->db, result != OK);
        return result;
}

enum err tx_copy_end(struct tx *tx, int64_t *ret_rows)
{
        struct db_conn *c = tx->conn;

        for (;;) {
                int n = PQputCopyEnd(c->pg, NULL);

                if (n < 0)
                        return conn_fail(tx->ctx, c, NULL);
                if (n > 0)
                        break;
                TRY(conn_flush(tx->ctx, c));
        }
        TRY(conn_flush(tx->ctx, c));
        return copy_results(tx, ret_rows);
}

enum err tx_copy_out(struct tx *tx, const char *sql)
{
        return copy_begin(tx, sql, PGRES_COPY_OUT);
}

enum err tx_copy_get(struct tx *tx, struct str *ret)
{
        struct db_conn *c = tx->conn;

        if (c->copy_row) {
                PQfreemem(c->copy_row);
                c->copy_row = NULL;
        }
        for (;;) {
                int n = PQgetCopyData(c->pg, &c->copy_row, 1);

                if (n > 0) {
                        *ret = (struct str){c->copy_row, (size_t)n};
                        return OK;
                }
                if (n == -1) {
                        *ret = STR_NULL;
                        return copy_results(tx, NULL);
                }
                if (n < -1)
                        return conn_fail(tx->ctx, c, NULL);
                TRY(conn_wait_input(tx->ctx, c));
        }
}

void db_quote_ident(struct buf *b, struct str name)
{
        buf_add_char(b, '"');
        for (size_t i = 0; i < name.len; i++) {
                if (name.ptr[i] == '"')
                        buf_add_char(b, '"');
                buf_add_char(b, name.ptr[i]);
        }
        buf_add_char(b, '"');
}
