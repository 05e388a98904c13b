/*
 * The API as a client sees it: calls, the envelope, the access token, and waiting where the server
 * asks for it. One thread.
 *
 * A call that meets a busy, restarting or rate-limited server (429, 502-504, no connection) waits
 * as long as it is told, else with growing pauses, and is repeated; POSTs carry an Idempotency-Key
 * so that a repetition does nothing twice. An expired token is renewed once.
 */
#ifndef MILLRACE_CLI_API_H
#define MILLRACE_CLI_API_H

#include "cli.h"
#include "fetch/fetch.h"

/* Where access tokens come from; renew answers a fresh one. */
struct api_auth {
        enum err (*renew)(void *arg, struct ctx *ctx, struct str *ret_token);
        void *arg;
};

struct api {
        struct cli *cli;
        struct fetch_client *client;
        struct str base; /* "http://localhost:3000/api/v1" */
        struct api_auth auth;
        char token[2048];
        int64_t patience_ms; /* how long a server that does not answer is waited for */
        bool noted_wait;     /* the user was told that the rate limit is waited for */
};

_must_check_ enum err api_open(struct cli *cli, struct str server, const struct api_auth *auth,
                               struct api *ret);
void api_close(struct api *api); /* accepts a zeroed one */

struct api_call {
        const char *method; /* NULL: GET */
        struct str path;    /* "/auth/me" */
        struct str body;    /* JSON, or with content_type anything; STR_NULL: none */
        const char *content_type;
        const struct str *body_parts; /* instead of body, see fetch.h */
        size_t body_part_count;
        struct str idempotency_key;
        size_t answer_max;            /* 0: 64 MiB */
        int64_t timeout_ms;           /* 0: 120 s */
        const struct json **ret_meta; /* may be NULL */
};

/*
 * *ret_data is the envelope's data (NULL allowed when it does not matter). An error of the API
 * becomes its enum err with the API's message, details become ctx->faults. What is returned lives
 * in ctx->arena, which need not be the command's.
 */
_must_check_ enum err api_call(struct api *api, struct ctx *ctx, const struct api_call *call,
                               const struct json **ret_data);
_must_check_ enum err api_get(struct api *api, struct ctx *ctx, struct str path,
                              const struct json **ret_data);

/* Server-sent events of a path until on_event answers false. `opened` is called on each
 * (re)connection, before events; it answers false to end. Reconnects by itself and resumes by
 * Last-Event-ID. */
struct api_events {
        bool (*opened)(void *arg);
        bool (*on_event)(void *arg, struct str event, struct str data);
        void *arg;
};
_must_check_ enum err api_watch(struct api *api, struct str path, const struct api_events *events);

/* ---- the text/event-stream format (sse.c) ---- */

struct sse {
        struct buf line, data;
        char event[64], id[128];
        bool after_cr;
        bool (*on_event)(void *arg, struct str event, struct str data);
        void *arg;
};
void sse_init(struct sse *s);
void sse_finish(struct sse *s);
bool sse_push(struct sse *s, struct str piece); /* false: on_event wants no more */

#endif
