/*
 * The life of a request, in the fixed order:
 * requestId, requestLogger, headers, cors, rateLimiter, bodyParser, routes, errorHandler.
 *
 * The first five run when the headers are there, the rest when the body is complete. An upload's
 * caller is checked before the body, so that only those who may import can fill the disk.
 */
#include "app/pipeline.h"

#include "app/web.h"
#include "middleware/call.h"

#define API_PREFIX       STR("/api/v1")
#define BODY_MAX         (10 << 20)
#define REQUEST_DEADLINE (30 * NS_PER_S)

typedef enum err middleware_fn(struct call *c);

static enum err run_all(struct call *c, middleware_fn *const *list)
{
        for (; *list && !c->answered; list++)
                TRY((*list)(c));
        return OK;
}

/* Finds the route; a path that there is not is answered after the rate limiter, like any other. */
static enum err match(struct call *c)
{
        struct str path = c->req->path;
        struct str allow = STR_NULL;

        path = str_slice(path, API_PREFIX.len, path.len);
        enum err e = router_match(c->ctx, c->app->routes, path, c->req, &c->route, &allow);

        if (allow.ptr)
                reply_header(c->reply, "Allow", allow);
        return e;
}

static bool is_api(struct str path)
{
        return str_starts(path, API_PREFIX) &&
               (path.len == API_PREFIX.len || path.ptr[API_PREFIX.len] == '/');
}

static enum err begin_api(struct call *c)
{
        static middleware_fn *const after_match[] = {mw_headers, mw_cors, mw_rate_limit, NULL};
        enum err found = match(c), e = run_all(c, after_match);

        if (e != OK || c->answered)
                return e;
        if (found == OK && (c->route->route->flags & ROUTE_MULTIPART))
                return mw_require_role(c);
        return found;
}

bool pipeline_begin(void *owner, struct http_exchange *x)
{
        struct call *c = arena_new(&x->arena, struct call);
        enum err e;

        *c = (struct call){.app = owner, .ctx = &x->ctx, .req = &x->req, .reply = &x->reply};
        x->user = c;
        x->body_max = BODY_MAX;
        x->spool_dir = str_to_c(
                &x->arena, str_printf(&x->arena, "%.*s/spool", FMT(c->app->settings.state_dir)));
        x->ctx.app = c->app;
        x->ctx.deadline_ns = time_mono_ns() + REQUEST_DEADLINE;
        e = mw_request_id(c);
        if (e == OK && !is_api(x->req.path)) {
                (void)mw_headers(c);
                web_serve(c->app, &x->req, &x->reply);
                return false;
        }
        if (e == OK)
                e = begin_api(c);
        if (e == OK && !c->answered && (c->route->route->flags & ROUTE_MULTIPART)) {
                x->body_mode = HTTP_BODY_MULTIPART;
                x->body_max = c->app->settings.import_max_bytes + 65536;
                x->ctx.deadline_ns = 0; /* an upload takes as long as it moves */
        }
        if (e == OK && !c->answered && x->req.content_length > x->body_max)
                e = fail(&x->ctx, ERR_TOO_LARGE, "the body is larger than %lld bytes",
                         (long long)x->body_max);
        if (e != OK)
                mw_error(c, e);
        return e == OK && !c->answered;
}

static enum err run_route(struct call *c)
{
        static middleware_fn *const upload[] = {mw_body, mw_idempotency_begin, NULL};
        static middleware_fn *const plain[] = {mw_require_role, mw_body, mw_idempotency_begin,
                                               NULL};

        TRY(run_all(c, c->route->route->flags & ROUTE_MULTIPART ? upload : plain));
        return c->answered ? OK : c->route->route->handler(c->ctx, c->req, c->reply);
}

void pipeline_run(void *owner, struct http_exchange *x)
{
        struct call *c = x->user;

        if (!x->ctx.deadline_ns)
                x->ctx.deadline_ns = time_mono_ns() + REQUEST_DEADLINE;
        enum err e = run_route(c);

        if (e != OK)
                mw_error(c, e);
        mw_idempotency_end(c);
}

void pipeline_done(void *owner, struct http_exchange *x)
{
        mw_log(x->user, x->started_ns);
}
