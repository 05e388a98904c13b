/* One call to a played provider: credential, chance, answer, log. */
#include "sandbox.h"

#include <string.h>

/* ---- which provider, which question ---- */

static const struct player *player_at(struct str path, size_t *ret_index, struct str *ret_rest)
{
        for (size_t i = 0; i < player_count(); i++) {
                struct str slug = str_from(players[i].slug);

                if (path.len > slug.len + 1 && path.ptr[slug.len + 1] == '/' &&
                    str_eq(str_slice(path, 1, slug.len), slug)) {
                        *ret_index = i;
                        *ret_rest = str_slice(path, slug.len + 1, path.len);
                        return &players[i];
                }
        }
        return NULL;
}

/* "GET /v2/companies/find?domain=sap.com", without the credential; a POST's body behind it. */
static struct str question_of(struct ctx *ctx, const struct player *p, const struct req *req)
{
        struct buf b;
        char mark = '?';

        buf_init(&b, ctx->arena, 128 << 10);
        buf_printf(&b, "%s %s", http_method_name(p->method), p->path);
        LIST_EACH (q, &req->query) {
                if (p->auth == BY_QUERY && str_eq_c(q->name, p->auth_name))
                        continue;
                buf_add_char(&b, mark);
                buf_printf(&b, "%.*s=%.*s", FMT(q->name), FMT(q->value));
                mark = '&';
        }
        if (req->body.len) {
                buf_add_char(&b, ' ');
                buf_add(&b, req->body);
        }
        return buf_str(&b);
}

/* ---- credential ---- */

/* Any key will do, but "invalid…" is refused and "empty…" has no credits left. */
static bool admitted(struct call *c)
{
        const struct player *p = c->player;
        struct str key = p->auth == BY_QUERY ? req_query(c->req, p->auth_name)
                                             : req_header(c->req, p->auth_name);
        int refused = p->errors == STYLE_ZEROBOUNCE || p->errors == STYLE_BUILTWITH ? 200 : 401;

        if (str_starts(key, STR("Bearer ")))
                key = str_slice(key, 7, key.len);
        if (!key.len || str_starts(key, STR("invalid"))) {
                call_error(c, refused, "auth_error", "authentication_failed",
                           p->errors == STYLE_ZEROBOUNCE
                                   ? "Invalid API key or your account ran out of credits"
                                   : "No user found for the API key supplied");
                return false;
        }
        if (str_starts(key, STR("empty"))) {
                call_error(c, refused == 200 ? 200 : 402, "auth_error", "payment_required",
                           p->errors == STYLE_ZEROBOUNCE
                                   ? "Invalid API key or your account ran out of credits"
                                   : "There is no API credit left for this key");
                return false;
        }
        return true;
}

/* ---- faults ---- */

/* Texts become numbers, all else becomes text: JSON, but not what is documented. */
static void twist(struct json_out *o, const char *key, const struct json *v)
{
        switch (json_kind(v)) {
        case JSON_KIND_STRING: out_i64(o, key, (int64_t)json_get_str(v).len); break;
        case JSON_KIND_INT:
        case JSON_KIND_DOUBLE: out_c(o, key, "many"); break;
        case JSON_KIND_BOOL: out_c(o, key, "perhaps"); break;
        case JSON_KIND_OBJECT:
                out_object(o, key);
                JSON_EACH_MEMBER (it, v) {
                        out_key_str(o, it.key);
                        twist(o, NULL, it.value);
                }
                out_end_object(o);
                break;
        case JSON_KIND_ARRAY:
                out_array(o, key);
                JSON_EACH_ITEM (i, item, v)
                        twist(o, NULL, item);
                out_end_array(o);
                break;
        default: out_json(o, key, v); break;
        }
}

static void break_schema(struct call *c)
{
        const struct json *doc = NULL;
        struct json_out o = {&c->out, false};

        if (json_parse(c->ctx, str_dup(c->ctx->arena, buf_str(&c->out)), &doc) != OK)
                return;
        buf_reset(&c->out);
        c->status = 200;
        twist(&o, NULL, doc);
}

static void break_syntax(struct call *c, struct str question, uint64_t attempt)
{
        c->status = 200;
        if (chance(c->seed ^ 6, STR(""), question, attempt) < 0.5) {
                c->out.len /= 2;
        } else {
                buf_reset(&c->out);
                buf_add_c(&c->out, "<html><body><h1>502 Bad Gateway</h1></body></html>");
        }
}

/* A body given out a few bytes at a time. */
struct drip {
        struct gate *gate;
        struct str text;
        size_t at;
        int64_t pause_ms;
};

static int64_t drip_read(void *state, char *out, size_t max)
{
        struct drip *d = state;
        size_t n = MIN_OF(MIN_OF(d->text.len - d->at, (size_t)16), max);

        if (!n)
                return 0;
        if (d->at && !gate_wait(d->gate, d->pause_ms))
                return -1;
        memcpy(out, d->text.ptr + d->at, n);
        d->at += n;
        return (int64_t)n;
}

