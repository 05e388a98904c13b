/* One PostgreSQL connection: connecting, prepared statements, waiting with a deadline. */
#include "db/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* The SQLSTATE and constraint of a thread's last failure, read by db_sqlstate() right after it. */
static _Thread_local char last_state[8];
static _Thread_local char last_constraint[80];

const char *db_sqlstate(const struct ctx *ctx)
{
        return ctx->err ? last_state : "";
}

const char *db_constraint(const struct ctx *ctx)
{
        return ctx->err ? last_constraint : "";
}

static enum err code_of(const char *state)
{
        static const struct {
                const char *prefix;
                enum err code;
        } map[] = {
                {"23505", ERR_CONFLICT}, {"40", ERR_CONFLICT},    {"55P03", ERR_CONFLICT},
                {"57014", ERR_TIMEOUT},  {"08", ERR_UNAVAILABLE}, {"57P", ERR_UNAVAILABLE},
                {"53", ERR_UNAVAILABLE},
        };

        for (size_t i = 0; i < ELEMENTS(map); i++)
                if (strncmp(state, map[i].prefix, strlen(map[i].prefix)) == 0)
                        return map[i].code;
        return ERR_INTERNAL;
}

enum err conn_fail(struct ctx *ctx, struct db_conn *c, const PGresult *r)
{
        const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
        const char *constraint = r ? PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME) : NULL;
        const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
        char line[300];

        if (PQstatus(c->pg) == CONNECTION_BAD) {
                c->broken = true;
                if (!state)
                        state = "08006";
        }
        snprintf(last_state, sizeof last_state, "%s", state ? state : "XX000");
        snprintf(last_constraint, sizeof last_constraint, "%s", constraint ? constraint : "");
        snprintf(line, sizeof line, "%s", text ? text : PQerrorMessage(c->pg));
        line[strcspn(line, "\n")] = '\0';
        return fail(ctx, code_of(last_state), "database: %s (%s)", line, last_state);
}

static enum err wait_socket(struct ctx *ctx, struct db_conn *c, short events)
{
        struct pollfd p = {.fd = PQsocket(c->pg), .events = events};

        for (;;) {
                int left = ctx_time_left_ms(ctx);
                int n = poll(&p, 1, left == INT32_MAX ? -1 : left);

                if (n > 0)
                        return OK;
                if (n == 0)
                        return fail(ctx, ERR_TIMEOUT, "the database did not answer in time");
                if (errno != EINTR)
                        return fail(ctx, ERR_INTERNAL, "poll: %s", strerror(errno));
        }
}

enum err conn_open(struct ctx *ctx, const struct db_config *config, struct db_conn *c)
{
        char *url = str_to_c(ctx->arena, config->url);
        char timeout[64];

        snprintf(timeout, sizeof timeout, "-c statement_timeout=%d -c timezone=UTC",
                 config->statement_timeout_ms);
        const char *keys[] = {"dbname",          "application_name", "options",
                              "client_encoding", "connect_timeout",  NULL};
        const char *values[] = {url, config->application_name, timeout, "UTF8", "5", NULL};

        c->pg = PQconnectStartParams(keys, values, 1);
        if (!c->pg)
                return fail(ctx, ERR_UNAVAILABLE, "database: out of memory");
        PostgresPollingStatusType state = PGRES_POLLING_WRITING;

        while (PQstatus(c->pg) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
                if (wait_socket(ctx, c, state == PGRES_POLLING_READING ? POLLIN : POLLOUT) != OK)
                        break;
                state = PQconnectPoll(c->pg);
                if (state == PGRES_POLLING_FAILED)
                        break;
        }
        if (state != PGRES_POLLING_OK) {
                char line[300];

                snprintf(line, sizeof line, "%s", PQerrorMessage(c->pg));
                line[strcspn(line, "\n")] = '\0';
                conn_close(c);
                return fail(ctx, ERR_UNAVAILABLE, "the database is not reachable: %s", line);
        }
        PQsetnonblocking(c->pg, 1);
        return OK;
}

void conn_close(struct db_conn *c)
{
        if (c->copy_row)
                PQfreemem(c->copy_row);
        PQfinish(c->pg);
        memset(c->prepared, 0, sizeof c->prepared);
        c->pg = NULL;
        c->copy_row = NULL;
        c->prepared_count = 0;
        c->broken = c->copying = false;
}

enum err conn_flush(struct ctx *ctx, struct db_conn *c)
{
        for (;;) {
                int n = PQflush(c->pg);

                if (n == 0)
                        return OK;
                if (n < 0)
                        return conn_fail(ctx, c, NULL);
                TRY(wait_socket(ctx, c, POLLIN | POLLOUT));
                if (!PQconsumeInput(c->pg))
                        return conn_fail(ctx, c, NULL);
        }
}

