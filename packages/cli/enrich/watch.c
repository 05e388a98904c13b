/*
 * Following a job: the server's events say how far it is; the job itself is read once for each
 * connection, as it may have ended before the events were listened to.
 */
#include "enrich/enrich.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PLAIN_EVERY_NS (5 * NS_PER_S)
#define DRAW_EVERY_NS  (100 * NS_PER_MS)

struct watcher {
        struct enrich *e;
        int64_t started_ns, drawn_ns;
        int64_t done_before; /* cells that were done when the watching began */
        bool seen, line_open;
        struct str final; /* the finished job's JSON text */
        enum err err;
};

static int terminal_columns(void)
{
        struct winsize w = {0};

        return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static int64_t total(const struct json *job, const char *key)
{
        return json_get_i64(json_member(json_member(job, "totals"), key), 0);
}

static bool is_over(const struct json *job)
{
        struct str status = json_member_text(job, "status");

        return status.len && !str_eq_c(status, "queued") && !str_eq_c(status, "running");
}

static void draw(struct watcher *w, const struct json *job, bool last)
{
        struct arena a;
        int64_t now = time_mono_ns();
        bool bar = w->e->progress_bar;
        struct progress p = {
                .cells = total(job, "cells"),
                .found = total(job, "complete"),
                .asked = total(job, "complete") + total(job, "notFound") + total(job, "failed"),
                .credits = json_get_i64(json_member(json_member(job, "credits"), "spent"), 0),
        };

        p.done = p.asked + total(job, "skipped");
        if (!w->seen) {
                w->seen = true;
                w->done_before = p.done;
                w->started_ns = now;
        }
        if (w->e->cli->json ||
            (!last && now - w->drawn_ns < (bar ? DRAW_EVERY_NS : PLAIN_EVERY_NS)))
                return;
        w->drawn_ns = now;
        p.elapsed_ms = (now - w->started_ns) / NS_PER_MS;
        arena_init(&a, 1 << 20);
        struct str line = progress_line(&a, &p, bar, terminal_columns());

        fprintf(stderr, bar ? "\r\033[K%.*s" : "%.*s\n", FMT(line));
        w->line_open = bar;
        arena_finish(&a);
}

/* Notes what an event or an answer says of the job. False when it is over. */
static bool take(struct watcher *w, const struct json *job)
{
        bool over = is_over(job);

        draw(w, job, over);
        if (over)
                w->final = json_text(&w->e->cli->arena, job);
        return !over;
}

static bool look(struct watcher *w)
{
        struct enrich *e = w->e;
        struct arena a;
        struct ctx ctx;
        const struct json *job = NULL;

        arena_init(&a, SIZE_MAX / 2);
        ctx_init(&ctx, &a);
        struct str path = str_printf(&a, "%.*s/jobs/%.*s", FMT(e->workspace), FMT(e->state.job_id));
        bool more = true;

        w->err = api_get(&e->api, &ctx, path, &job);
        if (w->err == OK)
                more = take(w, job);
        else
                more = fail(&e->cli->ctx, w->err, "%.*s", FMT(ctx.message)) == OK;
        arena_finish(&a);
        return more;
}

static bool on_opened(void *arg)
{
        return look(arg);
}

static bool on_event(void *arg, struct str event, struct str data)
{
        struct watcher *w = arg;
        struct arena a;
        struct ctx ctx;
        const struct json *v = NULL, *job;
        bool more = true;

        if (!str_eq_c(event, "job.progress") && !str_eq_c(event, "job.finished"))
                return true;
        arena_init(&a, SIZE_MAX / 2);
        ctx_init(&ctx, &a);
        if (json_parse(&ctx, data, &v) == OK) {
                job = json_is_object(json_member(v, "job")) ? json_member(v, "job") : v;
                if (str_eq(json_member_text(job, "id"), w->e->state.job_id))
                        more = take(w, job);
        }
        arena_finish(&a);
        return more;
}

enum err watch_job(struct enrich *e, const struct json **ret)
{
        struct watcher w = {.e = e};
        const struct api_events events = {on_opened, on_event, &w};
        struct str path = str_printf(&e->cli->arena, "%.*s/tables/%.*s/events", FMT(e->workspace),
                                     FMT(e->state.table_id));
        enum err err = look(&w) ? api_watch(&e->api, path, &events) : w.err;

        if (w.line_open)
                fputc('\n', stderr);
        TRY(err);
        TRY(w.err);
        return json_parse(&e->cli->ctx, w.final, ret);
}
