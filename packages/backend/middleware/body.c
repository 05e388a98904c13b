/* bodyParser: JSON body and query string against the route's schemas, every fault at once. */
#include "middleware/call.h"

#include "schema/schema.h"

static enum err parse_body(struct call *c)
{
        struct req *req = c->req;

        if (!c->route->body) {
                if (req->body.len && !str_eq(str_trim(req->body), STR("{}")))
                        return fail(c->ctx, ERR_VALIDATION, "this request takes no body");
                return OK;
        }
        if (!str_eq(req->content_type, STR("application/json")))
                return fail(c->ctx, ERR_MEDIA_TYPE, "the body must be application/json");
        enum err e = json_parse(c->ctx, req->body, &req->json);

        if (e != OK) {
                ctx_fault(c->ctx, STR(""), "json", "%.*s", FMT(c->ctx->message));
                return fail(c->ctx, ERR_VALIDATION, "the body is not valid JSON");
        }
        return schema_validate(c->ctx, c->route->body, req->json, STR(""));
}

/* A query value as the JSON its field asks for; what does not parse stays text for the schema. */
static const struct json *typed(struct ctx *ctx, const struct desc_field *f, struct str value)
{
        const struct json *parsed = NULL;
        int64_t i;
        double d;

        switch (f ? f->type : DESC_STR) {
        case DESC_I64:
                if (str_to_i64(value, &i))
                        return json_from_i64(ctx->arena, i);
                break;
        case DESC_DOUBLE:
                if (str_to_double(value, &d))
                        return json_from_double(ctx->arena, d);
                break;
        case DESC_BOOL:
                if (str_eq(value, STR("true")) || str_eq(value, STR("1")))
                        return json_from_bool(ctx->arena, true);
                if (str_eq(value, STR("false")) || str_eq(value, STR("0")))
                        return json_from_bool(ctx->arena, false);
                break;
        case DESC_LIST_STR: {
                struct json *list = json_new_array(ctx->arena);
                struct str rest = value, item;

                while (rest.ptr && str_split(&rest, ',', &item))
                        if (item.len)
                                json_push(list, json_from_str(ctx->arena, item));
                return list;
        }
        case DESC_JSON:
                if (json_parse(ctx, value, &parsed) == OK)
                        return parsed;
                ctx_fault(ctx, str_printf(ctx->arena, "/query/%s", f->name), "json", "%.*s",
                          FMT(ctx->message));
                return NULL;
        default: break;
        }
        return json_from_str(ctx->arena, value);
}

static const struct desc_field *field_named(const struct desc *d, struct str name)
{
        for (const struct desc_field *f = d->fields; f->name; f++)
                if (str_eq_c(name, f->name))
                        return f;
        return NULL;
}

static enum err parse_query(struct call *c)
{
        struct ctx *ctx = c->ctx;
        struct json *object = json_new_object(ctx->arena);
        const struct desc *d = c->route->route->query;
        size_t faults = ctx->faults.len;

        LIST_EACH (p, &c->req->query) {
                const struct json *v = typed(ctx, d ? field_named(d, p->name) : NULL, p->value);

                if (!d)
                        ctx_fault(ctx, str_printf(ctx->arena, "/query/%.*s", FMT(p->name)),
                                  "additionalProperties", "unknown parameter \"%.*s\"",
                                  FMT(p->name));
                else if (v)
                        json_put(object, p->name, v);
        }
        c->req->query_json = object;
        if (ctx->faults.len > faults)
                return fail(ctx, ERR_VALIDATION, "the query is not valid");
        return d ? schema_validate(ctx, c->route->query, object, STR("/query")) : OK;
}

enum err mw_body(struct call *c)
{
        unsigned flags = c->route->route->flags;
        enum err query = parse_query(c), body = OK;

        if (c->ctx->err && query == OK) /* the server refused the body: too large, malformed */
                return c->ctx->err;
        if (flags & ROUTE_MULTIPART) {
                if (!str_eq(c->req->content_type, STR("multipart/form-data")))
                        return fail(c->ctx, ERR_MEDIA_TYPE, "the body must be multipart/form-data");
        } else if (!(flags & ROUTE_RAW_BODY)) {
                body = parse_body(c);
        }
        if (body == ERR_VALIDATION || (body == OK && query != OK))
                return fail(c->ctx, ERR_VALIDATION, "the request is not valid: %zu fault%s",
                            MAX_OF(c->ctx->faults.len, (size_t)1),
                            c->ctx->faults.len > 1 ? "s" : "");
        return body;
}
