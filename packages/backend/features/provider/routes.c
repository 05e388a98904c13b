/* Routes of the provider feature: the field vocabulary, providers, a workspace's own providers. */
#include "features/provider/own.h"
#include "features/provider/trial.h"
#include "base/route.h"

/* ---- fields ---- */

struct field_view {
        struct str key, label, type;
        str_list aliases;
};
typedef LIST(struct field_view) field_view_list;

static const struct desc_field field_fields[] = {
        DESC_F(field_view, key, "key", DESC_STR),
        DESC_F(field_view, label, "name", DESC_STR),
        DESC_F(field_view, type, "type", DESC_STR,
               .schema = "\"description\":\"The column type that fits it\""),
        DESC_F(field_view, aliases, "aliases", DESC_LIST_STR),
        {0},
};
static const struct desc field_desc = DESC("Field", field_view, field_fields);

static enum err list_fields(struct ctx *ctx, const struct req *req, struct reply *out)
{
        field_view_list list = {0};

        for (size_t i = 0; i < field_count(); i++) {
                const struct field *f = field_at(i);
                struct field_view *v = LIST_ADD(ctx->arena, &list);
                struct str rest = str_from(f->aliases), alias;

                v->key = str_from(f->key);
                v->label = str_from(f->label);
                v->type = str_from(f->type);
                while (str_split(&rest, '|', &alias))
                        LIST_PUSH(ctx->arena, &v->aliases, alias);
        }
        return reply_list(ctx, out, &field_desc, &list,
                          &(struct page){.limit = (int64_t)list.len, .total = (int64_t)list.len});
}

/* ---- a provider as the API shows it ---- */

struct input_view {
        struct str key;
        bool required;
};

struct credits_view {
        int64_t hit, miss;
};

struct provider_view {
        struct str slug, name, category, subject, description, source, docs_url;
        bool available, has_credential, requires_credential;
        LIST(struct input_view) inputs;
        const struct json *require_one_of;
        str_list outputs;
        struct credits_view credits;
        double expected_hit_rate;
        int64_t cache_ttl_s;
        const struct json *definition;
};
typedef LIST(struct provider_view) provider_view_list;

static const struct desc_field input_fields[] = {
        DESC_F(input_view, key, "key", DESC_STR),
        DESC_F(input_view, required, "required", DESC_BOOL),
        {0},
};
static const struct desc input_desc = DESC("ProviderInput", input_view, input_fields);

static const struct desc_field credits_fields[] = {
        DESC_F(credits_view, hit, "hit", DESC_I64),
        DESC_F(credits_view, miss, "miss", DESC_I64),
        {0},
};
static const struct desc credits_desc = DESC("ProviderCredits", credits_view, credits_fields);

static const struct desc_field provider_fields[] = {
        DESC_F(provider_view, slug, "slug", DESC_STR),
        DESC_F(provider_view, name, "name", DESC_STR),
        DESC_F(provider_view, category, "category", DESC_STR),
        DESC_F(provider_view, subject, "subject", DESC_STR, .flags = DESC_NULLABLE,
               .schema =
                       "\"enum\":[\"company\",\"person\",null],\"description\":\"whom its answers "
                       "are about\""),
        DESC_F(provider_view, description, "description", DESC_STR),
        DESC_F(provider_view, source, "source", DESC_STR,
               .schema = "\"enum\":[\"builtin\",\"sandbox\",\"remote\",\"workspace\"]"),
        DESC_F(provider_view, available, "available", DESC_BOOL,
               .schema = "\"description\":\"false: it needs a credential first\""),
        DESC_F(provider_view, inputs, "inputs", DESC_LIST_OF, .sub = &input_desc),
        DESC_F(provider_view, require_one_of, "requireOneOf", DESC_JSON,
               .schema = "\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":"
                         "\"string\"}}"),
        DESC_F(provider_view, outputs, "outputs", DESC_LIST_STR),
        DESC_F(provider_view, credits, "credits", DESC_OBJECT, .sub = &credits_desc),
        DESC_F(provider_view, requires_credential, "requiresCredential", DESC_BOOL),
        DESC_F(provider_view, has_credential, "hasCredential", DESC_BOOL,
               .schema = "\"description\":\"known in a workspace only\""),
        DESC_F(provider_view, expected_hit_rate, "expectedHitRate", DESC_DOUBLE),
        DESC_F(provider_view, cache_ttl_s, "cacheTtlSeconds", DESC_I64),
        DESC_F(provider_view, docs_url, "docsUrl", DESC_STR, .flags = DESC_OPTIONAL),
        DESC_F(provider_view, definition, "definition", DESC_JSON, .flags = DESC_OPTIONAL,
               .schema = "\"type\":\"object\",\"description\":\"of a workspace's own provider\""),
        {0},
};
static const struct desc provider_desc = DESC("Provider", provider_view, provider_fields);

