/* Numbered migrations, applied in order under an advisory lock, each in its own transaction. */
#include "db/db.h"

static const char lock_sql[] = "SELECT pg_advisory_xact_lock(1297305428, 0)";
static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                "  number integer PRIMARY KEY, name text NOT NULL, applied_at "
                                "timestamptz NOT NULL DEFAULT now())";
static const struct db_stmt insert_stmt = {
        NULL, "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)"};
static const struct db_stmt delete_stmt = {NULL, "DELETE FROM schema_migrations WHERE number = $1"};
static const struct db_stmt last_stmt = {NULL,
                                         "SELECT coalesce(max(number), 0) FROM schema_migrations"};
static const struct db_stmt exists_stmt = {NULL,
                                           "SELECT to_regclass('schema_migrations') IS NOT NULL"};

static enum err begin_locked(struct ctx *ctx, struct db *db, struct tx *tx, int *ret_last)
{
        struct db_result r;

        TRY(tx_begin(ctx, db, tx));
        TRY(tx_script(tx, "SET LOCAL statement_timeout = 0"));
        TRY(tx_script(tx, lock_sql));
        TRY(tx_script(tx, "SET LOCAL client_min_messages = warning"));
        TRY(tx_script(tx, table_sql));
        TRY(tx_query(tx, &last_stmt, NO_PARAMS, &r));
        *ret_last = (int)db_i64(&r, 0, 0);
        return OK;
}

static enum err apply_next(struct ctx *ctx, struct db *db, const struct db_migration *list,
                           size_t count, bool *ret_more)
{
        _cleanup_(tx_end) struct tx tx = {0};
        int last;

        TRY(begin_locked(ctx, db, &tx, &last));
        for (size_t i = 0; i < count; i++) {
                const struct db_migration *m = &list[i];

                if (m->number <= last)
                        continue;
                TRY(tx_script(&tx, m->up));
                TRY(tx_exec(&tx, &insert_stmt, PARAMS(p_i64(ctx, m->number), p_c(m->name)), NULL));
                *ret_more = true;
                return tx_commit(&tx);
        }
        *ret_more = false;
        return tx_commit(&tx);
}

enum err db_migrate_up(struct ctx *ctx, struct db *db, const struct db_migration *list,
                       size_t count, int *ret_applied)
{
        int applied = 0;

        for (bool more = true; more;) {
                TRY(apply_next(ctx, db, list, count, &more));
                applied += more;
        }
        *ret_applied = applied;
        return OK;
}

static enum err revert_last(struct ctx *ctx, struct db *db, const struct db_migration *list,
                            size_t count, int target, bool *ret_more)
{
        _cleanup_(tx_end) struct tx tx = {0};
        int last;

        *ret_more = false;
        TRY(begin_locked(ctx, db, &tx, &last));
        if (last <= target)
                return tx_commit(&tx);
        for (size_t i = 0; i < count; i++) {
                if (list[i].number != last)
                        continue;
                TRY(tx_script(&tx, list[i].down));
                TRY(tx_exec(&tx, &delete_stmt, PARAMS(p_i64(ctx, last)), NULL));
                *ret_more = true;
                return tx_commit(&tx);
        }
        return fail(ctx, ERR_CONFLICT, "migration %03d is newer than this program", last);
}

enum err db_migrate_down(struct ctx *ctx, struct db *db, const struct db_migration *list,
                         size_t count, int target, int *ret_reverted)
{
        int reverted = 0;

        for (bool more = true; more;) {
                TRY(revert_last(ctx, db, list, count, target, &more));
                reverted += more;
        }
        *ret_reverted = reverted;
        return OK;
}

enum err db_migrate_status(struct ctx *ctx, struct db *db, int *ret_number)
{
        struct db_result r;

        TRY(db_query(ctx, db, &exists_stmt, NO_PARAMS, &r));
        if (!db_bool(&r, 0, 0)) {
                *ret_number = 0;
                return OK;
        }
        TRY(db_query(ctx, db, &last_stmt, NO_PARAMS, &r));
        *ret_number = (int)db_i64(&r, 0, 0);
        return OK;
}
