/*
 * One API request on its way through the middleware: requestId, requestLogger, headers, cors,
 * rateLimiter, bodyParser, routes, errorHandler, in this order (app/pipeline.c).
 *
 * A middleware returns OK to go on; another code ends the request: the error handler answers. One
 * that has answered by itself sets `answered`.
 */
#ifndef MILLRACE_MIDDLEWARE_CALL_H
#define MILLRACE_MIDDLEWARE_CALL_H

#include "base/router.h"

struct call {
        struct app *app;
        struct ctx *ctx;
        struct req *req;
        struct reply *reply;
        const struct compiled_route *route; /* NULL until matched */
        struct actor actor;
        bool identified; /* the token was looked at */
        bool answered;
        struct str caller;          /* of limits and idempotency keys: "u:<id>" or "ip:<address>" */
        struct str idempotency_key; /* claimed: the answer is stored under it */
};

enum err mw_request_id(struct call *c);
enum err mw_headers(struct call *c); /* what Express apps get from helmet */
enum err mw_cors(struct call *c);
enum err mw_rate_limit(struct call *c);
enum err mw_body(struct call *c);
/* Who asks and whether they may: the route's least role. */
enum err mw_require_role(struct call *c);
enum err mw_idempotency_begin(struct call *c);
void mw_idempotency_end(struct call *c);
/* The error of the ctx as the answer. */
void mw_error(struct call *c, enum err e);
void mw_log(struct call *c, int64_t started_ns);

/* Sets actor.user_id and session_id from the bearer token, without the database. */
void call_identify(struct call *c);

struct rate_limiter;
struct rate_limiter *rate_limiter_open(void);
void rate_limiter_close(struct rate_limiter *l);

#endif