static const struct json *groups_json(struct ctx *ctx, const struct provider_def *def)
{
        struct json *out = json_new_array(ctx->arena);

        LIST_EACH (group, &def->require_one_of) {
                struct json *keys = json_new_array(ctx->arena);

                LIST_EACH (key, group)
                        json_push(keys, json_from_str(ctx->arena, *key));
                json_push(out, keys);
        }
        return out;
}

static struct provider_view view_of(struct ctx *ctx, const struct provider_def *def,
                                    bool has_credential)
{
        struct ctx scratch; /* that there is no way to it is no failure here */
        struct provider_route route = {.source = def->own ? SOURCE_WORKSPACE : SOURCE_REMOTE};
        struct provider_view v = {.slug = def->slug,
                                  .name = def->name,
                                  .category = def->category,
                                  .subject = def->subject.len ? def->subject : STR_NULL,
                                  .description = def->description,
                                  .docs_url = def->docs_url.len ? def->docs_url : STR_NULL,
                                  .has_credential = has_credential,
                                  .requires_credential = def->requires_credential,
                                  .require_one_of = groups_json(ctx, def),
                                  .outputs = def->outputs,
                                  .credits = {def->credits_hit, def->credits_miss},
                                  .expected_hit_rate = def->expected_hit_rate,
                                  .cache_ttl_s = def->cache_ttl_s};

        ctx_init(&scratch, ctx->arena);
        v.available =
                provider_route(&scratch, ctx->app->providers, def, has_credential, &route) == OK;
        v.source = str_from(provider_source_name(route.source));
        LIST_EACH (in, &def->inputs)
                LIST_PUSH(ctx->arena, &v.inputs, ((struct input_view){in->key, in->required}));
        return v;
}

static enum err reply_views(struct ctx *ctx, struct reply *out, const provider_view_list *list)
{
        return reply_list(ctx, out, &provider_desc, list,
                          &(struct page){.limit = (int64_t)list->len, .total = (int64_t)list->len});
}

static enum err list_providers(struct ctx *ctx, const struct req *req, struct reply *out)
{
        provider_view_list list = {0};

        for (size_t i = 0; i < provider_count(ctx->app->providers); i++)
                LIST_PUSH(ctx->arena, &list,
                          view_of(ctx, provider_at(ctx->app->providers, i), false));
        return reply_views(ctx, out, &list);
}

static enum err get_provider(struct ctx *ctx, const struct req *req, struct reply *out)
{
        const struct provider_def *def = provider_find(ctx->app->providers, req_param(req, "slug"));
        struct provider_view v;

        if (!def)
                return fail_not_found(ctx, "provider");
        v = view_of(ctx, def, false);
        return reply_json(ctx, out, 200, &provider_desc, &v);
}

/* ---- of a workspace ---- */

static struct str workspace(const struct req *req)
{
        return req_param(req, "workspaceId");
}

struct own_query {
        bool own;
};
static const struct desc_field own_query_fields[] = {
        DESC_F(own_query, own, "own", DESC_BOOL, .flags = DESC_OPTIONAL),
        {0},
};
static const struct desc own_query_desc = DESC("ProviderQuery", own_query, own_query_fields);

static bool among(const str_list *list, struct str slug)
{
        LIST_EACH (s, list)
                if (str_eq(*s, slug))
                        return true;
        return false;
}

static struct provider_view own_view(struct ctx *ctx, const struct own_provider *own,
                                     const str_list *credentials)
{
        struct provider_view v = view_of(ctx, own->def, among(credentials, own->def->slug));

        v.definition = own->source;
        return v;
}

static enum err list_workspace(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct own_query q = {0};
        own_provider_list own = {0};
        provider_view_list list = {0};
        str_list credentials = {0};

        TRY(req_decode_query(ctx, req, &own_query_desc, &q));
        TRY(own_list(ctx, workspace(req), &own));
        TRY(credential_slugs(ctx, workspace(req), &credentials));
        LIST_EACH (o, &own)
                LIST_PUSH(ctx->arena, &list, own_view(ctx, o, &credentials));
        for (size_t i = 0; !q.own && i < provider_count(ctx->app->providers); i++) {
                const struct provider_def *def = provider_at(ctx->app->providers, i);

                LIST_PUSH(ctx->arena, &list, view_of(ctx, def, among(&credentials, def->slug)));
        }
        return reply_views(ctx, out, &list);
}

