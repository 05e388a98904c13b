/* Outbound HTTP: clients, batches and results; the side the callers' threads see. See fetch.h. */
#include "fetch/internal.h"

#include "task/retry.h"
#include "task/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const struct {
        const char *name;
        enum err err;
        bool unsent;
} outcomes[] = {
        [FETCH_ANSWERED] = {"answered", OK, false},
        [FETCH_BAD_URL] = {"bad_url", ERR_VALIDATION, true},
        [FETCH_REFUSED] = {"refused", ERR_VALIDATION, true},
        [FETCH_NO_HOST] = {"no_host", ERR_UNAVAILABLE, true},
        [FETCH_NO_CONNECT] = {"no_connect", ERR_UNAVAILABLE, true},
        [FETCH_TLS] = {"tls", ERR_UNAVAILABLE, true},
        [FETCH_TIMED_OUT] = {"timed_out", ERR_TIMEOUT, false},
        [FETCH_TOO_LARGE] = {"too_large", ERR_TOO_LARGE, false},
        [FETCH_BROKEN] = {"broken", ERR_UNAVAILABLE, false},
        [FETCH_REDIRECT] = {"redirect", ERR_UNAVAILABLE, false},
        [FETCH_CANCELLED] = {"cancelled", ERR_CANCELLED, false},
};

const char *fetch_outcome_name(enum fetch_outcome outcome)
{
        return outcomes[outcome].name;
}

enum err fetch_outcome_err(enum fetch_outcome outcome)
{
        return outcomes[outcome].err;
}

bool fetch_outcome_unsent(enum fetch_outcome outcome)
{
        return outcomes[outcome].unsent;
}

static struct fetch_config with_defaults(struct arena *a, const struct fetch_config *config)
{
        struct fetch_config c = *config;

        c.inflight_max = c.inflight_max ? c.inflight_max : 2000;
        c.per_host_max = c.per_host_max ? c.per_host_max : 64;
        c.timeout_ms = c.timeout_ms ? c.timeout_ms : 30000;
        c.connect_timeout_ms = c.connect_timeout_ms ? c.connect_timeout_ms : 10000;
        c.body_max = c.body_max ? c.body_max : (size_t)4 << 20;
        c.user_agent = str_dup(a, c.user_agent.len ? c.user_agent : STR("millrace"));
        c.egress_allow = str_dup(a, c.egress_allow);
        c.ca_file = str_dup(a, c.ca_file);
        c.dns_servers = str_dup(a, c.dns_servers);
        return c;
}

/* Frees all but the thread, which must have ended or never have begun. */
static void client_free(struct fetch_client *c)
{
        for (size_t i = 0; i < c->spare_count; i++)
                curl_easy_cleanup(c->spare[i]);
        if (c->multi)
                curl_multi_cleanup(c->multi);
        resolver_close(c);
        host_free_all(c);
        mem_free(c->spare);
        mem_free(c->heap);
        if (c->wake_fd >= 0)
                close(c->wake_fd);
        if (c->timer_fd >= 0)
                close(c->timer_fd);
        if (c->epoll_fd >= 0)
                close(c->epoll_fd);
        pthread_mutex_destroy(&c->lock);
        arena_finish(&c->arena);
        mem_free(c);
}

static bool client_start(struct fetch_client *c)
{
        c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->epoll_fd < 0 || c->timer_fd < 0 || c->wake_fd < 0)
                return false;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
            ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
                return false;
        c->multi = curl_multi_init();
        return c->multi && resolver_open(c) &&
               pthread_create(&c->thread, NULL, loop_thread, c) == 0;
}

enum err fetch_open(struct ctx *ctx, const struct fetch_config *config, struct fetch_client **ret)
{
        struct fetch_client *c = mem_alloc(sizeof *c);
        struct ctx own;

        arena_init(&c->arena, 1 << 20);
        ctx_init(&own, &c->arena);
        pthread_mutex_init(&c->lock, NULL);
        c->inbox_last = &c->inbox;
        c->ring_last = &c->ring;
        c->epoll_fd = c->timer_fd = c->wake_fd = -1;
        c->config = with_defaults(&c->arena, config);
        if (egress_policy_parse(&own, c->config.egress_allow, &c->policy) != OK) {
                enum err e = fail(ctx, ERR_VALIDATION, "egress allow list: %.*s", FMT(own.message));

                client_free(c);
                return e;
        }
        if (!client_start(c)) {
                client_free(c);
                return fail(ctx, ERR_INTERNAL, "cannot start the outbound loop");
        }
        *ret = c;
        return OK;
}

