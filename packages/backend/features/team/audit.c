/* The audit log and the activity feed that is cut from it. See team.h. */
#include "features/team/team.h"

#include <string.h>
#include "csv/write.h"
#include "log/log.h"
#include "team_sql.h"

#define CSV_PAGE 1000
#define CSV_ROOM (64 << 20) /* of one page as text */

static const struct desc_field audit_fields[] = {
        DESC_F(audit_entry, id, "id", DESC_UUID),
        DESC_F(audit_entry, action, "action", DESC_STR),
        DESC_F(audit_entry, entity_type, "entityType", DESC_STR),
        DESC_F(audit_entry, entity_id, "entityId", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, user_id, "userId", DESC_UUID, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, user_name, "userName", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, user_email, "userEmail", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, details, "details", DESC_JSON, .schema = "\"type\":\"object\""),
        DESC_F(audit_entry, ip, "ip", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, request_id, "requestId", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, created_at, "createdAt", DESC_TIME),
        {0},
};
const struct desc audit_desc = DESC("AuditEntry", audit_entry, audit_fields);

static const struct desc_field activity_fields[] = {
        DESC_F(audit_entry, id, "id", DESC_UUID),
        DESC_F(audit_entry, action, "action", DESC_STR),
        DESC_F(audit_entry, entity_type, "entityType", DESC_STR),
        DESC_F(audit_entry, entity_id, "entityId", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, user_id, "userId", DESC_UUID, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, user_name, "userName", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(audit_entry, details, "details", DESC_JSON, .schema = "\"type\":\"object\""),
        DESC_F(audit_entry, created_at, "createdAt", DESC_TIME),
        {0},
};
const struct desc activity_desc = DESC("Activity", audit_entry, activity_fields);

static enum err query(struct ctx *ctx, struct str workspace_id, const struct audit_filter *f,
                      struct str before_seq, int64_t limit, struct db_result *ret)
{
        return keyset_fault(
                ctx, db_query(ctx, ctx->app->db, &sql_audit_list,
                              PARAMS(p_str(workspace_id), p_str(before_seq), p_str(f->user_id),
                                     p_str(f->action), p_str(f->entity_type), p_str(f->from),
                                     p_str(f->to), p_bool(f->feed), p_i64(ctx, limit)),
                              ret));
}

enum err audit_list_of(struct ctx *ctx, struct str workspace_id, const struct audit_filter *f,
                       const struct keyset *k, audit_list *ret, struct page *ret_page)
{
        struct db_result r;

        TRY(query(ctx, workspace_id, f, k->at, keyset_fetch(k), &r));
        keyset_page(ctx, k, &r, "seq", "id", ret_page);
        desc_from_rows(ctx, &audit_desc, &r, ret);
        return OK;
}

struct audit_csv {
        struct arena arena; /* of the whole export */
        struct app *app;
        struct str workspace_id, request_id;
        struct audit_filter filter;
        struct str before_seq; /* of the last row written; STR_NULL at the start */
        struct buf out;
        size_t sent;
        bool end;
};

static void write_header(struct csv_writer *w)
{
        static const char *const names[] = {"time",      "action", "entity type",
                                            "entity id", "user",   "user email",
                                            "details",   "ip",     "request"};

        for (size_t i = 0; i < ELEMENTS(names); i++)
                csv_write_cell(w, str_from(names[i]));
        csv_write_end(w);
}

static void write_row(struct ctx *ctx, struct csv_writer *w, const struct db_result *r, int row)
{
        static const char *const columns[] = {"action",    "entity_type", "entity_id",
                                              "user_name", "user_email",  "details",
                                              "ip",        "request_id"};

        csv_write_cell(w, desc_time(ctx->arena, db_text(r, row, db_column(r, "created_at"))));
        for (size_t i = 0; i < ELEMENTS(columns); i++)
                csv_write_cell(w, db_text(r, row, db_column(r, columns[i])));
        csv_write_end(w);
}

/* The next page into the buffer; `ctx` is of this page only. */
static enum err fill(struct ctx *ctx, struct audit_csv *s)
{
        struct csv_writer w = {.out = &s->out, .crlf = true, .formula_safe = true};
        struct db_result r;

        TRY(query(ctx, s->workspace_id, &s->filter, s->before_seq, CSV_PAGE, &r));
        buf_reset(&s->out);
        s->sent = 0;
        if (!s->before_seq.ptr)
                write_header(&w);
        for (int i = 0; i < r.rows; i++)
                write_row(ctx, &w, &r, i);
        s->end = r.rows < CSV_PAGE;
        if (r.rows) {
                struct str seq = db_text(&r, r.rows - 1, db_column(&r, "seq"));

                s->before_seq = str_dup(&s->arena, seq);
        }
        if (buf_full(&s->out))
                return fail(ctx, ERR_INTERNAL, "a page of the audit log is too large");
        return OK;
}

static enum err fill_page(struct audit_csv *s, struct ctx *caller)
{
        struct arena arena;
        struct ctx ctx;

        arena_init(&arena, 256 << 20);
        ctx_init(&ctx, &arena);
        ctx.app = s->app;
        ctx.request_id = s->request_id;
        ctx.deadline_ns = time_mono_ns() + 30 * NS_PER_S;
        enum err e = fill(&ctx, s);

        if (e != OK && caller)
                e = fail(caller, e, "%.*s", FMT(ctx.message));
        else if (e != OK)
                log_error("an audit export broke off", LOG_STR("requestId", s->request_id),
                          LOG_STR("error", ctx.message));
        arena_finish(&arena);
        return e;
}

enum err audit_csv_open(struct ctx *ctx, struct str workspace_id, const struct audit_filter *f,
                        struct audit_csv **ret)
{
        struct audit_csv *s = mem_alloc(sizeof *s);
        struct arena *a = &s->arena;

        arena_init(a, 64 << 20);
        s->app = ctx->app;
        s->workspace_id = str_dup(a, workspace_id);
        s->request_id = str_dup(a, ctx->request_id);
        s->filter = *f;
        struct str *texts[] = {&s->filter.user_id, &s->filter.action, &s->filter.entity_type,
                               &s->filter.from, &s->filter.to};

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                if (texts[i]->ptr)
                        *texts[i] = str_dup(a, *texts[i]);
        buf_init(&s->out, NULL, CSV_ROOM);
        enum err e = fill_page(s, ctx); /* so that what can fail does before the answer begins */

        if (e != OK) {
                audit_csv_close(s);
                return e;
        }
        *ret = s;
        return OK;
}

int64_t audit_csv_read(void *csv, char *out, size_t max)
{
        struct audit_csv *s = csv;

        if (s->sent == s->out.len && !s->end && fill_page(s, NULL) != OK)
                return -1;
        size_t n = MIN_OF(max, s->out.len - s->sent);

        if (n)
                memcpy(out, s->out.ptr + s->sent, n);
        s->sent += n;
        return (int64_t)n;
}

void audit_csv_close(void *csv)
{
        struct audit_csv *s = csv;

        if (!s)
                return;
        buf_finish(&s->out);
        arena_finish(&s->arena);
        mem_free(s);
}
