/* Listing, adding, changing and deleting records. See service.h. */
#include "features/record/service.h"

#include <stdlib.h>
#include "features/event/event.h"

/* ---- reading ---- */

static enum err page_total(struct ctx *ctx, struct tx *tx, const struct record_list_query *query,
                           struct record_page *p)
{
        if (json_is_null(query->filter)) {
                p->cursor.total = p->table.row_count;
                return OK;
        }
        if (query->cursor.ptr && p->cursor.total >= 0)
                return OK; /* counted by the first page */
        return repo_record_count(ctx, tx, &p->table, query->filter, RECORD_COUNT_EXACT,
                                 &p->cursor.total, &p->cursor.total_is_estimate);
}

/* Faults of sort, filter, cursor and from, all of them. */
static enum err check_query(struct ctx *ctx, const struct record_list_query *query,
                            struct record_page *p)
{
        struct grid_sql ignored;
        uint64_t hash = grid_cursor_hash(ctx, &p->table, query->sort, query->filter);

        grid_sql_init(ctx, &ignored);
        enum err sort = grid_sort_parse(ctx, &p->table, query->sort, "/query/sort", &p->sort);
        enum err filter = grid_filter_sql(ctx, &p->table, query->filter, "/query/filter", &ignored);

        TRY(sort);
        TRY(filter);
        if (query->from && (p->sort.len || query->cursor.ptr)) {
                ctx_fault(ctx, STR("/query/from"), "from",
                          "goes with the table's own order only, without a cursor");
                return fail(ctx, ERR_VALIDATION, "the query is not valid");
        }
        p->cursor = (struct grid_cursor){.hash = hash, .total = -1};
        return query->cursor.ptr
                       ? grid_cursor_decode(ctx, query->cursor, &p->sort, hash, &p->cursor)
                       : OK;
}

enum err record_list(struct ctx *ctx, struct str workspace_id, struct str table_id,
                     const struct record_list_query *query, struct record_page *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct record_page p = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, &p.table));
        TRY(check_query(ctx, query, &p));
        TRY(page_total(ctx, &tx, query, &p));
        struct record_query q = {
                .sort = p.sort,
                .filter = query->filter,
                .after = query->cursor.ptr ? &p.cursor : NULL,
                .from = query->from,
                .limit = query->limit + 1,
        };

        TRY(repo_record_page(ctx, &tx, &p.table, &q, &p.rows));
        TRY(tx_commit(&tx));
        p.more = p.rows.rows.rows > query->limit;
        p.count = p.more ? (int)query->limit : p.rows.rows.rows;
        p.meta = (struct page){.limit = query->limit,
                               .total = p.cursor.total,
                               .total_is_estimate = p.cursor.total_is_estimate};
        *ret = p;
        return OK;
}

void record_page_end(struct ctx *ctx, struct record_page *page, int last)
{
        struct grid_cursor c = page->cursor;
        int first = ROW_FIRST_COLUMN + (int)page->table.columns.len;

        c.position = db_i64(&page->rows.rows, last, 1);
        for (size_t i = 0; i < page->sort.len; i++)
                c.values[i] = db_text(&page->rows.rows, last, first + (int)i);
        page->meta.next_cursor = grid_cursor_encode(ctx, &page->sort, &c);
}

static enum err read_one(struct ctx *ctx, struct tx *tx, struct str workspace_id,
                         struct str table_id, struct str record_id, struct grid_table *ret_table,
                         struct record_rows *ret)
{
        str_list ids = {.ptr = &record_id, .len = 1, .cap = 1};

        TRY(grid_load(ctx, tx, workspace_id, table_id, ret_table));
        TRY(repo_record_read(ctx, tx, ret_table, &ids, ret));
        return ret->rows.rows ? OK : fail_not_found(ctx, "record");
}

