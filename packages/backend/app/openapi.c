/* The OpenAPI document from the route tables. See openapi.h. */
#include "app/openapi.h"

#include <string.h>

#define DOCUMENT_MAX ((size_t)16 << 20)

/* "/tables/:tableId" as "/tables/{tableId}" */
static struct str templated(struct arena *a, struct str path)
{
        struct buf b;
        struct str rest = str_slice(path, 1, path.len), segment;

        buf_init(&b, a, path.len * 2 + 16);
        buf_add(&b, STR("/api/v1"));
        while (rest.ptr && str_split(&rest, '/', &segment)) {
                buf_add_char(&b, '/');
                if (segment.len && segment.ptr[0] == ':')
                        buf_printf(&b, "{%.*s}", FMT(str_slice(segment, 1, segment.len)));
                else
                        buf_add(&b, segment);
        }
        return buf_str(&b);
}

static void write_schema(struct json_out *o, const char *key, const struct desc *d)
{
        struct buf b;

        buf_init(&b, NULL, DOCUMENT_MAX);
        desc_schema(&b, d, false);
        out_raw(o, key, buf_str(&b));
        buf_finish(&b);
}

static void write_query(struct json_out *o, const struct desc *query)
{
        struct buf b;
        struct arena tmp;
        struct ctx ctx;
        const struct json *schema;

        arena_init(&tmp, 16 << 20);
        ctx_init(&ctx, &tmp);
        buf_init(&b, &tmp, 1 << 20);
        desc_schema(&b, query, true);
        if (json_parse(&ctx, buf_str(&b), &schema) == OK) {
                JSON_EACH_MEMBER (it, json_member(schema, "properties")) {
                        out_object(o, NULL);
                        out_str(o, "name", it.key);
                        out_c(o, "in", "query");
                        out_bool(o, "required", false);
                        if (json_is_null(json_member(it.value, "type"))) {
                                /* JSON in a query string */
                                out_object(o, "content");
                                out_object(o, "application/json");
                                out_json(o, "schema", it.value);
                                out_end_object(o);
                                out_end_object(o);
                        } else {
                                if (str_eq(json_member_text(it.value, "type"), STR("array"))) {
                                        out_c(o, "style", "form");
                                        out_bool(o, "explode", false);
                                }
                                out_json(o, "schema", it.value);
                        }
                        out_end_object(o);
                }
        }
        arena_finish(&tmp);
}

static void write_parameters(struct json_out *o, const struct compiled_route *c)
{
        out_array(o, "parameters");
        LIST_EACH (p, &c->params) {
                bool uuid = str_eq(*p, STR("id")) || str_ends(*p, STR("Id"));

                out_object(o, NULL);
                out_str(o, "name", *p);
                out_c(o, "in", "path");
                out_bool(o, "required", true);
                out_raw(o, "schema",
                        uuid ? STR("{\"type\":\"string\",\"format\":\"uuid\"}")
                             : STR("{\"type\":\"string\",\"minLength\":1}"));
                out_end_object(o);
        }
        if (c->route->query)
                write_query(o, c->route->query);
        if (c->route->method == HTTP_POST) {
                out_raw(o, NULL, STR("{\"$ref\":\"#/components/parameters/IdempotencyKey\"}"));
        }
        out_end_array(o);
}

static void write_body(struct json_out *o, const struct compiled_route *c)
{
        struct arena tmp;

        arena_init(&tmp, 16 << 20);
        struct str schema = route_body_schema(&tmp, c->route);

        if (c->route->flags & ROUTE_MULTIPART) {
                out_raw(o, "requestBody",
                        STR("{\"required\":true,\"content\":{\"multipart/form-data\":{\"schema\":"
                            "{\"type\":\"object\",\"required\":[\"file\"],\"properties\":{"
                            "\"file\":{\"type\":\"string\",\"contentMediaType\":\"text/csv\"},"
                            "\"options\":{\"type\":\"string\"}}}}}}"));
        } else if (schema.ptr) {
                out_object(o, "requestBody");
                out_bool(o, "required", true);
                out_object(o, "content");
                out_object(o, "application/json");
                out_raw(o, "schema", schema);
                out_end_object(o);
                out_end_object(o);
                out_end_object(o);
        }
        arena_finish(&tmp);
}

static void write_data_schema(struct json_out *o, const struct route *r)
{
        if (r->list && r->reply) {
                out_object(o, "data");
                out_c(o, "type", "array");
                write_schema(o, "items", r->reply);
                out_end_object(o);
        } else if (r->reply) {
                write_schema(o, "data", r->reply);
        } else {
                out_raw(o, "data", r->reply_schema ? str_from(r->reply_schema) : STR("{}"));
        }
}

