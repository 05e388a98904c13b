/* /_sandbox/…: health, knobs, the log of calls and counters, for tests, benchmarks and people. */
#include "sandbox.h"

#include <string.h>

static void json_reply(struct http_exchange *x, int status)
{
        x->reply.status = status;
        x->reply.content_type = STR("application/json");
}

static void refuse(struct http_exchange *x, int status, struct str message)
{
        struct json_out o = {&x->reply.body, false};

        json_reply(x, status);
        buf_reset(&x->reply.body);
        out_object(&o, NULL);
        out_str(&o, "error", message);
        out_end_object(&o);
}

static void health(struct sandbox *box, struct http_exchange *x)
{
        struct json_out o = {&x->reply.body, false};

        json_reply(x, 200);
        out_object(&o, NULL);
        out_c(&o, "status", "ok");
        out_c(&o, "note", "Demo data: real company facts, invented people. No provider was asked.");
        out_i64(&o, "companies", (int64_t)data_companies(box->data));
        out_i64(&o, "people", (int64_t)data_people(box->data));
        out_array(&o, "providers");
        for (size_t i = 0; i < player_count(); i++)
                out_c(&o, NULL, players[i].slug);
        out_end_array(&o);
        out_end_object(&o);
}

/* ---- knobs ---- */

static void knobs(struct sandbox *box, struct http_exchange *x)
{
        struct json_out o = {&x->reply.body, false};
        const struct json *doc = NULL;

        if (x->req.method == HTTP_PUT && (json_parse(&x->ctx, x->req.body, &doc) != OK ||
                                          knobs_change(&x->ctx, box->knobs, doc) != OK)) {
                refuse(x, 400, x->ctx.message);
                return;
        }
        if (x->req.method == HTTP_DELETE)
                knobs_reset(box->knobs);
        json_reply(x, 200);
        knobs_write(box->knobs, &o);
}

/* ---- the log, streamed ---- */

struct listing {
        struct call_log *log;
        struct str slug;
        uint64_t after;
        int64_t left; /* lines that may still come */
        struct buf line;
        size_t at; /* of the line already given out */
};

static bool next_line(struct listing *l)
{
        if (l->left <= 0)
                return false;
        l->at = 0;
        buf_reset(&l->line);
        l->after = log_next(l->log, l->after, l->slug, &l->line);
        l->left--;
        return l->after != 0;
}

static int64_t listing_read(void *state, char *out, size_t max)
{
        struct listing *l = state;
        size_t n = 0;

        while (n < max) {
                size_t take;

                if (l->at == l->line.len && !next_line(l)) {
                        l->left = 0;
                        break;
                }
                take = MIN_OF(l->line.len - l->at, max - n);
                memcpy(out + n, l->line.ptr + l->at, take);
                l->at += take;
                n += take;
        }
        return (int64_t)n;
}

static void listing_close(void *state)
{
        buf_finish(&((struct listing *)state)->line);
}

static void calls(struct sandbox *box, struct http_exchange *x)
{
        struct listing *l = arena_new(&x->arena, struct listing);
        struct str after = req_query(&x->req, "after"), limit = req_query(&x->req, "limit");

        if (x->req.method == HTTP_DELETE) {
                log_clear(box->log);
                json_reply(x, 200);
                buf_add_c(&x->reply.body, "{\"cleared\":true}");
                return;
        }
        l->log = box->log;
        l->slug = req_query(&x->req, "slug");
        l->after = (uint64_t)number_of(after);
        l->left = limit.len ? number_of(limit) : INT64_MAX;
        buf_init(&l->line, NULL, 64 << 10);
        json_reply(x, 200);
        x->reply.content_type = STR("application/x-ndjson");
        x->reply.read = listing_read;
        x->reply.read_close = listing_close;
        x->reply.read_state = l;
}

static void stats(struct sandbox *box, struct http_exchange *x)
{
        struct json_out o = {&x->reply.body, false};

        json_reply(x, 200);
        out_object(&o, NULL);
        out_i64(&o, "uptimeMs", (time_wall_us() - box->started_us) / 1000);
        out_i64(&o, "inFlight", __atomic_load_n(&box->active, __ATOMIC_RELAXED));
        out_i64(&o, "inFlightMost", __atomic_load_n(&box->active_most, __ATOMIC_RELAXED));
        log_stats(box->log, &o);
        out_end_object(&o);
}

void serve_control(struct sandbox *box, struct http_exchange *x)
{
        enum http_method m = x->req.method;
        struct str path = x->req.path;

        reply_header(&x->reply, "X-Millrace-Sandbox", STR("demo data"));
        if (m == HTTP_GET && str_eq(path, STR("/_sandbox/health")))
                health(box, x);
        else if (m == HTTP_GET && str_eq(path, STR("/_sandbox/stats")))
                stats(box, x);
        else if ((m == HTTP_GET || m == HTTP_PUT || m == HTTP_DELETE) &&
                 str_eq(path, STR("/_sandbox/knobs")))
                knobs(box, x);
        else if ((m == HTTP_GET || m == HTTP_DELETE) && str_eq(path, STR("/_sandbox/calls")))
                calls(box, x);
        else
                refuse(x, 404,
                       STR("there are GET /_sandbox/health, /stats, /calls and /knobs, PUT "
                           "/_sandbox/knobs, DELETE /_sandbox/calls and /knobs"));
}