enum err record_get(struct ctx *ctx, struct str workspace_id, struct str table_id,
                    struct str record_id, struct grid_table *ret_table, struct record_rows *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(read_one(ctx, &tx, workspace_id, table_id, record_id, ret_table, ret));
        return tx_commit(&tx);
}

enum err record_provenance(struct ctx *ctx, struct str workspace_id, struct str table_id,
                           struct str record_id, struct record_provenance *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(read_one(ctx, &tx, workspace_id, table_id, record_id, &ret->table, &ret->rows));
        TRY(repo_record_attempts(ctx, &tx, record_id, &ret->rows.cells, &ret->attempts));
        return tx_commit(&tx);
}

/* ---- changing ---- */

/* What is typed in has to fit its column: every cell that does not is named. */
static void take_data(struct ctx *ctx, const struct grid_table *t, const struct json *data,
                      const char *path,
                      void (*put)(void *user, const struct grid_column *c, struct str sql),
                      void *user)
{
        JSON_EACH_MEMBER (m, data) {
                const struct grid_column *c = grid_column_find(t, m.key);
                struct str at = str_printf(ctx->arena, "%s/data/%.*s", path, FMT(m.key));

                if (!c) {
                        ctx_fault(ctx, at, "additionalProperties", "is not a column of the table");
                        continue;
                }
                struct grid_value v = grid_from_json(ctx->arena, c, m.value);

                if (v.why)
                        ctx_fault(ctx, at, "type", "%s", v.why);
                else
                        put(user, c, v.sql);
        }
}

struct inserting {
        const struct grid_table *table;
        struct str *row;
};

static void put_value(void *user, const struct grid_column *c, struct str sql)
{
        struct inserting *in = user;

        in->row[c - in->table->columns.ptr] = sql;
}

enum err record_insert(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       const struct json *records, struct grid_table *ret_table,
                       struct record_rows *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_table t;
        size_t rows = json_len(records);
        int64_t position;
        str_list ids = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, &t));
        struct str *values =
                arena_alloc_array(ctx->arena, rows * t.columns.len + 1, sizeof *values);

        JSON_EACH_ITEM (i, item, records) {
                struct inserting in = {&t, values + i * t.columns.len};

                take_data(ctx, &t, json_member(item, "data"),
                          arena_printf(ctx->arena, "/records/%zu", i), put_value, &in);
        }
        if (ctx->faults.len)
                return fail(ctx, ERR_VALIDATION, "some values do not fit their columns");
        TRY(table_rows_added(ctx, &tx, t.id, (int64_t)rows, &position));
        TRY(repo_record_insert(ctx, &tx, &t, position, values, rows, ret));
        for (int i = 0; i < ret->rows.rows; i++)
                LIST_PUSH(ctx->arena, &ids, db_text(&ret->rows, i, 0));
        TRY(record_publish_changed(ctx, &tx, &t, "inserted", &ids, (int64_t)rows));
        *ret_table = t;
        return tx_commit(&tx);
}

struct updating {
        struct ctx *ctx;
        LIST(struct grid_write) writes;
        struct str record_id;
};

static void put_write(void *user, const struct grid_column *c, struct str sql)
{
        struct updating *up = user;
        struct grid_write w = {.record_id = up->record_id, .column = c, .sql = sql};

        LIST_PUSH(up->ctx->arena, &up->writes, w);
}