static void wake(struct fetch_client *c)
{
        uint64_t one = 1;

        if (write(c->wake_fd, &one, sizeof one) < 0)
                return; /* the counter is at its maximum: the loop is awake anyway */
}

void fetch_close(struct fetch_client *c)
{
        if (!c)
                return;
        pthread_mutex_lock(&c->lock);
        c->ending = true;
        pthread_mutex_unlock(&c->lock);
        wake(c);
        pthread_join(c->thread, NULL);
        client_free(c);
}

const struct egress_policy *fetch_policy(const struct fetch_client *client)
{
        return client->policy;
}

static void command(struct fetch_batch *batch, enum command_kind kind, struct call *call)
{
        struct fetch_client *c = batch->client;
        struct command *cmd = mem_alloc(sizeof *cmd);

        cmd->kind = kind;
        cmd->call = call;
        cmd->batch = batch;
        pthread_mutex_lock(&c->lock);
        bool first = !c->inbox;

        *c->inbox_last = cmd;
        c->inbox_last = &cmd->next;
        pthread_mutex_unlock(&c->lock);
        if (first)
                wake(c);
}

void batch_command(struct fetch_batch *batch, enum command_kind kind)
{
        pthread_mutex_lock(&batch->lock);
        batch->commands++;
        pthread_mutex_unlock(&batch->lock);
        command(batch, kind, NULL);
}

static void call_free(struct call *call)
{
        buf_finish(&call->head);
        buf_finish(&call->data);
        arena_finish(&call->arena);
        mem_free(call);
}

struct fetch_batch *batch_new(struct fetch_client *client, bool single)
{
        struct fetch_batch *b = mem_alloc(sizeof *b);

        b->client = client;
        b->single = single;
        pthread_mutex_init(&b->lock, NULL);
        task_cond_init(&b->changed);
        /* Never full: a piece is at most what curl hands out at once. */
        buf_init(&b->stream, NULL, STREAM_MAX + CURL_MAX_WRITE_SIZE);
        buf_init(&b->stream_head, NULL, HEAD_MAX);
        return b;
}

struct fetch_batch *fetch_batch_open(struct fetch_client *client)
{
        return batch_new(client, false);
}

void fetch_batch_close(struct fetch_batch *b)
{
        if (!b)
                return;
        batch_command(b, COMMAND_CANCEL);
        pthread_mutex_lock(&b->lock);
        while (b->running || b->commands)
                pthread_cond_wait(&b->changed, &b->lock);
        pthread_mutex_unlock(&b->lock);
        for (struct call *call = b->finished.first, *next; call; call = next) {
                next = call->next;
                call_free(call);
        }
        buf_finish(&b->stream);
        buf_finish(&b->stream_head);
        pthread_cond_destroy(&b->changed);
        pthread_mutex_destroy(&b->lock);
        mem_free(b);
}

void fetch_batch_closep(struct fetch_batch **batch)
{
        fetch_batch_close(*batch);
}

void fetch_batch_wait(struct ctx *ctx, struct fetch_batch *b)
{
        bool in_time = true;

        pthread_mutex_lock(&b->lock);
        while (!b->finished.first && !b->woken && in_time)
                in_time = task_cond_wait(&b->changed, &b->lock, ctx->deadline_ns);
        b->woken = false;
        pthread_mutex_unlock(&b->lock);
}

void fetch_batch_wake(struct fetch_batch *b)
{
        pthread_mutex_lock(&b->lock);
        b->woken = true;
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
}

void fetch_batch_cancel(struct fetch_batch *b)
{
        batch_command(b, COMMAND_CANCEL);
}

size_t fetch_batch_pending(struct fetch_batch *b)
{
        pthread_mutex_lock(&b->lock);
        size_t n = b->running + b->finished_count;

        pthread_mutex_unlock(&b->lock);
        return n;
}