static void write_success(struct json_out *o, const struct route *r)
{
        char status[8] = "200";

        if (r->status)
                memcpy(status,
                       r->status == 201   ? "201"
                       : r->status == 202 ? "202"
                       : r->status == 204 ? "204"
                                          : "200",
                       4);
        out_object(o, status);
        out_c(o, "description", "Success");
        out_object(o, "content");
        if (r->media) {
                out_raw(o, r->media, STR("{\"schema\":{\"type\":\"string\"}}"));
        } else {
                out_object(o, "application/json");
                out_object(o, "schema");
                out_c(o, "type", "object");
                out_raw(o, "required", STR("[\"success\",\"data\",\"error\",\"meta\"]"));
                out_object(o, "properties");
                out_raw(o, "success", STR("{\"const\":true}"));
                write_data_schema(o, r);
                out_raw(o, "error", STR("{\"type\":\"null\"}"));
                out_raw(o, "meta",
                        r->list ? STR("{\"$ref\":\"#/components/schemas/PageMeta\"}")
                                : STR("{\"type\":[\"object\",\"null\"]}"));
                out_end_object(o);
                out_end_object(o);
                out_end_object(o);
        }
        out_end_object(o);
        out_end_object(o);
}

static struct str operation_id(struct arena *a, const struct compiled_route *c)
{
        struct buf b;
        bool upper = true;

        buf_init(&b, a, 400);
        buf_add(&b, str_lower(a, str_from(http_method_name(c->route->method))));
        for (size_t i = 0; i < c->path.len; i++) {
                char ch = c->path.ptr[i];

                if (ch == '/' || ch == ':' || ch == '-' || ch == '.') {
                        upper = true;
                        continue;
                }
                buf_add_char(&b, upper && ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch);
                upper = false;
        }
        return buf_str(&b);
}

static void write_operation(struct arena *a, struct json_out *o, const struct compiled_route *c)
{
        const struct route *r = c->route;

        out_object(o, str_lower(a, str_from(http_method_name(r->method))).ptr);
        out_str(o, "operationId", operation_id(a, c));
        out_c(o, "summary", r->summary ? r->summary : "");
        out_array(o, "tags");
        out_c(o, NULL, c->router->tag);
        out_end_array(o);
        out_c(o, "x-least-role", role_name(r->role));
        if (r->role == ROLE_PUBLIC)
                out_raw(o, "security", STR("[]"));
        else if (r->role == ROLE_SERVICE)
                out_raw(o, "security", STR("[{\"serviceKey\":[]}]"));
        write_parameters(o, c);
        write_body(o, c);
        out_object(o, "responses");
        write_success(o, r);
        out_raw(o, "default", STR("{\"$ref\":\"#/components/responses/Error\"}"));
        out_end_object(o);
        out_end_object(o);
}

static const char components[] =
        "{\"securitySchemes\":{"
        "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
        "\"serviceKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Service-Key\"}},"
        "\"parameters\":{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
        "\"required\":false,\"description\":\"The same key and body within 24 h gives the stored "
        "answer.\",\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}},"
        "\"schemas\":{"
        "\"PageMeta\":{\"type\":\"object\",\"required\":[\"limit\",\"nextCursor\"],\"properties\":{"
        "\"limit\":{\"type\":\"integer\"},\"nextCursor\":{\"type\":[\"string\",\"null\"]},"
        "\"total\":{\"type\":\"integer\"},\"totalIsEstimate\":{\"type\":\"boolean\"}}},"
        "\"Error\":{\"type\":\"object\",\"required\":[\"success\",\"data\",\"error\",\"meta\"],"
        "\"properties\":{\"success\":{\"const\":false},\"data\":{\"type\":\"null\"},"
        "\"error\":{\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{"
        "\"code\":{\"enum\":["
        "\"VALIDATION_ERROR\",\"AUTHENTICATION_ERROR\",\"INSUFFICIENT_CREDITS\","
        "\"AUTHORIZATION_ERROR\",\"NOT_FOUND\",\"CONFLICT\",\"PAYLOAD_TOO_LARGE\","
        "\"UNSUPPORTED_MEDIA_TYPE\",\"RATE_LIMITED\",\"INTERNAL_ERROR\",\"DEPENDENCY_UNAVAILABLE\"]"
        "},"
        "\"message\":{\"type\":\"string\"},\"details\":{\"type\":\"array\",\"items\":{"
        "\"type\":\"object\",\"required\":[\"path\",\"rule\",\"message\"],\"properties\":{"
        "\"path\":{\"type\":\"string\"},\"rule\":{\"type\":\"string\"},"
        "\"message\":{\"type\":\"string\"}}}}}},\"meta\":{\"type\":[\"object\",\"null\"]}}}},"
        "\"responses\":{\"Error\":{\"description\":\"Failure: the envelope with an error\","
        "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
        "Error\"}}}}}}";

