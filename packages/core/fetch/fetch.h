/*
 * Outbound HTTP: the only way out of the process. One thread runs one libcurl multi handle over
 * epoll and holds thousands of calls in flight; callers wait on a condition variable.
 *
 * Every call passes the egress guard (egress.h): names are resolved here, each address is checked
 * and pinned, each redirect is checked again. Proxy settings of the environment are ignored. TLS
 * certificates are always verified.
 *
 * Calls to one host (scheme, name, port) beyond its limit wait in line; batches take turns, so a
 * batch of thousands does not hold up a single call to the same host; hosts take turns likewise.
 *
 * A client may be used by any thread. A batch belongs to the caller; any thread may start calls,
 * one at a time takes results. Requests are copied at the start; results are copied into the
 * taking ctx's arena.
 *
 * Time: `timeout_ms` runs from the moment a call leaves the line until its last byte, redirects
 * included; the deadline of the ctx that started it bounds all, the wait in line included.
 */
#ifndef MILLRACE_CORE_FETCH_FETCH_H
#define MILLRACE_CORE_FETCH_FETCH_H

#include "err/ctx.h"
#include "fetch/egress.h"

struct fetch_client;
struct fetch_batch;

/* Zero takes the default. */
struct fetch_config {
        int inflight_max;           /* calls in flight, all hosts: 2000 */
        int per_host_max;           /* calls in flight to one host: 64 */
        int64_t timeout_ms;         /* 30,000 */
        int64_t connect_timeout_ms; /* name resolution and TLS included: 10,000 */
        size_t body_max;            /* bytes of a decoded answer: 4 MiB */
        struct str user_agent;      /* "millrace" */
        struct str egress_allow;    /* MILLRACE_EGRESS_ALLOW, see egress_policy_parse() */
        struct str ca_file;         /* PEM of further trusted roots; the system's by default */
        struct str dns_servers;     /* host:port, comma-separated; the system's by default */
};

struct fetch_header {
        struct str name, value;
};

struct fetch_req {
        struct str method; /* "GET" when STR_NULL */
        struct str url;
        const struct fetch_header *headers;
        size_t header_count;
        struct str body; /* sent when ptr is set, with the headers' own Content-Type */
        /* Or the body in parts, one after another. They are not copied: they must stay as they are
         * until the result is taken or the batch is closed. For large ones (a mapped file). */
        const struct str *body_parts;
        size_t body_part_count;

        int64_t timeout_ms; /* 0: the client's */
        int64_t connect_timeout_ms;
        size_t body_max;
        int redirects; /* how many to follow, 0..5; 3xx is an ordinary answer when 0 */
};

/* What became of a call, more finely than an enum err says. */
enum fetch_outcome {
        FETCH_ANSWERED,   /* there is a status, whichever */
        FETCH_BAD_URL,    /* the URL or a header is malformed */
        FETCH_REFUSED,    /* the egress guard said no */
        FETCH_NO_HOST,    /* the name does not resolve */
        FETCH_NO_CONNECT, /* refused, unreachable, or not within connect_timeout_ms */
        FETCH_TLS,        /* handshake or certificate */
        FETCH_TIMED_OUT,  /* timeout_ms or the deadline */
        FETCH_TOO_LARGE,  /* the answer passed body_max */
        FETCH_BROKEN,     /* the connection or the protocol broke */
        FETCH_REDIRECT,   /* too many, or one that must not be followed */
        FETCH_CANCELLED,
};
const char *fetch_outcome_name(enum fetch_outcome outcome); /* "answered", "timed_out", … */
enum err fetch_outcome_err(enum fetch_outcome outcome);     /* OK for FETCH_ANSWERED */
/* The request can not have reached the other side, so sending it again is safe. */
bool fetch_outcome_unsent(enum fetch_outcome outcome);

struct fetch_res {
        uint64_t tag;
        enum fetch_outcome outcome;
        struct str message; /* why there is no answer */

