/* Routes of the operations feature. */
#include "features/operations/operations.h"

#include "cache/cache.h"
#include "operations_sql.h"

static const char *cache_word(enum cache_health h)
{
        return h == CACHE_UP ? "up" : h == CACHE_DOWN ? "down" : "off";
}

static bool database_up(struct ctx *ctx)
{
        struct ctx own = *ctx;

        own.deadline_ns = time_mono_ns() + 2 * NS_PER_S;
        return db_query(&own, ctx->app->db, &sql_ping, NO_PARAMS, NULL) == OK;
}

static void write_parts(struct ctx *ctx, struct json_out *o, bool db_is_up)
{
        out_object(o, "parts");
        out_c(o, "database", db_is_up ? "up" : "down");
        out_c(o, "cache", cache_word(cache_health(ctx->app->cache)));
        out_c(o, "sandbox", ctx->app->settings.sandbox_url.len ? "configured" : "off");
        out_end_object(o);
}

static enum err health(struct ctx *ctx, const struct req *req, struct reply *out)
{
        bool up = database_up(ctx);
        struct json_out o;

        reply_begin(out, 200, &o);
        out_object(&o, "data");
        out_c(&o, "status", up ? "ok" : "degraded");
        out_i64(&o, "uptimeSeconds", (time_mono_ns() - ctx->app->started_ns) / NS_PER_S);
        write_parts(ctx, &o, up);
        out_end_object(&o);
        return reply_end(ctx, out, &o, NULL);
}

static enum err readiness(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct json_out o;

        if (!database_up(ctx))
                return fail(ctx, ERR_UNAVAILABLE, "the database does not answer");
        reply_begin(out, 200, &o);
        out_object(&o, "data");
        out_bool(&o, "ready", true);
        write_parts(ctx, &o, true);
        out_end_object(&o);
        return reply_end(ctx, out, &o, NULL);
}

struct metrics_query {
        struct str format;
};

static const struct desc_field metrics_query_fields[] = {
        DESC_F(metrics_query, format, "format", DESC_STR, .flags = DESC_OPTIONAL,
               .schema = "\"enum\":[\"json\",\"prometheus\"]"),
        {0},
};
static const struct desc metrics_query_desc =
        DESC("MetricsQuery", metrics_query, metrics_query_fields);

static enum err metrics(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct metrics_query q = {0};
        struct json_out o;
        struct str accept = req_header(req, "Accept");

        TRY(req_decode_query(ctx, req, &metrics_query_desc, &q));
        if (str_eq(q.format, STR("prometheus")) ||
            (!q.format.ptr && str_find(accept, STR("text/plain")) != SIZE_MAX)) {
                reply_text(out, 200, "text/plain; version=0.0.4; charset=utf-8", STR(""));
                metrics_prometheus(ctx->app, &out->body);
                return OK;
        }
        reply_begin(out, 200, &o);
        metrics_json(ctx->app, &o);
        return reply_end(ctx, out, &o, NULL);
}

static enum err openapi(struct ctx *ctx, const struct req *req, struct reply *out)
{
        reply_text(out, 200, "application/json; charset=utf-8", ctx->app->openapi);
        return OK;
}

static enum err docs(struct ctx *ctx, const struct req *req, struct reply *out)
{
        reply_text(out, 200, "text/html; charset=utf-8", ctx->app->docs);
        return OK;
}

static const struct route routes[] = {
        {HTTP_GET, "/health", ROLE_PUBLIC, health, .flags = ROUTE_NO_RATE,
         .reply_schema = "{\"type\":\"object\"}", .summary = "Is the process alive, and its parts"},
        {HTTP_GET, "/readiness", ROLE_PUBLIC, readiness, .flags = ROUTE_NO_RATE,
         .reply_schema = "{\"type\":\"object\"}", .summary = "503 while a needed part is down"},
        {HTTP_GET, "/metrics", ROLE_PUBLIC, metrics, .flags = ROUTE_NO_RATE,
         .query = &metrics_query_desc, .reply_schema = "{\"type\":\"object\"}",
         .summary = "Counters of this process, JSON or Prometheus text"},
        {HTTP_GET, "/openapi.json", ROLE_PUBLIC, openapi, .flags = ROUTE_NO_RATE | ROUTE_STREAMED,
         .media = "application/json", .summary = "This API as OpenAPI 3.1"},
        {HTTP_GET, "/docs", ROLE_PUBLIC, docs, .flags = ROUTE_NO_RATE | ROUTE_STREAMED,
         .media = "text/html", .summary = "This API as a page"},
        {0},
};

const struct router operations_router = {"", "operations", routes};