static void write_paths(struct arena *a, struct json_out *o, const compiled_routes *all)
{
        out_object(o, "paths");
        for (size_t i = 0; i < all->len; i++) {
                struct str path = all->ptr[i]->path;
                bool seen = false, listed = false;

                for (size_t k = 0; k < all->len; k++)
                        if (str_eq(all->ptr[k]->path, path)) {
                                seen |= k < i;
                                listed |= !(all->ptr[k]->route->flags & ROUTE_UNLISTED);
                        }
                if (seen || !listed)
                        continue;
                out_object(o, str_to_c(a, templated(a, path)));
                for (size_t k = i; k < all->len; k++)
                        if (str_eq(all->ptr[k]->path, path) &&
                            !(all->ptr[k]->route->flags & ROUTE_UNLISTED))
                                write_operation(a, o, all->ptr[k]);
                out_end_object(o);
        }
        out_end_object(o);
}

static void html_escape(struct buf *b, struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                switch (s.ptr[i]) {
                case '<': buf_add(b, STR("&lt;")); break;
                case '&': buf_add(b, STR("&amp;")); break;
                case '"': buf_add(b, STR("&quot;")); break;
                default: buf_add_char(b, s.ptr[i]);
                }
        }
}

static void write_html(struct arena *a, struct buf *b, const compiled_routes *all)
{
        const char *tag = "";

        buf_add(b,
                STR("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width\">"
                    "<title>Millrace API</title><style>"
                    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
                    "padding:0 1rem;color:#1c2430}table{border-collapse:collapse;width:100%}"
                    "td{padding:.35rem .6rem;border-bottom:1px solid #e3e7ee;vertical-align:top}"
                    "code{font:14px ui-monospace,monospace}b{display:inline-block;min-width:4.5rem}"
                    "</style><h1>Millrace API</h1><p>Everything is JSON in one envelope: "
                    "<code>{ success, data, error, meta }</code>. The machine-readable contract "
                    "is <a href=\"/api/v1/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>"));
        for (size_t i = 0; i < all->len; i++) {
                const struct compiled_route *c = all->ptr[i];

                if (c->route->flags & ROUTE_UNLISTED)
                        continue;
                if (strcmp(tag, c->router->tag) != 0) {
                        buf_printf(b, "%s<h2>%s</h2><table>", tag[0] ? "</table>" : "",
                                   c->router->tag);
                        tag = c->router->tag;
                }
                buf_printf(b, "<tr><td><b>%s</b><code>", http_method_name(c->route->method));
                html_escape(b, templated(a, c->path));
                buf_add(b, STR("</code></td><td>"));
                html_escape(b, str_from(c->route->summary ? c->route->summary : ""));
                buf_printf(b, "</td><td>%s</td></tr>", role_name(c->route->role));
        }
        buf_add(b, STR("</table></html>\n"));
}

void openapi_write(struct arena *a, const struct route_tree *routes, struct str *ret_json,
                   struct str *ret_html)
{
        const compiled_routes *all = router_all(routes);
        struct buf json, html;
        struct json_out o = {.buf = &json};

        buf_init(&json, a, DOCUMENT_MAX);
        out_object(&o, NULL);
        out_c(&o, "openapi", "3.1.0");
        out_raw(&o, "info",
                STR("{\"title\":\"Millrace\",\"version\":\"1\",\"license\":{\"name\":\"Apache-2."
                    "0\","
                    "\"identifier\":\"Apache-2.0\"},\"description\":\"Self-hosted data "
                    "enrichment.\"}"));
        out_raw(&o, "servers", STR("[{\"url\":\"/\"}]"));
        out_raw(&o, "security", STR("[{\"bearer\":[]}]"));
        write_paths(a, &o, all);
        out_raw(&o, "components", (struct str){components, sizeof components - 1});
        out_end_object(&o);
        buf_init(&html, a, DOCUMENT_MAX);
        write_html(a, &html, all);
        *ret_json = buf_str(&json);
        *ret_html = buf_str(&html);
}