enum err conn_wait_input(struct ctx *ctx, struct db_conn *c)
{
        TRY(wait_socket(ctx, c, POLLIN));
        return PQconsumeInput(c->pg) ? OK : conn_fail(ctx, c, NULL);
}

/* At the deadline: asks the server to stop. The connection is dropped rather than drained. */
static void cancel(struct db_conn *c)
{
        char why[256];
        PGcancel *pc = PQgetCancel(c->pg);

        if (pc) {
                PQcancel(pc, why, sizeof why);
                PQfreeCancel(pc);
        }
        c->broken = true;
}

enum err conn_result(struct ctx *ctx, struct db_conn *c, PGresult **ret)
{
        while (PQisBusy(c->pg)) {
                enum err e = wait_socket(ctx, c, POLLIN);

                if (e != OK) {
                        cancel(c);
                        return e;
                }
                if (!PQconsumeInput(c->pg))
                        return conn_fail(ctx, c, NULL);
        }
        *ret = PQgetResult(c->pg);
        return OK;
}

/* Waits for all results of what was sent; keeps the last one, fails with the first failure. */
static enum err finish(struct ctx *ctx, struct db_conn *c, PGresult **ret)
{
        PGresult *last = NULL, *r;
        enum err result = OK;

        TRY(conn_flush(ctx, c));
        for (;;) {
                enum err e = conn_result(ctx, c, &r);

                if (e != OK) {
                        PQclear(last);
                        return e;
                }
                if (!r)
                        break;
                ExecStatusType s = PQresultStatus(r);

                if (result == OK && (s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE))
                        result = conn_fail(ctx, c, r);
                PQclear(last);
                last = r;
                if (s == PGRES_COPY_IN || s == PGRES_COPY_OUT)
                        break;
        }
        if (result != OK) {
                PQclear(last);
                return result;
        }
        *ret = last;
        return OK;
}

static size_t slot_of(const struct db_conn *c, const struct db_stmt *stmt)
{
        uint64_t h = 0xcbf29ce484222325; /* FNV-1a; several files may hold a copy of a statement */

        for (const char *p = stmt->name; *p; p++)
                h = (h ^ (unsigned char)*p) * 0x100000001b3;
        size_t i = h % PREPARED_SLOTS;

        while (c->prepared[i] && c->prepared[i] != stmt &&
               strcmp(c->prepared[i]->name, stmt->name) != 0)
                i = (i + 1) % PREPARED_SLOTS;
        return i;
}

static enum err prepare(struct ctx *ctx, struct db_conn *c, const struct db_stmt *stmt)
{
        size_t slot = slot_of(c, stmt);
        PGresult *r = NULL;

        if (c->prepared[slot])
                return OK;
        if (c->prepared_count + 1 >= PREPARED_SLOTS)
                return fail(ctx, ERR_INTERNAL, "too many prepared statements");
        if (!PQsendPrepare(c->pg, stmt->name, stmt->sql, 0, NULL))
                return conn_fail(ctx, c, NULL);
        TRY(finish(ctx, c, &r));
        PQclear(r);
        c->prepared[slot] = stmt;
        c->prepared_count++;
        return OK;
}

enum err conn_run(struct ctx *ctx, struct db_conn *c, const struct db_stmt *stmt,
                  const struct db_param *params, size_t count, PGresult **ret)
{
        const char **values = arena_alloc_array(ctx->arena, count + 1, sizeof *values);
        int *lengths = arena_alloc_array(ctx->arena, count + 1, sizeof *lengths);
        int *formats = arena_alloc_array(ctx->arena, count + 1, sizeof *formats);

        for (size_t i = 0; i < count; i++) {
                const struct db_param *p = &params[i];

                formats[i] = p->binary;
                lengths[i] = (int)p->text.len;
                if (!p->text.ptr)
                        continue;
                if (!p->binary && p->text.len && memchr(p->text.ptr, '\0', p->text.len))
                        return fail(ctx, ERR_VALIDATION, "text may not hold a NUL character");
                /* text parameters must end in NUL, which slices need not */
                values[i] = p->binary ? p->text.ptr : str_to_c(ctx->arena, p->text);
        }
        int sent;

        if (stmt->name) {
                TRY(prepare(ctx, c, stmt));
                sent = PQsendQueryPrepared(c->pg, stmt->name, (int)count, values, lengths, formats,
                                           0);
        } else {
                sent = PQsendQueryParams(c->pg, stmt->sql, (int)count, NULL, values, lengths,
                                         formats, 0);
        }
        if (!sent)
                return conn_fail(ctx, c, NULL);
        return finish(ctx, c, ret);
}

enum err conn_script(struct ctx *ctx, struct db_conn *c, const char *sql)
{
        PGresult *r = NULL;

        if (!PQsendQuery(c->pg, sql))
                return conn_fail(ctx, c, NULL);
        TRY(finish(ctx, c, &r));
        PQclear(r);
        return OK;
}
