/* From a question to the HTTP request a provider documents. */
#include "features/provider/definition.h"

#include "crypto/crypto.h"
#include "fetch/fetch.h"

#define URL_MAX  8192
#define BODY_MAX (256 << 10)

/* The key sent to the sandbox when the workspace has none of its own. */
#define SANDBOX_KEY STR("millrace-sandbox")

typedef LIST(struct fetch_header) header_list;

static void add_header(struct ctx *ctx, header_list *list, struct str name, struct str value)
{
        LIST_PUSH(ctx->arena, list, ((struct fetch_header){name, value}));
}

/* ---- credential ---- */

static struct str secret_of(const struct json *credential, const char *member)
{
        struct str s = json_member_text(credential, member);

        return s.len ? s : STR_NULL;
}

static enum err secret_needed(struct ctx *ctx, const struct provider_def *def,
                              const struct json *credential, bool sandbox, const char *member,
                              struct str *ret)
{
        *ret = secret_of(credential, member);
        if (!ret->len && sandbox && !credential)
                *ret = SANDBOX_KEY;
        for (size_t i = 0; i < ret->len; i++)
                if ((unsigned char)ret->ptr[i] < 0x20 || ret->ptr[i] == 0x7F)
                        return fail(ctx, ERR_VALIDATION,
                                    "the credential for \"%.*s\" has a control character",
                                    FMT(def->slug));
        if (!ret->len)
                return fail(ctx, ERR_VALIDATION, "the credential for \"%.*s\" has no \"%s\"",
                            FMT(def->slug), member);
        return OK;
}

/* Puts the credential where the definition wants it: a header, or a query parameter in *query. */
static enum err authenticate(struct ctx *ctx, const struct provider_def *def,
                             const struct json *credential, bool sandbox, header_list *headers,
                             struct buf *url)
{
        const struct provider_program *p = def->program;
        struct str key = STR_NULL, user = STR_NULL;

        if (p->auth == AUTH_NONE)
                return OK;
        if (p->auth == AUTH_BASIC) {
                TRY(secret_needed(ctx, def, credential, sandbox, "username", &user));
                TRY(secret_needed(ctx, def, credential, sandbox, "password", &key));
                key = str_printf(ctx->arena, "%.*s:%.*s", FMT(user), FMT(key));
                key = crypto_base64(ctx->arena, key);
                add_header(ctx, headers, STR("Authorization"),
                           str_printf(ctx->arena, "Basic %.*s", FMT(key)));
                return OK;
        }
        TRY(secret_needed(ctx, def, credential, sandbox, "apiKey", &key));
        if (p->auth == AUTH_BEARER) {
                add_header(ctx, headers, STR("Authorization"),
                           str_printf(ctx->arena, "Bearer %.*s", FMT(key)));
        } else if (p->auth == AUTH_HEADER) {
                add_header(ctx, headers, p->auth_name,
                           str_printf(ctx->arena, "%.*s%.*s", FMT(p->auth_prefix), FMT(key)));
        } else {
                buf_add_char(url, str_find_char(buf_str(url), '?') == SIZE_MAX ? '?' : '&');
                percent_encode(url, p->auth_name);
                buf_add_char(url, '=');
                percent_encode(url, p->auth_prefix);
                percent_encode(url, key);
        }
        return OK;
}

/* ---- parameters ---- */

/* The first choice that can be filled, rendered; false when none can: it is left out. */
static bool render_parameter(struct ctx *ctx, const struct parameter *p,
                             const struct provider_inputs *in, struct str *ret)
{
        LIST_EACH (choice, &p->choices) {
                struct buf b;

                if (!template_ready(choice, in))
                        continue;
                buf_init(&b, ctx->arena, URL_MAX);
                template_render(&b, choice, in, ESCAPE_NONE);
                *ret = buf_str(&b);
                return true;
        }
        return false;
}

