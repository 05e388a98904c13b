/* errorHandler and the request log: the ctx's failure as the envelope, once, in one place. */
#include "middleware/call.h"

#include "features/operations/metrics.h"
#include "log/log.h"

static void write_details(struct json_out *o, const struct ctx *ctx)
{
        out_array(o, "details");
        LIST_EACH (f, &ctx->faults) {
                out_object(o, NULL);
                out_str(o, "path", f->path.ptr ? f->path : STR(""));
                out_str(o, "rule", f->rule);
                out_str(o, "message", f->message);
                out_end_object(o);
        }
        out_end_array(o);
}

void mw_error(struct call *c, enum err e)
{
        struct ctx *ctx = c->ctx;
        struct json_out o;
        struct str message =
                e == ERR_INTERNAL ? STR("something went wrong on our side") : ctx->message;

        if (!ctx->err)
                (void)fail(ctx, e, "failed without a reason");
        reply_text(c->reply, err_status(e), "application/json; charset=utf-8", STR(""));
        o = (struct json_out){.buf = &c->reply->body};
        out_object(&o, NULL);
        out_bool(&o, "success", false);
        out_null(&o, "data");
        out_object(&o, "error");
        out_c(&o, "code", err_code(e));
        out_str(&o, "message", message.ptr ? message : STR("failed"));
        if (ctx->faults.len && e != ERR_INTERNAL)
                write_details(&o, ctx);
        out_end_object(&o);
        out_null(&o, "meta");
        out_end_object(&o);
        c->reply->read = NULL;
        if (ctx->retry_after_ms > 0)
                reply_header(c->reply, "Retry-After",
                             str_printf(ctx->arena, "%lld",
                                        (long long)((ctx->retry_after_ms + 999) / 1000)));
        else if (e == ERR_UNAVAILABLE || e == ERR_TIMEOUT)
                reply_header(c->reply, "Retry-After", STR("1"));
        if (e == ERR_AUTHENTICATION)
                reply_header(c->reply, "WWW-Authenticate", STR("Bearer"));
}

/* A path that holds a token is logged as its pattern: whoever has the token has what it gives. */
static struct str loggable_path(const struct call *c)
{
        return c->route && req_param(c->req, "token").ptr ? c->route->path : c->req->path;
}

void mw_log(struct call *c, int64_t started_ns)
{
        struct str path = loggable_path(c);
        int64_t ns = time_mono_ns() - started_ns;
        int status = c->reply->status;
        enum log_level level = status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;

        if (!c->reply->read) /* a stream lasts as long as its reader */
                metrics_request(c->app->metrics, status, ns);
        if (level == LOG_LEVEL_ERROR) {
                log_error("request failed", LOG_STR("requestId", c->ctx->request_id),
                          LOG_C("method", http_method_name(c->req->method)), LOG_STR("path", path),
                          LOG_I64("status", status), LOG_F64("durationMs", (double)ns / 1e6),
                          LOG_STR("error", c->ctx->message), LOG_C("file", c->ctx->err_file),
                          LOG_I64("line", c->ctx->err_line));
                return;
        }
        log_info("request", LOG_STR("requestId", c->ctx->request_id),
                 LOG_C("method", http_method_name(c->req->method)), LOG_STR("path", path),
                 LOG_I64("status", status), LOG_F64("durationMs", (double)ns / 1e6),
                 LOG_STR("userId", c->actor.user_id));
}
