/* From the JSON of a definition to a struct provider_def, with every fault named. */
#include "features/provider/definition.h"

#include <string.h>
#include "crypto/crypto.h"
#include "features/provider/files.h"

/* ---- the format's own schema, compiled once for each compilation ---- */

static void close_schema(void *schema)
{
        schema_close(schema);
}

static enum err check_format(struct ctx *ctx, const struct json *doc)
{
        struct str text = embedded_text(provider_files, "provider.schema.json");
        struct schema *schema = NULL;
        enum err e;

        TRY(schema_compile_text(ctx, text, &schema));
        e = schema_validate(ctx, schema, doc, STR(""));
        schema_close(schema);
        return e;
}

/* ---- pieces ---- */

static void copy_strings(struct ctx *ctx, const struct json *array, str_list *ret)
{
        JSON_EACH_ITEM (i, item, array)
                LIST_PUSH(ctx->arena, ret, str_dup(ctx->arena, json_get_str(item)));
}

static struct str text_of(struct ctx *ctx, const struct json *object, const char *key)
{
        return str_dup(ctx->arena, json_member_text(object, key));
}

static void read_statuses(struct ctx *ctx, const struct json *array, const int *otherwise,
                          status_list *ret)
{
        JSON_EACH_ITEM (i, item, array)
                LIST_PUSH(ctx->arena, ret, (int)json_get_i64(item, 0));
        for (; !array && *otherwise; otherwise++)
                LIST_PUSH(ctx->arena, ret, *otherwise);
}

static enum provider_outcome outcome_of(struct str word)
{
        if (str_eq(word, STR("auth")))
                return PROVIDER_AUTH;
        if (str_eq(word, STR("retry")))
                return PROVIDER_RETRY;
        if (str_eq(word, STR("rate_limited")))
                return PROVIDER_RATE_LIMITED;
        if (str_eq(word, STR("miss")))
                return PROVIDER_MISS;
        return PROVIDER_PERMANENT;
}

static struct condition read_condition(struct ctx *ctx, const struct json *item)
{
        struct condition c = {.pointer = text_of(ctx, item, "pointer"),
                              .contains = text_of(ctx, item, "contains"),
                              .outcome = outcome_of(json_member_text(item, "outcome"))};

        copy_strings(ctx, json_member(item, "in"), &c.in);
        return c;
}

static enum transform read_transform(struct str word)
{
        static const char *const names[] = {
#define TRANSFORM(name) #name,
#include "features/provider/transform.def"
#undef TRANSFORM
        };

        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq_c(word, names[i]))
                        return (enum transform)i;
        return TRANSFORM_none;
}

static struct extract read_extract(struct ctx *ctx, const struct json *v)
{
        struct extract e = {0};

        if (json_is_string(v)) {
                LIST_PUSH(ctx->arena, &e.pointers, str_dup(ctx->arena, json_get_str(v)));
                return e;
        }
        if (json_member(v, "pointer"))
                LIST_PUSH(ctx->arena, &e.pointers, text_of(ctx, v, "pointer"));
        copy_strings(ctx, json_member(v, "pointers"), &e.pointers);
        e.transform = read_transform(json_member_text(v, "transform"));
        e.prefix = text_of(ctx, v, "prefix");
        e.values = json_member(v, "values");
        return e;
}

/* ---- request ---- */

/* Notes the keys a template uses that are not declared as inputs. */
static void check_keys(struct ctx *ctx, const struct provider_def *def, const struct template *t,
                       struct str path)
{
        LIST_EACH (part, &t->parts)
                if (part->is_key && !provider_takes(def, part->text))
                        ctx_fault(ctx, path, "template", "{{%.*s}} is not among the inputs",
                                  FMT(part->text));
}

static void read_template(struct ctx *ctx, const struct provider_def *def, struct str text,
                          struct str path, struct template *ret)
{
        if (template_compile(ctx, text, ret) != OK) {
                ctx_fault(ctx, path, "template", "%.*s", FMT(ctx->message));
                return;
        }
        check_keys(ctx, def, ret, path);
}

/* Query and headers: name -> template or list of templates. */
static void read_parameter(struct ctx *ctx, const struct provider_def *def, struct str name,
                           const struct json *value, struct str path, struct parameter *ret)
{
        ret->name = str_dup(ctx->arena, name);
        if (json_is_string(value))
                read_template(ctx, def, json_get_str(value), path,
                              LIST_ADD(ctx->arena, &ret->choices));
        JSON_EACH_ITEM (i, item, value)
                read_template(ctx, def, json_get_str(item), path,
                              LIST_ADD(ctx->arena, &ret->choices));
}

/* The body stays JSON; its strings are compiled once here only to find mistakes. */
static void check_body(struct ctx *ctx, const struct provider_def *def, const struct json *v,
                       struct str path)
{
        struct template t = {0};

