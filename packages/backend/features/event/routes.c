/* GET T/events: a table's events as they happen (server-sent events). */
#include <string.h>
#include "base/route.h"
#include "features/event/event.h"
#include "features/event/repo.h"

/* A stream being sent: the bytes that are ready, and where they come from. */
struct sending {
        struct event_stream *stream;
        struct buf ready; /* heap */
        size_t sent;
};

static int64_t send_some(void *state, char *out, size_t max)
{
        struct sending *s = state;
        struct arena arena;
        struct ctx ctx;

        if (s->sent >= s->ready.len) {
                arena_init(&arena, (size_t)32 << 20);
                ctx_init(&ctx, &arena);
                buf_reset(&s->ready);
                s->sent = 0;
                enum err e = event_stream_next(&ctx, s->stream, &s->ready);

                arena_finish(&arena);
                if (e != OK)
                        return e == ERR_CANCELLED ? 0 : -1;
        }
        size_t n = MIN_OF(max, s->ready.len - s->sent);

        memcpy(out, s->ready.ptr + s->sent, n);
        s->sent += n;
        return (int64_t)n;
}

static void send_end(void *state)
{
        struct sending *s = state;

        event_stream_close(s->stream);
        buf_finish(&s->ready);
        mem_free(s);
}

static enum err watch(struct ctx *ctx, const struct req *req, struct reply *out)
{
        struct event_stream *stream;
        struct str table_id = str_lower(ctx->arena, req_param(req, "tableId"));

        TRY(repo_event_watchable(ctx, ctx->app->db, req_param(req, "workspaceId"), table_id));
        TRY(event_stream_open(ctx, ctx->app->events, table_id, req_header(req, "Last-Event-ID"),
                              &stream));
        struct sending *s = mem_alloc(sizeof *s);

        *s = (struct sending){.stream = stream};
        buf_init(&s->ready, NULL, (size_t)32 << 20);
        reply_header(out, "Cache-Control", STR("no-store"));
        reply_header(out, "X-Accel-Buffering", STR("no")); /* a proxy in front must not hold back */
        reply_stream(out, 200, "text/event-stream", send_some, send_end, s);
        return OK;
}

static const struct route routes[] = {
        {HTTP_GET, "/events", ROLE_VIEWER, watch, .flags = ROUTE_STREAMED,
         .media = "text/event-stream",
         .summary = "Watch a table: record.updated, records.changed, job.progress, job.finished, "
                    "table.changed; resumes by Last-Event-ID"},
        {0},
};
const struct router event_router = {"/workspaces/:workspaceId/tables/:tableId", "records", routes};
