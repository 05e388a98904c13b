/*
 * What the parts of core/fetch share; nobody else includes this. Unless said otherwise everything
 * belongs to the loop thread. A call passes from its starter through the inbox to the loop, and
 * through its batch's list of finished calls to whoever takes it.
 */
#ifndef MILLRACE_CORE_FETCH_INTERNAL_H
#define MILLRACE_CORE_FETCH_INTERNAL_H

#include "fetch/fetch.h"

#include <ares.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#define HEAD_MAX      (64 * 1024)  /* bytes of response headers */
#define STREAM_MAX    (256 * 1024) /* bytes a streamed call holds before it pauses */
#define HOST_ADDRS    8
#define REDIRECTS_MAX 5

enum call_state {
        CALL_INBOX,
        CALL_DELAYED, /* until not_before_ns */
        CALL_IN_LINE, /* for a place at its host */
        CALL_LOOKUP,  /* has a place, waits for the host's addresses */
        CALL_RUNNING, /* in the curl multi handle */
        CALL_FINISHED,
};

struct call {
        struct call *prev, *next; /* in a line, among a host's lookups, or finished */
        struct call *batch_prev, *batch_next;
        struct fetch_batch *batch;
        struct arena arena; /* the request's copies */
        enum call_state state;
        uint64_t tag;

        struct egress_url url;
        const char *method;
        struct fetch_header *headers; /* those still to be sent */
        size_t header_count;
        struct str body;
        struct str *parts; /* a body in parts, the caller's memory */
        size_t part_count, part_at, part_off;
        size_t body_max;
        int redirects_left, redirects;
        int64_t timeout_ns, connect_ns; /* timeout 0: none */
        int64_t not_before_ns, deadline_ns, started_ns, begun_ns;

        size_t timer; /* place in the heap + 1; 0 is none */
        int64_t timer_ns;

        struct host *host;
        bool placed; /* counts as running at its host */
        size_t addr_at;
        struct egress_addr addr; /* the one being connected to */
        CURL *easy;
        struct curl_slist *curl_headers, *connect_to;
        char curl_error[CURL_ERROR_SIZE];

        struct buf head, data; /* heap; data is not used by streamed calls */
        size_t skipped;
        bool stream, paused;
        bool too_large, stopped, refused;

        enum fetch_outcome outcome;
        struct str message;
        int status;
        int64_t queued_us, connect_us, duration_us;
};

struct call_list {
        struct call *first, *last;
};

struct fetch_batch {
        struct fetch_client *client;
        bool single;       /* a call of fetch(): shares its line with the other singles */
        struct call *live; /* through batch_next */

        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t changed;
        struct call_list finished;
        size_t running, finished_count, commands;
        bool woken;
        struct buf stream; /* what a streamed call has received */
        struct buf stream_head;
        int stream_status; /* 0: no answer yet */
        bool stream_paused, stream_stop;
};

/* The calls of one batch (or of all singles) that wait for one host. */
struct flow {
        struct flow *next;
        const struct fetch_batch *batch; /* NULL: the singles */
        struct call_list calls;
};

struct host {
        struct host *chain;          /* in the hash table */
        struct host *next;           /* in the ring of hosts with work to start */
        struct fetch_client *client; /* whose it is */
        uint64_t hash;
        char *origin, *name;
        bool in_ring;
        int running;
        size_t waiting;
        struct flow *flows, **last_flow; /* take turns */

        struct call_list lookups;
        bool looking_up;
        int64_t fresh_to_ns; /* addresses hold until then */
        size_t addr_count;
        struct egress_addr addrs[HOST_ADDRS];
};

struct command {
        struct command *next;
        enum command_kind { COMMAND_CALL, COMMAND_CANCEL, COMMAND_RESUME } kind;
        struct call *call;
        struct fetch_batch *batch;
};

struct fetch_client {
        struct fetch_config config; /* strings in the arena */
        const struct egress_policy *policy;
        struct arena arena; /* of the opener, then constant */
        pthread_t thread;
        int wake_fd;

        pthread_mutex_t lock; /* guards the inbox */
        struct command *inbox, **inbox_last;
        bool ending;

        _Atomic uint64_t started, answered, failed, refused;
        _Atomic size_t in_flight, waiting, hosts;

        /* The loop thread's own. */
        int epoll_fd, timer_fd;
        int64_t armed_ns;
        CURLM *multi;
        int64_t curl_ns; /* when curl wants to be called; 0 is not */
        ares_channel ares;
        bool ares_open;
        int64_t resolv_mtime;
        int lookups;
        struct call **heap;
        size_t heap_len, heap_cap;
        struct host **table;
        size_t table_size;
        struct host *ring, **ring_last;
        CURL **spare;
        size_t spare_count;
};

/* loop.c */
void *loop_thread(void *client);
void loop_watch(struct fetch_client *c, int fd, bool for_ares, bool in, bool out);
void timer_set(struct fetch_client *c, struct call *call, int64_t at_ns);
void timer_clear(struct fetch_client *c, struct call *call);
void call_finish(struct fetch_client *c, struct call *call, enum fetch_outcome outcome,
                 const char *fmt, ...) _printf_(4, 5);
void call_list_push(struct call_list *list, struct call *call);
void call_list_remove(struct call_list *list, struct call *call);

/* host.c: the line before each host, and its addresses */
void host_enqueue(struct fetch_client *c, struct call *call); /* by call->url */
void host_leave(struct fetch_client *c, struct call *call);   /* the line or its place */
void host_pump(struct fetch_client *c);                       /* begins what has a place */
bool resolver_open(struct fetch_client *c);
void resolver_close(struct fetch_client *c);
void host_free_all(struct fetch_client *c);

/* transfer.c: one exchange in curl */
void transfer_begin(struct fetch_client *c, struct call *call); /* the addresses are known */
void transfer_end(struct fetch_client *c, struct call *call);   /* gives the curl handle back */
void transfer_harvest(struct fetch_client *c);
bool transfer_headers_valid(const struct fetch_req *req);

/* fetch.c */
struct fetch_batch *batch_new(struct fetch_client *client, bool single);
void batch_command(struct fetch_batch *batch, enum command_kind kind);
void batch_start(struct ctx *ctx, struct fetch_batch *batch, const struct fetch_req *req,
                 uint64_t tag, int64_t not_before_ns, bool stream);
_must_check_ enum err batch_next_at_last(struct ctx *ctx, struct fetch_batch *b,
                                         struct fetch_res *ret);
_must_check_ enum err result_err(struct ctx *ctx, const struct fetch_res *res);
void head_parse(struct arena *a, struct str head, struct fetch_res *ret);

#endif