        if (json_is_string(v))
                read_template(ctx, def, json_get_str(v), path, &t);
        JSON_EACH_ITEM (i, item, v)
                check_body(ctx, def, item, str_printf(ctx->arena, "%.*s/%zu", FMT(path), i));
        JSON_EACH_MEMBER (it, v)
                check_body(ctx, def, it.value,
                           str_printf(ctx->arena, "%.*s/%.*s", FMT(path), FMT(it.key)));
}

/* A path has no optional parts: each key it uses must be required. */
static void check_path(struct ctx *ctx, const struct provider_def *def, const struct template *t)
{
        LIST_EACH (part, &t->parts) {
                bool required = !part->is_key;

                LIST_EACH (in, &def->inputs)
                        required = required || (in->required && str_eq(in->key, part->text));
                if (!required)
                        ctx_fault(ctx, STR("/request/path"), "template",
                                  "{{%.*s}} must be a required input to stand in the path",
                                  FMT(part->text));
        }
}

static void read_request(struct ctx *ctx, const struct provider_def *def, const struct json *doc,
                         struct provider_program *p)
{
        const struct json *request = json_member(doc, "request"), *auth = json_member(doc, "auth");
        struct str type = json_member_text(auth, "type");

        p->auth = str_eq(type, STR("header"))   ? AUTH_HEADER
                  : str_eq(type, STR("query"))  ? AUTH_QUERY
                  : str_eq(type, STR("bearer")) ? AUTH_BEARER
                  : str_eq(type, STR("basic"))  ? AUTH_BASIC
                                                : AUTH_NONE;
        p->auth_name = text_of(ctx, auth, "name");
        p->auth_prefix = text_of(ctx, auth, "prefix");
        if ((p->auth == AUTH_HEADER || p->auth == AUTH_QUERY) && !p->auth_name.len)
                ctx_fault(ctx, STR("/auth/name"), "required", "auth by %.*s needs a name",
                          FMT(type));

        p->method = text_of(ctx, request, "method");
        read_template(ctx, def, json_member_text(request, "path"), STR("/request/path"), &p->path);
        check_path(ctx, def, &p->path);
        JSON_EACH_MEMBER (it, json_member(request, "query"))
                read_parameter(ctx, def, it.key, it.value, STR("/request/query"),
                               LIST_ADD(ctx->arena, &p->query));
        JSON_EACH_MEMBER (it, json_member(request, "headers"))
                read_parameter(ctx, def, it.key, it.value, STR("/request/headers"),
                               LIST_ADD(ctx->arena, &p->headers));
        p->body = json_member(request, "body");
        if (p->body)
                check_body(ctx, def, p->body, STR("/request/body"));
}

/* ---- response ---- */

static void read_map(struct ctx *ctx, const struct provider_def *def, const struct json *map,
                     struct provider_program *p)
{
        JSON_EACH_MEMBER (it, map) {
                struct mapped *m = LIST_ADD(ctx->arena, &p->map);

                m->field = field_find(it.key);
                m->extract = read_extract(ctx, it.value);
                if (!m->field)
                        ctx_fault(ctx, str_printf(ctx->arena, "/response/map/%.*s", FMT(it.key)),
                                  "vocabulary", "\"%.*s\" is no known field", FMT(it.key));
                else if (!provider_gives(def, it.key))
                        ctx_fault(ctx, str_printf(ctx->arena, "/response/map/%.*s", FMT(it.key)),
                                  "outputs", "\"%.*s\" is not among the outputs", FMT(it.key));
        }
        LIST_EACH (out, &def->outputs)
                if (!json_member_str(map, *out))
                        ctx_fault(ctx, STR("/outputs"), "map", "\"%.*s\" is not mapped", FMT(*out));
}

static void read_confidence(struct ctx *ctx, const struct json *c, struct provider_program *p)
{
        p->confidence_pointer = text_of(ctx, c, "pointer");
        p->confidence_scale = json_get_double(json_member(c, "scale"), 1);
        p->confidence_constant = json_get_double(json_member(c, "constant"),
                                                 json_get_double(json_member(c, "otherwise"), 0.5));
        p->confidence_values = json_member(c, "values");
}

static void read_response(struct ctx *ctx, const struct provider_def *def, const struct json *doc,
                          struct provider_program *p)
{
        static const int hit[] = {200, 0}, miss[] = {404, 0}, refused[] = {401, 402, 403, 0},
                         rate[] = {429, 0}, retry[] = {408, 425, 0};
        const struct json *response = json_member(doc, "response");

        read_statuses(ctx, json_member(response, "hitStatus"), hit, &p->hit);
        read_statuses(ctx, json_member(response, "missStatus"), miss, &p->miss);
        read_statuses(ctx, json_member(response, "retryStatus"), retry, &p->retry);
        read_statuses(ctx, json_member(response, "rateStatus"), rate, &p->rate);
        read_statuses(ctx, json_member(response, "authStatus"), refused, &p->refused);
        JSON_EACH_ITEM (i, item, json_member(response, "errorIn200"))
                LIST_PUSH(ctx->arena, &p->error_in_200, read_condition(ctx, item));
        JSON_EACH_ITEM (i, item, json_member(response, "missWhen"))
                LIST_PUSH(ctx->arena, &p->miss_when, read_condition(ctx, item));