static void drip(struct call *c, struct reply *out)
{
        struct drip *d = arena_new(c->ctx->arena, struct drip);

        *d = (struct drip){&c->box->gate, str_dup(c->ctx->arena, buf_str(&c->out)), 0,
                           (int64_t)c->knobs.value[KNOB_DRIP_MS]};
        out->read = drip_read;
        out->read_state = d;
}

/* Before the answer: what replaces it. True when the call is settled. */
static bool apply_early(struct call *c, enum mishap mishap, struct str question, uint64_t attempt)
{
        static const int failures[] = {500, 502, 503};

        if (mishap == MISHAP_429) {
                call_error(c, 429, mishap_name(mishap), "too_many_requests",
                           "You have made too many requests");
                return true;
        }
        if (mishap == MISHAP_5XX) {
                double u = chance(c->seed ^ 7, STR(""), question, attempt);

                size_t count = ELEMENTS(failures);

                call_error(c, failures[(size_t)(u * (double)count)], mishap_name(mishap),
                           "server_error", "Something went wrong on our side");
                return true;
        }
        return false;
}

/* ---- the whole ---- */

static void log_call(struct call *c, struct str question, uint64_t attempt)
{
        struct call_entry e = {.slug = c->player->slug,
                               .fate = c->fate,
                               .question = question,
                               .idempotency_key = req_header(c->req, "Idempotency-Key"),
                               .attempt = attempt,
                               .status = c->status};

        log_add(c->box->log, &e);
}

/* Decides and logs; true when there is something to send. */
static bool play(struct call *c, struct str question, struct reply *out)
{
        uint64_t attempt = log_attempt(c->box->log, c->player->slug, question);
        struct str slug = str_from(c->player->slug);
        enum mishap mishap = fate_of(&c->knobs, c->seed, slug, question, attempt);
        bool sent =
                gate_wait(&c->box->gate, latency_ms(&c->knobs, c->seed, slug, question, attempt));

        if (mishap == MISHAP_HANG) {
                c->fate = mishap_name(mishap);
                log_call(c, question, attempt);
                (void)gate_wait(&c->box->gate, (int64_t)c->knobs.value[KNOB_HANG_MS]);
                return false;
        }
        if (!sent)
                return false; /* the server stops; nothing was answered, nothing is logged */
        if (admitted(c) && !apply_early(c, mishap, question, attempt))
                c->player->answer(c);
        if (mishap == MISHAP_MALFORMED)
                break_syntax(c, question, attempt);
        else if (mishap == MISHAP_SCHEMA)
                break_schema(c);
        else if (mishap == MISHAP_DRIP)
                drip(c, out);
        if (mishap == MISHAP_MALFORMED || mishap == MISHAP_SCHEMA)
                c->fate = mishap_name(mishap);
        log_call(c, question, attempt);
        return true;
}

static void hang_up(struct reply *out);

static void not_played(struct http_exchange *x)
{
        x->reply.status = 404;
        x->reply.content_type = STR("application/json");
        buf_add_c(&x->reply.body, "{\"error\":\"the sandbox plays nothing here; see /_sandbox/\"}");
}

static void answer(struct call *c, struct reply *out)
{
        out->status = c->status;
        out->content_type = STR("application/json");
        if (c->status == 429 && c->knobs.value[KNOB_RETRY_AFTER] > 0)
                reply_header(out, "Retry-After",
                             str_printf(c->ctx->arena, "%.0f", c->knobs.value[KNOB_RETRY_AFTER]));
        if (!out->read)
                buf_add(&out->body, buf_str(&c->out));
}

void serve_provider(struct sandbox *box, struct http_exchange *x)
{
        struct call c = {.ctx = &x->ctx, .box = box, .req = &x->req, .fate = "hit"};
        struct str rest = STR_NULL;
        size_t index = 0;
        int now;

        reply_header(&x->reply, "X-Millrace-Sandbox", STR("demo data"));
        c.player = player_at(x->req.path, &index, &rest);
        if (!c.player || c.player->method != x->req.method || !str_eq_c(rest, c.player->path)) {
                not_played(x);
                return;
        }
        now = __atomic_add_fetch(&box->active, 1, __ATOMIC_RELAXED);
        if (now > __atomic_load_n(&box->active_most, __ATOMIC_RELAXED))
                __atomic_store_n(&box->active_most, now, __ATOMIC_RELAXED);
        c.knobs = knobs_of(box->knobs, index, &c.seed);
        if (x->req.body.len && json_parse(c.ctx, x->req.body, &c.body) != OK)
                ctx_clear(c.ctx);
        buf_init(&c.out, &x->arena, 1 << 20);
        if (play(&c, question_of(c.ctx, c.player, &x->req), &x->reply))
                answer(&c, &x->reply);
        else
                hang_up(&x->reply);
        __atomic_sub_fetch(&box->active, 1, __ATOMIC_RELAXED);
}

static int64_t cut(void *state, char *out, size_t max)
{
        return -1;
}

/* No answer at all: the connection is cut. */
static void hang_up(struct reply *out)
{
        out->status = 504;
        out->read = cut;
}