static void add_query(struct ctx *ctx, const struct provider_program *p,
                      const struct provider_inputs *in, struct buf *url)
{
        char mark = '?';

        LIST_EACH (q, &p->query) {
                struct str value = STR_NULL;

                if (!render_parameter(ctx, q, in, &value))
                        continue;
                buf_add_char(url, mark);
                percent_encode(url, q->name);
                buf_add_char(url, '=');
                percent_encode(url, value);
                mark = '&';
        }
}

static void add_headers(struct ctx *ctx, const struct provider_program *p,
                        const struct provider_inputs *in, header_list *headers)
{
        LIST_EACH (h, &p->headers) {
                struct str value = STR_NULL;
                bool plain = render_parameter(ctx, h, in, &value);

                for (size_t i = 0; i < value.len; i++)
                        plain = plain && (unsigned char)value.ptr[i] >= 0x20;
                if (plain)
                        add_header(ctx, headers, h->name, value);
        }
}

/* ---- body ---- */

/* The body with its strings filled; NULL for a string or container that cannot be: left out. */
static const struct json *fill(struct ctx *ctx, const struct json *v,
                               const struct provider_inputs *in)
{
        struct template t = {0};
        struct json *copy;
        struct buf b;

        if (json_is_string(v)) {
                if (template_compile(ctx, json_get_str(v), &t) != OK || !template_ready(&t, in))
                        return NULL;
                buf_init(&b, ctx->arena, BODY_MAX);
                template_render(&b, &t, in, ESCAPE_NONE);
                return json_from_str(ctx->arena, buf_str(&b));
        }
        if (json_is_object(v)) {
                copy = json_new_object(ctx->arena);
                JSON_EACH_MEMBER (it, v) {
                        const struct json *filled = fill(ctx, it.value, in);

                        if (filled)
                                json_put(copy, it.key, filled);
                }
                return json_len(copy) || !json_len(v) ? copy : NULL;
        }
        if (json_is_array(v)) {
                copy = json_new_array(ctx->arena);
                JSON_EACH_ITEM (i, item, v) {
                        const struct json *filled = fill(ctx, item, in);

                        if (filled)
                                json_push(copy, filled);
                }
                return json_len(copy) || !json_len(v) ? copy : NULL;
        }
        return v;
}

enum err provider_request(struct ctx *ctx, const struct provider_def *def,
                          const struct provider_inputs *inputs, const struct json *credential,
                          struct str base_url, struct str idempotency_key, struct fetch_req *ret)
{
        const struct provider_program *p = def->program;
        const struct json *body;
        header_list headers = {0};
        struct fetch_req req = {0};
        struct buf url;

        if (def->builtin)
                return fail(ctx, ERR_INTERNAL, "\"%.*s\" is a built-in", FMT(def->slug));
        if (!template_ready(&p->path, inputs))
                return fail(ctx, ERR_VALIDATION, "an input of \"%.*s\" is missing", FMT(def->slug));
        buf_init(&url, ctx->arena, URL_MAX);
        buf_add(&url, base_url.len ? base_url : def->base_url);
        template_render(&url, &p->path, inputs, ESCAPE_URL);
        add_query(ctx, p, inputs, &url);
        TRY(authenticate(ctx, def, credential, base_url.len > 0, &headers, &url));
        if (buf_full(&url))
                return fail(ctx, ERR_VALIDATION, "the request of \"%.*s\" is too long",
                            FMT(def->slug));
        add_headers(ctx, p, inputs, &headers);
        if (idempotency_key.len)
                add_header(ctx, &headers, STR("Idempotency-Key"), idempotency_key);
        if (p->body) {
                body = fill(ctx, p->body, inputs);
                req.body = body ? json_text(ctx->arena, body) : STR("{}");
                add_header(ctx, &headers, STR("Content-Type"), STR("application/json"));
        }
        req.method = p->method;
        req.url = buf_str(&url);
        req.headers = headers.ptr;
        req.header_count = headers.len;
        req.timeout_ms = def->timeout_ms;
        req.body_max = PROVIDER_BODY_CAP;
        *ret = req;
        return OK;
}