        int status;
        const struct fetch_header *headers;
        size_t header_count;
        struct str body;
        struct str url;         /* the last one requested */
        int redirects;          /* followed */
        int64_t retry_after_ms; /* Retry-After, parsed; 0 is none */

        struct str addr;     /* that was connected to */
        int64_t queued_us;   /* in line */
        int64_t connect_us;  /* resolution, connection and TLS; 0 on a reused connection */
        int64_t duration_us; /* from leaving the line to the last byte */
};

_must_check_ enum err fetch_open(struct ctx *ctx, const struct fetch_config *config,
                                 struct fetch_client **ret);
/* Cancels what is in flight, ends the thread. All batches must be closed. Accepts NULL. */
void fetch_close(struct fetch_client *client);
const struct egress_policy *fetch_policy(const struct fetch_client *client);

/*
 * One call; waits. OK when there was an answer, whatever its status; otherwise the outcome's err
 * with a message, and *ret is filled all the same.
 */
_must_check_ enum err fetch(struct ctx *ctx, struct fetch_client *client,
                            const struct fetch_req *req, struct fetch_res *ret);

/*
 * One call whose body is handed out as it comes, on the calling thread. on_data answering false
 * ends the call (FETCH_CANCELLED). A slow on_data slows the other side down. `idle_ms` bounds the
 * silence between two pieces (0: none). body_max and timeout_ms hold only where the request sets
 * them; body is STR_NULL in the result. on_head (may be NULL) sees status and headers first and may
 * end the call likewise.
 */
struct fetch_stream {
        bool (*on_head)(void *arg, const struct fetch_res *head);
        bool (*on_data)(void *arg, struct str piece);
        void *arg;
        int64_t idle_ms;
};
_must_check_ enum err fetch_streamed(struct ctx *ctx, struct fetch_client *client,
                                     const struct fetch_req *req, const struct fetch_stream *stream,
                                     struct fetch_res *ret);

/* A completion queue: start calls, take results as they finish, in the order they finish. */
struct fetch_batch *fetch_batch_open(struct fetch_client *client);
/* Cancels what is left, waits until the loop has let go of it. Accepts NULL. */
void fetch_batch_close(struct fetch_batch *batch);
void fetch_batch_closep(struct fetch_batch **batch); /* for _cleanup_ */

/*
 * Queues a call. It goes out at `not_before_ns` (monotonic) at the earliest; 0 is now. A malformed
 * request is no error here: it comes back as a result with its outcome.
 */
void fetch_start(struct ctx *ctx, struct fetch_batch *batch, const struct fetch_req *req,
                 uint64_t tag, int64_t not_before_ns);
/* The next finished call. ERR_TIMEOUT at the ctx deadline; ERR_NOT_FOUND when none is pending. */
_must_check_ enum err fetch_batch_next(struct ctx *ctx, struct fetch_batch *batch,
                                       struct fetch_res *ret);
/*
 * For an owner that also waits for other things: returns when a call has finished (take it with
 * fetch_batch_next), fetch_batch_wake() was called since the last wait, or at the ctx deadline.
 * Waits also when no call is pending.
 */
void fetch_batch_wait(struct ctx *ctx, struct fetch_batch *batch);
void fetch_batch_wake(struct fetch_batch *batch); /* any thread */
/* Ends all unfinished calls; they come out of fetch_batch_next() as FETCH_CANCELLED. */
void fetch_batch_cancel(struct fetch_batch *batch);
size_t fetch_batch_pending(struct fetch_batch *batch); /* started and not yet taken */

/* The first header of that name, any case; STR_NULL when there is none. */
struct str fetch_header(const struct fetch_res *res, const char *name);

/* For /metrics and /health. */
struct fetch_stats {
        uint64_t started, answered, failed, refused;
        size_t in_flight, waiting, hosts;
};
struct fetch_stats fetch_stats(struct fetch_client *client);

#endif