static void copy_request(struct call *call, const struct fetch_req *req)
{
        struct arena *a = &call->arena;

        call->method = str_to_c(a, req->method.ptr ? req->method : STR("GET"));
        call->header_count = req->header_count;
        call->headers = arena_alloc_array(a, req->header_count, sizeof *call->headers);
        for (size_t i = 0; i < req->header_count; i++) {
                call->headers[i].name = str_dup(a, req->headers[i].name);
                call->headers[i].value = str_dup(a, req->headers[i].value);
        }
        if (req->body.ptr)
                call->body = str_dup(a, req->body);
        call->part_count = req->body_part_count;
        call->parts = arena_dup(a, req->body_parts, req->body_part_count * sizeof *call->parts);
        call->redirects_left = MIN_OF(MAX_OF(req->redirects, 0), REDIRECTS_MAX);
}

static struct call *call_new(struct ctx *ctx, struct fetch_batch *batch,
                             const struct fetch_req *req, bool stream)
{
        const struct fetch_config *conf = &batch->client->config;
        struct call *call = mem_alloc(sizeof *call);
        int64_t timeout_ms = req->timeout_ms ? req->timeout_ms : stream ? 0 : conf->timeout_ms;
        int64_t connect_ms =
                req->connect_timeout_ms ? req->connect_timeout_ms : conf->connect_timeout_ms;

        arena_init(&call->arena, SIZE_MAX / 4);
        call->batch = batch;
        call->stream = stream;
        call->timeout_ns = timeout_ms * NS_PER_MS;
        call->connect_ns = connect_ms * NS_PER_MS;
        call->deadline_ns = ctx->deadline_ns;
        call->started_ns = time_mono_ns();
        call->body_max = req->body_max ? req->body_max : stream ? 0 : conf->body_max;
        buf_init(&call->head, NULL, HEAD_MAX);
        buf_init(&call->data, NULL, call->body_max);
        return call;
}

/* What can be refused at once is; else the canonical URL and the copies are in the call. */
static enum fetch_outcome prepare(struct call *call, const struct fetch_req *req)
{
        struct ctx own;
        enum fetch_outcome outcome = FETCH_ANSWERED;

        ctx_init(&own, &call->arena);
        if (egress_url_parse(&own, req->url, &call->url) != OK) {
                call->url = (struct egress_url){.url = str_dup(&call->arena, req->url)};
                call->message = own.message;
                outcome = FETCH_BAD_URL;
        } else if (!transfer_headers_valid(req)) {
                call->message = STR("the request's method or a header is not allowed");
                outcome = FETCH_BAD_URL;
        } else {
                copy_request(call, req);
        }
        return outcome;
}

void batch_start(struct ctx *ctx, struct fetch_batch *batch, const struct fetch_req *req,
                 uint64_t tag, int64_t not_before_ns, bool stream)
{
        struct call *call = call_new(ctx, batch, req, stream);
        enum fetch_outcome outcome = prepare(call, req);

        call->tag = tag;
        call->not_before_ns = not_before_ns;
        batch->client->started++;
        pthread_mutex_lock(&batch->lock);
        if (outcome == FETCH_ANSWERED) {
                batch->running++;
        } else {
                call->outcome = outcome;
                call->state = CALL_FINISHED;
                batch->client->failed++;
                call_list_push(&batch->finished, call);
                batch->finished_count++;
                pthread_cond_broadcast(&batch->changed);
        }
        pthread_mutex_unlock(&batch->lock);
        if (outcome == FETCH_ANSWERED)
                command(batch, COMMAND_CALL, call);
}

void fetch_start(struct ctx *ctx, struct fetch_batch *batch, const struct fetch_req *req,
                 uint64_t tag, int64_t not_before_ns)
{
        batch_start(ctx, batch, req, tag, not_before_ns, false);
}

