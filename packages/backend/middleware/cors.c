/* cors: other origins may call the API only when MILLRACE_CORS_ORIGINS lists them. */
#include "middleware/call.h"

static bool listed(struct str list, struct str origin)
{
        struct str rest = list, item;

        while (rest.ptr && str_split(&rest, ',', &item))
                if (str_eq(str_trim(item), origin))
                        return true;
        return false;
}

enum err mw_cors(struct call *c)
{
        struct str origin = req_header(c->req, "Origin");
        bool preflight = c->req->method == HTTP_OPTIONS;

        if (origin.len && listed(c->app->settings.cors_origins, origin)) {
                reply_header(c->reply, "Access-Control-Allow-Origin", origin);
                reply_header(c->reply, "Vary", STR("Origin"));
                reply_header(c->reply, "Access-Control-Expose-Headers",
                             STR("X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, "
                                 "RateLimit-Reset, Content-Disposition"));
                if (preflight) {
                        reply_header(c->reply, "Access-Control-Allow-Methods",
                                     STR("GET, POST, PUT, PATCH, DELETE"));
                        reply_header(c->reply, "Access-Control-Allow-Headers",
                                     STR("Authorization, Content-Type, Idempotency-Key, "
                                         "X-Request-Id, Last-Event-ID"));
                        reply_header(c->reply, "Access-Control-Max-Age", STR("600"));
                }
        }
        if (preflight) {
                c->reply->status = 204;
                c->answered = true;
        }
        return OK;
}