static enum err reply_own(struct ctx *ctx, const struct req *req, struct reply *out, int status,
                          const struct own_provider *own)
{
        str_list credentials = {0};
        struct provider_view v;

        TRY(credential_slugs(ctx, workspace(req), &credentials));
        v = own_view(ctx, own, &credentials);
        return reply_json(ctx, out, status, &provider_desc, &v);
}

static enum err create_own(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct own_provider own = {0};

        TRY(own_create(ctx, workspace(req), req->json, &own));
        return reply_own(ctx, req, out, 201, &own);
}

static enum err patch_own(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct own_provider own = {0};

        TRY(own_change(ctx, workspace(req), req_param(req, "slug"), req->json, &own));
        return reply_own(ctx, req, out, 200, &own);
}

static enum err delete_own(struct ctx *ctx, const struct req *req, struct reply *out)
{
        TRY(own_delete(ctx, workspace(req), req_param(req, "slug")));
        return reply_json(ctx, out, 200, NULL, NULL);
}

/* ---- trying one out ---- */

struct trial_input {
        const struct json *inputs;
};
static const struct desc_field trial_input_fields[] = {
        DESC_F(trial_input, inputs, "inputs", DESC_JSON,
               .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\","
                         "\"maxLength\":1000},\"maxProperties\":40"),
        {0},
};
static const struct desc trial_input_desc = DESC("ProviderTest", trial_input, trial_input_fields);

static const struct desc_field trial_fields[] = {
        DESC_F(provider_trial, source, "source", DESC_STR),
        DESC_F(provider_trial, outcome, "outcome", DESC_STR),
        DESC_F(provider_trial, detail, "detail", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(provider_trial, outputs, "outputs", DESC_JSON, .schema = "\"type\":\"object\""),
        DESC_F(provider_trial, confidence, "confidence", DESC_DOUBLE, .flags = DESC_NULLABLE,
               DESC_HAS(provider_trial, has_confidence)),
        DESC_F(provider_trial, status, "status", DESC_I64, .flags = DESC_NULLABLE,
               DESC_HAS(provider_trial, has_status)),
        DESC_F(provider_trial, latency_ms, "latencyMs", DESC_I64),
        {0},
};
static const struct desc trial_desc = DESC("ProviderTestResult", provider_trial, trial_fields);

static enum err test_provider(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct trial_input in = {0};
        struct provider_trial trial = {0};

        TRY(req_decode(ctx, req, &trial_input_desc, &in));
        TRY(provider_try(ctx, workspace(req), req_param(req, "slug"), in.inputs, &trial));
        return reply_json(ctx, out, 200, &trial_desc, &trial);
}

#define DEFINITION_SCHEMA \
        "{\"type\":\"object\",\"description\":\"A provider definition; see docs/providers.md\"}"

static const struct route public_routes[] = {
        {HTTP_GET, "/fields", ROLE_USER, list_fields, .reply = &field_desc, .list = true,
         .summary = "The vocabulary of fields that providers take and give"},
        {HTTP_GET, "/providers", ROLE_USER, list_providers, .reply = &provider_desc, .list = true,
         .summary = "Providers that every workspace can use"},
        {HTTP_GET, "/providers/:slug", ROLE_USER, get_provider, .reply = &provider_desc,
         .summary = "One provider"},
        {0},
};
const struct router provider_router = {"", "providers", public_routes};

static const struct route workspace_routes[] = {
        {HTTP_GET, "/providers", ROLE_VIEWER, list_workspace, .query = &own_query_desc,
         .reply = &provider_desc, .list = true,
         .summary = "Providers as this workspace can use them, its own ones first"},
        {HTTP_POST, "/providers", ROLE_ADMIN, create_own, .body_schema = DEFINITION_SCHEMA,
         .reply = &provider_desc, .status = 201,
         .summary = "Add a provider of the workspace's own"},
        {HTTP_PATCH, "/providers/:slug", ROLE_ADMIN, patch_own, .body_schema = DEFINITION_SCHEMA,
         .reply = &provider_desc, .summary = "Replace members of an own provider's definition"},
        {HTTP_DELETE, "/providers/:slug", ROLE_ADMIN, delete_own,
         .summary = "Remove an own provider"},
        {HTTP_POST, "/providers/:slug/test", ROLE_ADMIN, test_provider, .body = &trial_input_desc,
         .reply = &trial_desc, .summary = "Ask a provider one question; no credits are booked"},
        {0},
};
const struct router provider_workspace_router = {"/workspaces/:workspaceId", "providers",
                                                 workspace_routes};