        p->schema_source = json_member(response, "schema");
        if (schema_compile(ctx, p->schema_source, &p->schema) == OK)
                arena_defer(ctx->arena, close_schema, p->schema);
        else if (!ctx->faults.len)
                ctx_fault(ctx, STR("/response/schema"), "schema", "%.*s", FMT(ctx->message));
        read_map(ctx, def, json_member(response, "map"), p);
        read_confidence(ctx, json_member(response, "confidence"), p);
}

/* ---- the whole ---- */

static void check_vocabulary(struct ctx *ctx, struct str key, const char *path)
{
        if (!field_find(key))
                ctx_fault(ctx, str_from(path), "vocabulary", "\"%.*s\" is no known field",
                          FMT(key));
}

static void read_inputs(struct ctx *ctx, const struct json *doc, struct provider_def *def)
{
        JSON_EACH_ITEM (i, item, json_member(doc, "inputs")) {
                struct provider_input in = {text_of(ctx, item, "key"),
                                            json_get_bool(json_member(item, "required"), false)};

                check_vocabulary(ctx, in.key, "/inputs");
                LIST_PUSH(ctx->arena, &def->inputs, in);
        }
        JSON_EACH_ITEM (i, group, json_member(doc, "requireOneOf")) {
                str_list *keys = LIST_ADD(ctx->arena, &def->require_one_of);

                copy_strings(ctx, group, keys);
                LIST_EACH (key, keys)
                        if (!provider_takes(def, *key))
                                ctx_fault(ctx, STR("/requireOneOf"), "inputs",
                                          "\"%.*s\" is not among the inputs", FMT(*key));
        }
        copy_strings(ctx, json_member(doc, "outputs"), &def->outputs);
        LIST_EACH (out, &def->outputs)
                check_vocabulary(ctx, *out, "/outputs");
}

static void read_limits(const struct json *doc, struct provider_def *def)
{
        const struct json *rate = json_member(doc, "rateLimit");
        const struct json *credits = json_member(doc, "credits");

        def->credits_hit = json_get_i64(json_member(credits, "hit"), 0);
        def->credits_miss = json_get_i64(json_member(credits, "miss"), 0);
        def->rate_requests = json_get_i64(json_member(rate, "requests"), 0);
        def->rate_per_ms = json_get_i64(json_member(rate, "perMs"), 0);
        def->concurrency = json_get_i64(json_member(rate, "concurrency"), 4);
        def->timeout_ms = json_get_i64(json_member(doc, "timeoutMs"), 15000);
        def->cache_ttl_s = json_get_i64(json_member(doc, "cacheTtlSeconds"), 86400);
        def->expected_hit_rate = json_get_double(json_member(doc, "expectedHitRate"), 0.5);
}

/* Changes with everything that decides what a question or an answer means, and nothing else. */
static struct str version_of(struct ctx *ctx, const struct json *doc)
{
        static const char *const parts[] = {"inputs", "outputs", "request", "response", "baseUrl"};
        struct buf b;

        buf_init(&b, ctx->arena, 1 << 20);
        for (size_t i = 0; i < ELEMENTS(parts); i++)
                json_write_sorted(&b, json_member(doc, parts[i]));
        return str_slice(crypto_sha256_hex(ctx->arena, buf_str(&b)), 0, 16);
}

enum err provider_compile(struct ctx *ctx, struct str text, const struct provider_def **ret)
{
        struct provider_def *def = arena_new(ctx->arena, struct provider_def);
        struct provider_program *program = arena_new(ctx->arena, struct provider_program);
        const struct json *doc = NULL;
        size_t before = ctx->faults.len;

        TRY(json_parse(ctx, text, &doc));
        TRY(check_format(ctx, doc));

        def->slug = text_of(ctx, doc, "slug");
        def->name = text_of(ctx, doc, "name");
        def->category = text_of(ctx, doc, "category");
        def->subject = text_of(ctx, doc, "subject");
        def->description = text_of(ctx, doc, "description");
        def->docs_url = text_of(ctx, doc, "docsUrl");
        def->base_url = text_of(ctx, doc, "baseUrl");
        def->requires_credential = json_get_bool(json_member(doc, "requiresCredential"), true);
        read_inputs(ctx, doc, def);
        read_limits(doc, def);
        read_request(ctx, def, doc, program);
        read_response(ctx, def, doc, program);
        def->version = version_of(ctx, doc);
        def->program = program;
        def->own = true; /* the registry takes this back for its own */
        if (ctx->faults.len > before)
                return fail(ctx, ERR_VALIDATION, "the definition of \"%.*s\" has %zu faults",
                            FMT(def->slug), ctx->faults.len - before);
        *ret = def;
        return OK;
}