void head_parse(struct arena *a, struct str head, struct fetch_res *ret)
{
        LIST(struct fetch_header) list = {0};
        struct str line;

        while (str_split(&head, '\n', &line)) {
                size_t colon = str_find_char(line, ':');

                if (colon == SIZE_MAX || str_starts(line, STR("HTTP/")))
                        continue;
                struct fetch_header *h = LIST_ADD(a, &list);

                h->name = str_trim(str_slice(line, 0, colon));
                h->value = str_trim(str_slice(line, colon + 1, line.len));
        }
        ret->headers = list.ptr;
        ret->header_count = list.len;
        ret->retry_after_ms = retry_after_parse(fetch_header(ret, "retry-after"), time_wall_us());
}

static void fill(struct arena *a, const struct call *call, struct fetch_res *ret)
{
        *ret = (struct fetch_res){
                .tag = call->tag,
                .outcome = call->outcome,
                .message = str_dup(a, call->message),
                .status = call->status,
                .url = str_dup(a, call->url.url),
                .redirects = call->redirects,
                .queued_us = call->queued_us,
                .connect_us = call->connect_us,
                .duration_us = call->duration_us,
        };
        if (call->addr.family)
                ret->addr = egress_addr_text(a, &call->addr);
        if (call->outcome == FETCH_ANSWERED)
                head_parse(a, str_dup(a, buf_str(&call->head)), ret);
        else
                ret->status = 0;
        if (call->outcome == FETCH_ANSWERED && !call->stream)
                ret->body = str_dup(a, buf_str(&call->data));
}

/* Copies the result into the ctx's arena and frees the call. */
static void take(struct ctx *ctx, struct call *call, struct fetch_res *ret)
{
        size_t need = call->data.len + 4 * call->head.len + call->url.url.len + 4096;

        if (call->outcome == FETCH_ANSWERED && need > arena_room(ctx->arena)) {
                call->outcome = FETCH_TOO_LARGE;
                call->message = STR("the answer does not fit the memory of who asked");
        }
        fill(ctx->arena, call, ret);
        call_free(call);
}

enum err fetch_batch_next(struct ctx *ctx, struct fetch_batch *b, struct fetch_res *ret)
{
        bool in_time = true;

        pthread_mutex_lock(&b->lock);
        while (!b->finished.first && b->running && in_time)
                in_time = task_cond_wait(&b->changed, &b->lock, ctx->deadline_ns);
        struct call *call = b->finished.first;
        bool pending = b->running > 0;

        if (call) {
                call_list_remove(&b->finished, call);
                b->finished_count--;
        }
        pthread_mutex_unlock(&b->lock);
        if (call) {
                take(ctx, call, ret);
                return OK;
        }
        if (!pending)
                return fail(ctx, ERR_NOT_FOUND, "no outbound call is pending");
        return fail(ctx, ERR_TIMEOUT, "no outbound call finished before the deadline");
}

enum err result_err(struct ctx *ctx, const struct fetch_res *res)
{
        enum err e = fetch_outcome_err(res->outcome);

        return e == OK ? OK : fail(ctx, e, "%.*s", FMT(res->message));
}

/* The loop ends every call at the deadline itself, so the wait for the result needs none. */
enum err batch_next_at_last(struct ctx *ctx, struct fetch_batch *b, struct fetch_res *ret)
{
        int64_t deadline_ns = ctx->deadline_ns;

        ctx->deadline_ns = 0;
        enum err e = fetch_batch_next(ctx, b, ret);

        ctx->deadline_ns = deadline_ns;
        return e;
}

enum err fetch(struct ctx *ctx, struct fetch_client *client, const struct fetch_req *req,
               struct fetch_res *ret)
{
        _cleanup_(fetch_batch_closep) struct fetch_batch *b = batch_new(client, true);

        fetch_start(ctx, b, req, 0, 0);
        TRY(batch_next_at_last(ctx, b, ret));
        return result_err(ctx, ret);
}

struct fetch_stats fetch_stats(struct fetch_client *c)
{
        return (struct fetch_stats){
                .started = c->started,
                .answered = c->answered,
                .failed = c->failed,
                .refused = c->refused,
                .in_flight = c->in_flight,
                .waiting = c->waiting,
                .hosts = c->hosts,
        };
}

struct str fetch_header(const struct fetch_res *res, const char *name)
{
        for (size_t i = 0; i < res->header_count; i++)
                if (str_eq_nocase(res->headers[i].name, str_from(name)))
                        return res->headers[i].value;
        return STR_NULL;
}
