/* Routes of the credential feature, and the one for services. */
#include "features/credential/credential.h"

#define NAME   "\"maxLength\":200"
#define SECRET "\"minLength\":1,\"maxLength\":4096"

/* Either a key, or a user name with a password. */
#define ONE_SECRET                                                                         \
        "\"dependentRequired\":{\"username\":[\"password\"],\"password\":[\"username\"]}," \
        "\"not\":{\"required\":[\"value\",\"username\"]}"

static const struct desc_field create_fields[] = {
        DESC_F(credential_input, provider, "provider", DESC_STR,
               .schema = "\"minLength\":1,\"maxLength\":100"),
        DESC_F(credential_input, name, "name", DESC_STR, .flags = DESC_OPTIONAL, .schema = NAME),
        DESC_F(credential_input, value, "value", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        DESC_F(credential_input, username, "username", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        DESC_F(credential_input, password, "password", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        {0},
};
static const struct desc create_desc =
        DESC("CredentialInput", credential_input, create_fields,
             .schema = ONE_SECRET ",\"anyOf\":[{\"required\":[\"value\"]},"
                                  "{\"required\":[\"username\"]}]");

static const struct desc_field change_fields[] = {
        DESC_F(credential_input, name, "name", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"minLength\":1," NAME),
        DESC_F(credential_input, value, "value", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        DESC_F(credential_input, username, "username", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        DESC_F(credential_input, password, "password", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = SECRET),
        {0},
};
static const struct desc change_desc = DESC("CredentialChange", credential_input, change_fields,
                                            .schema = ONE_SECRET ",\"minProperties\":1");

static const struct desc_field test_fields[] = {
        DESC_F(credential_test, ok, "ok", DESC_BOOL),
        DESC_F(credential_test, outcome, "outcome", DESC_STR),
        DESC_F(credential_test, message, "message", DESC_STR, .flags = DESC_NULLABLE),
        DESC_F(credential_test, latency_ms, "latencyMs", DESC_I64),
        {0},
};
static const struct desc test_desc = DESC("CredentialTest", credential_test, test_fields);

static const struct desc_field secret_fields[] = {
        DESC_F(credential_secret, id, "id", DESC_UUID),
        DESC_F(credential_secret, workspace_id, "workspaceId", DESC_UUID),
        DESC_F(credential_secret, provider, "provider", DESC_STR),
        DESC_F(credential_secret, secret, "secret", DESC_JSON),
        {0},
};
static const struct desc secret_desc = DESC("CredentialSecret", credential_secret, secret_fields);

static enum err list(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct list_query q = {0};
        credential_list credentials = {0};
        struct keyset k;
        struct page page;

        TRY(req_decode_query(ctx, req, &list_query_desc, &q));
        TRY(keyset_read(ctx, &q, &k));
        TRY(credential_list_of(ctx, ctx->actor->workspace_id, &k, &credentials, &page));
        return reply_list(ctx, out, &credential_desc, &credentials, &page);
}

static enum err create(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct credential_input in = {0};
        struct credential c = {0};

        TRY(req_decode(ctx, req, &create_desc, &in));
        TRY(credential_create(ctx, ctx->actor->workspace_id, &in, &c));
        return reply_json(ctx, out, 201, &credential_desc, &c);
}

static enum err change(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct credential_input in = {0};
        struct credential c = {0};

        TRY(req_decode(ctx, req, &change_desc, &in));
        TRY(credential_change(ctx, ctx->actor->workspace_id, req_param(req, "id"), &in, &c));
        return reply_json(ctx, out, 200, &credential_desc, &c);
}

static enum err delete (struct ctx *ctx, const struct req *req, struct reply *out) {
        TRY(credential_delete(ctx, ctx->actor->workspace_id, req_param(req, "id")));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err test(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct credential_test t;

        TRY(credential_test(ctx, ctx->actor->workspace_id, req_param(req, "id"), &t));
        return reply_json(ctx, out, 200, &test_desc, &t);
}

/* Secrets go over TLS (which a proxy in front ends and vouches for) or stay on this machine. */
static bool is_private_way(struct ctx *ctx, const struct req *req)
{
        bool forwarded = req_header(req, "X-Forwarded-For").ptr ||
                         req_header(req, "X-Forwarded-Proto").ptr ||
                         req_header(req, "Forwarded").ptr;

        if (forwarded)
                return ctx->app->settings.trust_proxy &&
                       str_eq_nocase(req_header(req, "X-Forwarded-Proto"), STR("https"));
        return str_starts(req->remote, STR("127.")) || str_eq(req->remote, STR("::1"));
}

static enum err reveal(struct ctx *ctx, const struct req *req, struct reply *out)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct credential_secret s;

        if (!is_private_way(ctx, req))
                return fail(ctx, ERR_AUTHORIZATION,
                            "secrets are handed out over HTTPS or on this machine only");
        TRY(credential_open(ctx, req_param(req, "id"), &s));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(audit_write(ctx, &tx, s.workspace_id, "credential.read_by_service", "credential", s.id,
                        STR_NULL));
        TRY(tx_commit(&tx));
        return reply_json(ctx, out, 200, &secret_desc, &s);
}

static const struct route routes[] = {
        {HTTP_GET, "", ROLE_ADMIN, list, .query = &list_query_desc, .reply = &credential_desc,
         .list = true, .summary = "Credentials, masked"},
        {HTTP_POST, "", ROLE_ADMIN, create, .body = &create_desc, .reply = &credential_desc,
         .status = 201, .summary = "Add a credential"},
        {HTTP_PATCH, "/:id", ROLE_ADMIN, change, .body = &change_desc, .reply = &credential_desc,
         .summary = "Rename or replace a credential"},
        {HTTP_DELETE, "/:id", ROLE_ADMIN, delete, .summary = "Delete a credential"},
        {HTTP_POST, "/:id/test", ROLE_ADMIN, test, .reply = &test_desc,
         .summary = "Ask the provider whether it takes this credential"},
        {0},
};
const struct router credential_router = {"/workspaces/:workspaceId/credentials", "credentials",
                                         routes};

static const struct route internal_routes[] = {
        {HTTP_GET, "/:id", ROLE_SERVICE, reveal, .reply = &secret_desc,
         .summary = "A credential's secret, for services (X-Service-Key)"},
        {0},
};
const struct router credential_internal_router = {"/internal/credentials", "credentials",
                                                  internal_routes};
