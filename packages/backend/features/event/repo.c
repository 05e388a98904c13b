/* Statements on table_events. See repo.h. */
#include "features/event/repo.h"

#include "base/route.h"
#include "event_sql.h"

enum err repo_event_publish(struct ctx *ctx, struct tx *tx, struct str table_id, const char *type,
                            const str_list *data, int64_t *ret_newest)
{
        struct db_result r;

        TRY(tx_query(tx, &sql_publish, PARAMS(p_str(table_id), p_c(type), p_array_of(ctx, data)),
                     &r));
        *ret_newest = db_i64(&r, 0, 0);
        return OK;
}

enum err repo_event_prune(struct tx *tx)
{
        return tx_exec(tx, &sql_prune, NO_PARAMS, NULL);
}

static struct event_row read_row(const struct db_result *r, int row)
{
        return (struct event_row){db_i64(r, row, 0), db_text(r, row, 1), db_text(r, row, 2)};
}

enum err repo_event_get(struct ctx *ctx, struct db *db, int64_t id, struct event_row *ret)
{
        struct db_result r;

        TRY(db_query(ctx, db, &sql_get, PARAMS(p_i64(ctx, id)), &r));
        *ret = r.rows ? read_row(&r, 0) : (struct event_row){0};
        return OK;
}

enum err repo_event_newest(struct ctx *ctx, struct db *db, struct str table_id, int64_t *ret)
{
        struct db_result r;

        TRY(db_query(ctx, db, &sql_newest, PARAMS(p_str(table_id)), &r));
        *ret = db_i64(&r, 0, 0);
        return OK;
}

enum err repo_event_replay(struct ctx *ctx, struct db *db, struct str table_id, int64_t last,
                           int64_t limit, bool *ret_known, event_row_list *ret)
{
        struct db_result r;

        TRY(db_query(ctx, db, &sql_known, PARAMS(p_str(table_id), p_i64(ctx, last)), &r));
        *ret_known = r.rows > 0;
        if (r.rows == 0)
                return OK;
        struct str since = db_text(&r, 0, 0);

        TRY(db_query(ctx, db, &sql_replay,
                     PARAMS(p_str(table_id), p_i64(ctx, last), p_str(since), p_i64(ctx, limit)),
                     &r));
        for (int i = 0; i < r.rows; i++)
                LIST_PUSH(ctx->arena, ret, read_row(&r, i));
        return OK;
}

enum err repo_event_watchable(struct ctx *ctx, struct db *db, struct str workspace_id,
                              struct str table_id)
{
        struct db_result r;

        TRY(db_query(ctx, db, &sql_watchable, PARAMS(p_str(table_id), p_str(workspace_id)), &r));
        return r.rows ? OK : fail_not_found(ctx, "table");
}
