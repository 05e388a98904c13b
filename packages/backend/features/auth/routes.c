/* Routes of the auth feature. */
#include "features/auth/auth.h"

#define EMAIL    "\"format\":\"email\",\"maxLength\":254"
#define PASSWORD "\"minLength\":8,\"maxLength\":200"
#define TOKEN    "\"minLength\":1,\"maxLength\":200"

static const struct desc_field register_fields[] = {
        DESC_F(register_input, email, "email", DESC_STR, .schema = EMAIL),
        DESC_F(register_input, password, "password", DESC_STR, .schema = PASSWORD),
        DESC_F(register_input, name, "name", DESC_STR,
               .schema = "\"minLength\":1,\"maxLength\":200,\"pattern\":\"\\\\S\""),
        DESC_F(register_input, workspace_name, "workspaceName", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"maxLength\":200"),
        {0},
};
static const struct desc register_desc = DESC("RegisterInput", register_input, register_fields);

/* The bodies of the others: each takes the members it needs. */
struct auth_input {
        struct str email, password, token, refresh_token;
};

static const struct desc_field login_fields[] = {
        DESC_F(auth_input, email, "email", DESC_STR, .schema = "\"minLength\":1,\"maxLength\":254"),
        DESC_F(auth_input, password, "password", DESC_STR,
               .schema = "\"minLength\":1,\"maxLength\":1000"),
        {0},
};
static const struct desc login_desc = DESC("LoginInput", auth_input, login_fields);

static const struct desc_field refresh_fields[] = {
        DESC_F(auth_input, refresh_token, "refreshToken", DESC_STR, .schema = TOKEN),
        {0},
};
static const struct desc refresh_desc = DESC("RefreshInput", auth_input, refresh_fields);

static const struct desc_field logout_fields[] = {
        DESC_F(auth_input, refresh_token, "refreshToken", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = TOKEN),
        {0},
};
static const struct desc logout_desc = DESC("LogoutInput", auth_input, logout_fields);

static const struct desc_field forgot_fields[] = {
        DESC_F(auth_input, email, "email", DESC_STR, .schema = EMAIL),
        {0},
};
static const struct desc forgot_desc = DESC("ForgotInput", auth_input, forgot_fields);

static const struct desc_field reset_fields[] = {
        DESC_F(auth_input, token, "token", DESC_STR, .schema = TOKEN),
        DESC_F(auth_input, password, "password", DESC_STR, .schema = PASSWORD),
        {0},
};
static const struct desc reset_desc = DESC("ResetInput", auth_input, reset_fields);

static const struct desc_field link_fields[] = {
        DESC_F(auth_input, token, "token", DESC_STR, .schema = TOKEN),
        {0},
};
static const struct desc link_desc = DESC("LinkInput", auth_input, link_fields);

struct me {
        struct user user;
        workspace_list workspaces;
};
static const struct desc_field me_fields[] = {
        DESC_F(me, user, "user", DESC_OBJECT, .sub = &user_desc),
        DESC_F(me, workspaces, "workspaces", DESC_LIST_OF, .sub = &workspace_desc),
        {0},
};
static const struct desc me_desc = DESC("Me", me, me_fields);

static enum err register_user(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct register_input in = {0};
        struct auth_session s;

        TRY(req_decode(ctx, req, &register_desc, &in));
        in.name = str_trim(in.name);
        TRY(auth_register(ctx, &in, &s));
        return reply_json(ctx, out, 201, &auth_session_desc, &s);
}

static enum err login(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};
        struct auth_session s;

        TRY(req_decode(ctx, req, &login_desc, &in));
        TRY(auth_login(ctx, str_trim(in.email), in.password, &s));
        return reply_json(ctx, out, 200, &auth_session_desc, &s);
}

static enum err refresh(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};
        struct auth_session s;

        TRY(req_decode(ctx, req, &refresh_desc, &in));
        TRY(auth_refresh(ctx, in.refresh_token, &s));
        return reply_json(ctx, out, 200, &auth_session_desc, &s);
}

static enum err logout(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};

        TRY(req_decode(ctx, req, &logout_desc, &in));
        TRY(auth_logout(ctx, in.refresh_token, ctx->actor->session_id));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err me(struct ctx *ctx, const struct req *req, struct reply *out)
{
        const struct keyset all = {.limit = 1000};
        struct me m = {0};
        struct page page;

        TRY(auth_me(ctx, ctx->actor->user_id, &m.user));
        TRY(workspace_list_of(ctx, ctx->actor->user_id, &all, &m.workspaces, &page));
        return reply_json(ctx, out, 200, &me_desc, &m);
}

static enum err forgot(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};

        TRY(req_decode(ctx, req, &forgot_desc, &in));
        TRY(auth_forgot(ctx, in.email));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err reset(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};

        TRY(req_decode(ctx, req, &reset_desc, &in));
        TRY(auth_reset(ctx, in.token, in.password));
        return reply_json(ctx, out, 200, NULL, NULL);
}

static enum err link_login(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct auth_input in = {0};
        struct auth_session s;

        TRY(req_decode(ctx, req, &link_desc, &in));
        TRY(auth_link(ctx, in.token, &s));
        return reply_json(ctx, out, 200, &auth_session_desc, &s);
}

static const struct route routes[] = {
        {HTTP_POST, "/register", ROLE_PUBLIC, register_user, .body = &register_desc,
         .reply = &auth_session_desc, .status = 201, .flags = ROUTE_AUTH_RATE,
         .summary = "Sign up, with a first workspace"},
        {HTTP_POST, "/login", ROLE_PUBLIC, login, .body = &login_desc, .reply = &auth_session_desc,
         .flags = ROUTE_AUTH_RATE, .summary = "Sign in"},
        {HTTP_POST, "/link", ROLE_PUBLIC, link_login, .body = &link_desc,
         .reply = &auth_session_desc, .flags = ROUTE_AUTH_RATE,
         .summary = "Sign in with a one-time link"},
        {HTTP_POST, "/refresh", ROLE_PUBLIC, refresh, .body = &refresh_desc,
         .reply = &auth_session_desc, .summary = "Trade a refresh token for new tokens"},
        {HTTP_POST, "/logout", ROLE_PUBLIC, logout, .body = &logout_desc,
         .summary = "End a session"},
        {HTTP_GET, "/me", ROLE_USER, me, .reply = &me_desc, .summary = "Who is signed in"},
        {HTTP_POST, "/password/forgot", ROLE_PUBLIC, forgot, .body = &forgot_desc,
         .flags = ROUTE_AUTH_RATE, .summary = "Ask for a link to set a new password"},
        {HTTP_POST, "/password/reset", ROLE_PUBLIC, reset, .body = &reset_desc,
         .flags = ROUTE_AUTH_RATE, .summary = "Set a new password with such a link"},
        {0},
};
const struct router auth_router = {"/auth", "auth", routes};
