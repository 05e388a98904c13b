/* Who asks (bearer token or service key) and whether they may: requireRole for the whole API. */
#include "middleware/call.h"

#include "base/cached.h"
#include "base/token.h"
#include "crypto/crypto.h"
#include "middleware_sql.h"

void call_identify(struct call *c)
{
        struct str header = req_header(c->req, "Authorization");
        struct ctx quiet;

        if (c->identified)
                return;
        c->identified = true;
        c->actor.ip = c->req->remote;
        if (c->app->settings.trust_proxy) {
                struct str forwarded = req_header(c->req, "X-Forwarded-For"), last = STR_NULL;

                /* the last hop is the one our proxy saw itself */
                while (forwarded.ptr && str_split(&forwarded, ',', &last))
                        ;
                if (str_trim(last).len)
                        c->actor.ip = str_trim(last);
        }
        c->caller = str_printf(c->ctx->arena, "ip:%.*s", FMT(c->actor.ip));
        if (header.len < 8 || !str_eq_nocase(str_slice(header, 0, 7), STR("Bearer ")))
                return;
        ctx_init(&quiet, c->ctx->arena); /* a bad token matters only where one is needed */
        quiet.app = c->app;
        if (token_verify(&quiet, str_trim(str_slice(header, 7, header.len)), &c->actor.user_id,
                         &c->actor.session_id) == OK)
                c->caller = str_printf(c->ctx->arena, "u:%.*s", FMT(c->actor.user_id));
}

static bool named_admin(struct str list, struct str email)
{
        struct str rest = list, item;

        while (rest.ptr && str_split(&rest, ',', &item))
                if (str_eq_nocase(str_trim(item), email))
                        return true;
        return false;
}

static enum err require_service(struct call *c)
{
        struct str given = req_header(c->req, "X-Service-Key");

        if (!given.ptr || !crypto_equal(given, c->app->settings.service_key))
                return fail(c->ctx, ERR_AUTHENTICATION, "X-Service-Key is missing or wrong");
        c->actor.service = true;
        c->actor.user_id = c->actor.session_id = STR_NULL; /* it acts for nobody */
        return OK;
}

/* From the cache: session "userId 0|1 email", role by its name ("-" for none). */
static bool load_cached(struct call *c, bool *ret_member)
{
        struct actor *a = &c->actor;
        struct str text, user_id, admin, role = STR("-");

        if (!cached_get(c->ctx, CACHED_SESSION, a->session_id, STR_NULL, &text) ||
            !str_split(&text, ' ', &user_id) || !str_split(&text, ' ', &admin) ||
            !str_eq(user_id, a->user_id))
                return false;
        if (a->workspace_id.ptr &&
            !cached_get(c->ctx, CACHED_ROLE, a->workspace_id, a->user_id, &role))
                return false;
        a->email = text;
        a->platform_admin = str_eq(admin, STR("1"));
        *ret_member = role_parse(role, &a->role);
        return true;
}

static enum err load_row(struct call *c, bool *ret_member)
{
        struct actor *a = &c->actor;
        struct db_result r;

        TRY(db_query(c->ctx, c->app->db, &sql_actor_find,
                     PARAMS(p_str(a->user_id), p_str(a->session_id), p_str(a->workspace_id)), &r));
        if (r.rows == 0)
                return fail(c->ctx, ERR_AUTHENTICATION, "this session has ended, sign in again");
        a->email = db_text(&r, 0, 0);
        a->platform_admin = db_bool(&r, 0, 1);
        *ret_member = role_parse(db_text(&r, 0, 2), &a->role);
        cached_fill(c->ctx, CACHED_SESSION, a->session_id, STR_NULL,
                    str_printf(c->ctx->arena, "%.*s %d %.*s", FMT(a->user_id), a->platform_admin,
                               FMT(a->email)));
        if (a->workspace_id.ptr)
                cached_fill(c->ctx, CACHED_ROLE, a->workspace_id, a->user_id,
                            *ret_member ? str_from(role_name(a->role)) : STR("-"));
        return OK;
}

/* The user, alive in this session, and their role in the route's workspace. */
static enum err load_actor(struct call *c, bool *ret_member)
{
        if (!c->actor.user_id.ptr)
                return fail(c->ctx, ERR_AUTHENTICATION, "sign in first");
        c->actor.workspace_id = req_param(c->req, "workspaceId");
        if (!load_cached(c, ret_member))
                TRY(load_row(c, ret_member));
        if (named_admin(c->app->settings.admin_emails, c->actor.email))
                c->actor.platform_admin = true;
        return OK;
}

enum err mw_require_role(struct call *c)
{
        enum role need = c->route->route->role;
        bool member = false;

        call_identify(c);
        c->ctx->actor = &c->actor;
        if (need == ROLE_PUBLIC)
                return OK;
        if (need == ROLE_SERVICE)
                return require_service(c);
        TRY(load_actor(c, &member));
        if (need == ROLE_PLATFORM_ADMIN && !c->actor.platform_admin)
                return fail(c->ctx, ERR_AUTHORIZATION, "only platform administrators may do this");
        if (!c->actor.workspace_id.ptr)
                return OK;
        if (!member)
                return fail_not_found(c->ctx, "workspace");
        if (!role_allows(c->actor.role, need))
                return fail(c->ctx, ERR_AUTHORIZATION, "this needs the role %s, yours is %s",
                            role_name(need == ROLE_ANY_MEMBER ? ROLE_VIEWER : need),
                            role_name(c->actor.role));
        return OK;
}
