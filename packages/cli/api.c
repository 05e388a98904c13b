/* Calls to the API. See api.h. */
#include "api.h"

#include <string.h>

#include "task/retry.h"
#include "task/task.h"

#define ANSWER_MAX  ((size_t)64 << 20)
#define TIMEOUT_MS  120000
#define PATIENCE_MS 30000
#define SILENCE_MS  60000 /* the server pings every 15 s */
#define WAIT_MAX_MS 120000

enum err api_open(struct cli *cli, struct str server, const struct api_auth *auth, struct api *ret)
{
        struct ctx *ctx = &cli->ctx;
        struct egress_url url;

        *ret = (struct api){.cli = cli, .auth = *auth, .patience_ms = PATIENCE_MS};
        TRY(egress_url_parse(ctx, server, &url));
        ret->base = str_printf(&cli->arena, "%.*s/api/v1", FMT(server));
        /* The user named this server: its address may be private. */
        struct str allow = str_printf(&cli->arena, "%.*s:%d", FMT(url.host), url.port);
        struct fetch_config config = {.inflight_max = 4,
                                      .user_agent = STR("millrace-cli/" MILLRACE_VERSION),
                                      .egress_allow = allow};

        if (url.literal && url.addr.family == 6)
                config.egress_allow = str_printf(&cli->arena, "[%.*s]:%d", FMT(url.host), url.port);
        return fetch_open(ctx, &config, &ret->client);
}

void api_close(struct api *api)
{
        fetch_close(api->client);
        memset(api->token, 0, sizeof api->token);
        api->client = NULL;
}

static enum err renew(struct api *api, struct ctx *ctx)
{
        struct str token;

        TRY(api->auth.renew(api->auth.arg, ctx, &token));
        if (token.len >= sizeof api->token)
                return fail(ctx, ERR_AUTHENTICATION, "the access token is too long");
        memcpy(api->token, token.ptr, token.len);
        api->token[token.len] = '\0';
        return OK;
}

/* The request with its headers; they live in ctx->arena. */
static struct fetch_req make_request(struct api *api, struct ctx *ctx, const struct api_call *call)
{
        struct fetch_header *h = arena_alloc_array(ctx->arena, 5, sizeof *h);
        size_t n = 0;

        h[n++] = (struct fetch_header){STR("Authorization"),
                                       str_printf(ctx->arena, "Bearer %s", api->token)};
        h[n++] = (struct fetch_header){STR("Accept"), STR("application/json, */*;q=0.5")};
        if (call->body.ptr || call->body_part_count)
                h[n++] = (struct fetch_header){
                        STR("Content-Type"),
                        str_from(call->content_type ? call->content_type : "application/json")};
        if (call->idempotency_key.ptr)
                h[n++] = (struct fetch_header){STR("Idempotency-Key"), call->idempotency_key};
        return (struct fetch_req){
                .method = str_from(call->method ? call->method : "GET"),
                .url = str_printf(ctx->arena, "%.*s%.*s", FMT(api->base), FMT(call->path)),
                .headers = h,
                .header_count = n,
                .body = call->body,
                .body_parts = call->body_parts,
                .body_part_count = call->body_part_count,
                .timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_MS,
                .body_max = call->answer_max ? call->answer_max : ANSWER_MAX,
        };
}

static enum err err_of_code(struct str code, int status)
{
        for (int e = OK + 1; e < ERR_MAX; e++)
                if (str_eq_c(code, err_code((enum err)e)))
                        return (enum err)e;
        return status >= 500 ? ERR_UNAVAILABLE : status == 404 ? ERR_NOT_FOUND : ERR_INTERNAL;
}

/* The envelope's error as ours. */
static enum err api_error(struct ctx *ctx, const struct json *answer, int status)
{
        const struct json *error = json_member(answer, "error");
        struct str message = json_member_text(error, "message");

        JSON_EACH_ITEM (i, detail, json_member(error, "details"))
                ctx_fault(ctx, str_dup(ctx->arena, json_member_text(detail, "path")), "api", "%.*s",
                          FMT(json_member_text(detail, "message")));
        if (!message.ptr)
                return fail(ctx, err_of_code(STR_NULL, status),
                            "the server answered %d without saying why", status);
        return fail(ctx, err_of_code(json_member_text(error, "code"), status), "%.*s",
                    FMT(message));
}

static enum err read_answer(struct ctx *ctx, const struct api_call *call,
                            const struct fetch_res *res, const struct json **ret_data)
{
        const struct json *answer = NULL;

        if (json_parse(ctx, res->body, &answer) != OK || !json_is_object(answer)) {
                ctx_clear(ctx);
                return fail(ctx, ERR_UNAVAILABLE, "%.*s answered %d, but not as Millrace does",
                            FMT(res->url), res->status);
        }
        if (res->status >= 300 || !json_get_bool(json_member(answer, "success"), false))
                return api_error(ctx, answer, res->status);
        if (ret_data)
                *ret_data = json_member(answer, "data");
        if (call->ret_meta)
                *call->ret_meta = json_member(answer, "meta");
        return OK;
}