static int by_text(const void *a, const void *b)
{
        return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool has_repeats(struct ctx *ctx, const str_list *ids)
{
        struct str *sorted =
                arena_dup(ctx->arena, ids->ptr, (ids->len + !ids->len) * sizeof *sorted);

        qsort(sorted, ids->len, sizeof *sorted, by_text);
        for (size_t i = 1; i < ids->len; i++)
                if (str_eq(sorted[i], sorted[i - 1]))
                        return true;
        return false;
}

static enum err read_updates(struct ctx *ctx, const struct grid_table *t,
                             const struct json *updates, struct updating *up, str_list *ret_ids)
{
        JSON_EACH_ITEM (i, item, updates) {
                up->record_id = str_lower(ctx->arena, json_member_text(item, "id"));
                LIST_PUSH(ctx->arena, ret_ids, up->record_id);
                take_data(ctx, t, json_member(item, "data"),
                          arena_printf(ctx->arena, "/updates/%zu", i), put_write, up);
        }
        if (has_repeats(ctx, ret_ids))
                ctx_fault(ctx, STR("/updates"), "uniqueItems", "names a record twice");
        return ctx->faults.len ? fail(ctx, ERR_VALIDATION, "some values do not fit their columns")
                               : OK;
}

/* -1 when the record is gone. Rows are sorted by id. */
static int64_t version_of(const struct db_result *locked, struct str id)
{
        for (int low = 0, high = locked->rows; low < high;) {
                int mid = (low + high) / 2, c = str_cmp(db_text(locked, mid, 0), id);

                if (c == 0)
                        return db_i64(locked, mid, 1);
                if (c < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return -1;
}

/* Every record has to be there, in the version its editor saw. */
static enum err check_versions(struct ctx *ctx, const struct json *updates, const str_list *ids,
                               const struct db_result *locked)
{
        bool gone = false;

        JSON_EACH_ITEM (i, item, updates) {
                struct str id = ids->ptr[i];
                const struct json *want = json_member(item, "version");
                int64_t version = version_of(locked, id);

                if (version < 0) {
                        gone = true;
                        ctx_fault(ctx, str_printf(ctx->arena, "/updates/%zu/id", i), "exists",
                                  "record %.*s is not there", FMT(id));
                } else if (want && json_get_i64(want, -1) != version) {
                        ctx_fault(ctx, str_printf(ctx->arena, "/updates/%zu/version", i), "version",
                                  "record %.*s is at version %lld now", FMT(id),
                                  (long long)version);
                }
        }
        if (gone)
                return fail(ctx, ERR_NOT_FOUND, "some records are not there");
        return ctx->faults.len
                       ? fail(ctx, ERR_CONFLICT, "some records were changed by somebody else")
                       : OK;
}

enum err record_update(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       const struct json *updates, struct grid_table *ret_table,
                       struct record_rows *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct updating up = {.ctx = ctx};
        struct grid_table t;
        struct db_result locked;
        str_list ids = {0};

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, &t));
        TRY(read_updates(ctx, &t, updates, &up, &ids));
        TRY(grid_lock_rows(ctx, &tx, &t, &ids, &locked));
        TRY(check_versions(ctx, updates, &ids, &locked));
        TRY(grid_write_values(ctx, &tx, &t, up.writes.ptr, up.writes.len));
        TRY(repo_record_typed(ctx, &tx, &t, up.writes.ptr, up.writes.len));
        TRY(repo_record_read(ctx, &tx, &t, &ids, ret));
        TRY(record_publish(ctx, &tx, &t, &ids));
        *ret_table = t;
        return tx_commit(&tx);
}

enum err record_delete(struct ctx *ctx, struct str workspace_id, struct str table_id,
                       const struct json *ids, int64_t *ret_deleted)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct grid_table t;
        str_list wanted = {0}, deleted;
        int64_t ignored;

        JSON_EACH_ITEM (i, item, ids)
                LIST_PUSH(ctx->arena, &wanted, str_lower(ctx->arena, json_get_str(item)));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(grid_load(ctx, &tx, workspace_id, table_id, &t));
        TRY(table_rows_added(ctx, &tx, t.id, 0, &ignored)); /* the table's row is locked first */
        TRY(repo_record_delete(ctx, &tx, &t, &wanted, &deleted));
        TRY(table_rows_removed(ctx, &tx, t.id, (int64_t)deleted.len));
        TRY(record_publish_changed(ctx, &tx, &t, "deleted", &deleted, (int64_t)deleted.len));
        *ret_deleted = (int64_t)deleted.len;
        return tx_commit(&tx);
}
