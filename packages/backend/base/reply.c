/* Request decoding, the envelope, list cursors and the audit entry: what every handler uses. */
#include "base/route.h"

#include "base_sql.h"
#include "crypto/crypto.h"

enum err req_decode(struct ctx *ctx, const struct req *req, const struct desc *d, void *ret)
{
        desc_decode(ctx->arena, d, req->json, ret);
        return OK;
}

enum err req_decode_query(struct ctx *ctx, const struct req *req, const struct desc *d, void *ret)
{
        desc_decode(ctx->arena, d, req->query_json, ret);
        return OK;
}

void reply_begin(struct reply *out, int status, struct json_out *ret)
{
        out->status = status;
        out->content_type = STR("application/json; charset=utf-8");
        buf_reset(&out->body);
        *ret = (struct json_out){.buf = &out->body};
        out_object(ret, NULL);
        out_bool(ret, "success", true);
}

static void write_meta(struct json_out *o, const struct page *page)
{
        if (!page) {
                out_null(o, "meta");
                return;
        }
        out_object(o, "meta");
        out_i64(o, "limit", page->limit);
        out_str(o, "nextCursor", page->next_cursor);
        if (page->total >= 0) {
                out_i64(o, "total", page->total);
                out_bool(o, "totalIsEstimate", page->total_is_estimate);
        }
        out_end_object(o);
}

enum err reply_end(struct ctx *ctx, struct reply *out, struct json_out *o,
                   const struct page *page_or_null)
{
        out_null(o, "error");
        write_meta(o, page_or_null);
        out_end_object(o);
        if (buf_full(&out->body))
                return fail(ctx, ERR_INTERNAL, "the answer is too large");
        return OK;
}

enum err reply_json(struct ctx *ctx, struct reply *out, int status, const struct desc *d,
                    const void *value)
{
        struct json_out o;

        reply_begin(out, status, &o);
        if (d && value)
                desc_write(&o, "data", d, value);
        else
                out_null(&o, "data");
        return reply_end(ctx, out, &o, NULL);
}

enum err reply_list(struct ctx *ctx, struct reply *out, const struct desc *d, const void *list,
                    const struct page *page)
{
        const LIST(char) *l = list;
        struct json_out o;

        reply_begin(out, 200, &o);
        out_array(&o, "data");
        for (size_t i = 0; i < l->len; i++)
                desc_write(&o, NULL, d, l->ptr + i * d->size);
        out_end_array(&o);
        return reply_end(ctx, out, &o, page);
}

void reply_stream(struct reply *out, int status, const char *content_type, http_read_fn *read,
                  void (*close)(void *), void *state)
{
        out->status = status;
        out->content_type = str_from(content_type);
        out->read = read;
        out->read_close = close;
        out->read_state = state;
}

void reply_text(struct reply *out, int status, const char *content_type, struct str text)
{
        out->status = status;
        out->content_type = str_from(content_type);
        buf_reset(&out->body);
        buf_add(&out->body, text);
}

struct str cursor_encode(struct ctx *ctx, struct str a, struct str b)
{
        struct str plain = str_printf(ctx->arena, "%.*s\n%.*s", FMT(a), FMT(b));

        return crypto_base64url(ctx->arena, plain);
}

enum err cursor_decode(struct ctx *ctx, struct str cursor, struct str *ret_a, struct str *ret_b)
{
        struct str plain, a;

        if (!crypto_base64url_decode(ctx->arena, cursor, &plain) ||
            str_find_char(plain, '\n') == SIZE_MAX) {
                ctx_fault(ctx, STR("/query/cursor"), "cursor", "is not a cursor of this list");
                return fail(ctx, ERR_VALIDATION, "the cursor is not one of this list");
        }
        str_split(&plain, '\n', &a);
        *ret_a = a;
        *ret_b = plain;
        return OK;
}

static const struct desc_field list_query_fields[] = {
        DESC_F(list_query, limit, "limit", DESC_I64, .flags = DESC_OPTIONAL,
               .schema = "\"minimum\":1,\"maximum\":1000", DESC_HAS(list_query, has_limit)),
        DESC_F(list_query, cursor, "cursor", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":2000"),
        {0},
};
const struct desc list_query_desc = DESC("ListQuery", list_query, list_query_fields);

enum err fail_not_found(struct ctx *ctx, const char *what)
{
        return fail(ctx, ERR_NOT_FOUND, "%s not found", what);
}

enum err audit_write(struct ctx *ctx, struct tx *tx, struct str workspace_id, const char *action,
                     const char *entity_type, struct str entity_id, struct str details_json)
{
        const struct actor *a = ctx->actor;

        return tx_exec(tx, &sql_audit_insert,
                       PARAMS(p_str(workspace_id), p_str(a ? a->user_id : STR_NULL), p_c(action),
                              p_c(entity_type), p_str(entity_id), p_str(details_json),
                              p_str(a ? a->ip : STR_NULL), p_str(ctx->request_id)),
                       NULL);
}