/* How long to wait before the call is repeated; -1: it should not be. */
static int64_t pause_ms(struct api *api, const struct fetch_res *res, enum err e, int attempt,
                        int64_t waited_ms)
{
        static const struct retry_policy policy = {
                .attempts = 1000, .base_ms = 400, .cap_ms = 5000};
        bool limited = e == OK && res->status == 429;
        bool down = e == OK ? res->status == 502 || res->status == 503 || res->status == 504
                            : e == ERR_UNAVAILABLE;

        if (limited) {
                if (!api->noted_wait && !api->cli->json)
                        cli_note(api->cli, "the server's rate limit is reached: waiting");
                api->noted_wait = true;
                return MIN_OF(MAX_OF(res->retry_after_ms, (int64_t)500), (int64_t)WAIT_MAX_MS);
        }
        if (!down || waited_ms >= api->patience_ms)
                return -1;
        return retry_delay_ns(&policy, attempt, (uint64_t)time_mono_ns(), res->retry_after_ms) /
               NS_PER_MS;
}

enum err api_call(struct api *api, struct ctx *ctx, const struct api_call *call,
                  const struct json **ret_data)
{
        struct fetch_res res;
        int64_t waited_ms = 0;
        bool renewed = false;

        if (!api->token[0])
                TRY(renew(api, ctx));
        for (int attempt = 1;; attempt++) {
                struct fetch_req req = make_request(api, ctx, call);
                enum err e = fetch(ctx, api->client, &req, &res);

                if (e == OK && res.status == 401 && !renewed) {
                        renewed = true;
                        TRY(renew(api, ctx));
                        continue;
                }
                int64_t pause = pause_ms(api, &res, e, attempt, waited_ms);

                if (pause < 0 && e != OK)
                        return fail(ctx, e, "cannot reach %.*s: %.*s", FMT(api->base),
                                    FMT(res.message));
                if (pause < 0)
                        return read_answer(ctx, call, &res, ret_data);
                ctx_clear(ctx);
                waited_ms += pause;
                TRY(task_sleep(ctx, pause * NS_PER_MS));
        }
}

enum err api_get(struct api *api, struct ctx *ctx, struct str path, const struct json **ret_data)
{
        return api_call(api, ctx, &(struct api_call){.path = path}, ret_data);
}

/* ---- events ---- */

struct watch {
        const struct api_events *events;
        struct sse sse;
        int status;
        bool done;
};

static bool watch_head(void *arg, const struct fetch_res *head)
{
        struct watch *w = arg;

        w->status = head->status;
        if (head->status == 200 && !w->events->opened(w->events->arg))
                w->done = true;
        return head->status == 200 && !w->done;
}

static bool watch_data(void *arg, struct str piece)
{
        struct watch *w = arg;

        w->done = !sse_push(&w->sse, piece);
        return !w->done;
}

/* One connection, until it ends by itself or the reader has enough. */
static enum err watch_once(struct api *api, struct str path, struct watch *w)
{
        struct arena arena;
        struct ctx ctx;
        struct fetch_res res;

        arena_init(&arena, SIZE_MAX / 2);
        ctx_init(&ctx, &arena);
        struct fetch_req req = make_request(api, &ctx, &(struct api_call){.path = path});
        struct fetch_header *headers =
                arena_alloc_array(&arena, req.header_count + 1, sizeof *headers);
        const struct fetch_stream stream = {
                .on_head = watch_head, .on_data = watch_data, .arg = w, .idle_ms = SILENCE_MS};

        memcpy(headers, req.headers, req.header_count * sizeof *headers);
        if (w->sse.id[0])
                headers[req.header_count++] =
                        (struct fetch_header){STR("Last-Event-ID"), str_from(w->sse.id)};
        req.headers = headers;
        req.timeout_ms = 0;
        req.body_max = 0;
        w->status = 0;
        enum err e = fetch_streamed(&ctx, api->client, &req, &stream, &res);

        if (!w->done && w->status == 401)
                e = renew(api, &ctx);
        if (!w->done && e == ERR_AUTHENTICATION)
                e = fail(&api->cli->ctx, e, "%.*s", FMT(ctx.message));
        arena_finish(&arena);
        return e;
}

enum err api_watch(struct api *api, struct str path, const struct api_events *events)
{
        struct watch w = {.events = events};
        enum err e = OK;

        sse_init(&w.sse);
        w.sse.on_event = events->on_event;
        w.sse.arg = events->arg;
        for (int failures = 0; !w.done && failures < 20; failures++) {
                e = watch_once(api, path, &w);
                if (w.done || e == ERR_AUTHENTICATION)
                        break;
                if (w.status == 404) {
                        e = fail(&api->cli->ctx, ERR_NOT_FOUND, "the table is gone");
                        break;
                }
                if (w.status == 200)
                        failures = 0;
                TRY(task_sleep(&api->cli->ctx, MIN_OF(failures + 1, 5) * NS_PER_S));
        }
        sse_finish(&w.sse);
        if (w.done)
                return OK;
        if (e == ERR_AUTHENTICATION || e == ERR_NOT_FOUND)
                return e;
        return fail(&api->cli->ctx, ERR_UNAVAILABLE, "the server's events cannot be read any more");
}
