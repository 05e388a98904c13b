/* Telling who watches a table which records changed. See record.h. */
#include "features/event/event.h"
#include "features/record/repo.h"

#define EVENT_BYTES ((size_t)8 << 20)

static enum err publish_rows(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                             const struct record_rows *r)
{
        str_list events = {0};

        for (int i = 0; i < r->rows.rows; i++) {
                struct buf b;
                struct json_out o = {.buf = &b};

                buf_init(&b, ctx->arena, EVENT_BYTES);
                out_object(&o, NULL);
                out_str(&o, "recordId", db_text(&r->rows, i, 0));
                record_write_members(ctx, &o, t, r, i);
                out_end_object(&o);
                if (buf_full(&b)) /* too fat to send: the browser fetches it */
                        return record_publish_changed(ctx, tx, t, "updated", NULL, r->rows.rows);
                LIST_PUSH(ctx->arena, &events, buf_str(&b));
        }
        return event_publish_all(ctx, tx, t->id, EVENT_RECORD_UPDATED, &events);
}

enum err record_publish(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                        const str_list *record_ids)
{
        struct record_rows r;

        if (record_ids->len == 0)
                return OK;
        if (record_ids->len > RECORD_EVENT_WHOLE)
                return record_publish_changed(ctx, tx, t, "updated", record_ids,
                                              (int64_t)record_ids->len);
        TRY(repo_record_read(ctx, tx, t, record_ids, &r));
        return publish_rows(ctx, tx, t, &r);
}

enum err record_publish_changed(struct ctx *ctx, struct tx *tx, const struct grid_table *t,
                                const char *kind, const str_list *ids, int64_t count)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        if (count == 0)
                return OK;
        buf_init(&b, ctx->arena, 256 << 10);
        out_object(&o, NULL);
        out_c(&o, "kind", kind);
        out_i64(&o, "count", count);
        if (ids && ids->len <= RECORD_EVENT_IDS) {
                out_array(&o, "ids");
                LIST_EACH (id, ids)
                        out_str(&o, NULL, *id);
                out_end_array(&o);
        }
        out_end_object(&o);
        return event_publish(ctx, tx, t->id, EVENT_RECORDS_CHANGED, buf_str(&b));
}
