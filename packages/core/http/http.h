/*
 * HTTP server over libmicrohttpd, one thread per live connection, straight-line handlers.
 *
 * The server hands every request to two functions of its owner: `begin` once the headers are there
 * (it chooses how the body is taken, or answers at once), `run` once the body is complete (it fills
 * the reply). A `struct http_exchange` owns all of one request: its arena, ctx, request, reply; it
 * belongs to the connection's thread until `done`.
 *
 * Bodies: into memory up to a limit, or multipart/form-data with each file streamed to a spool file
 * that is removed after the request unless the handler takes it (http_file_take).
 */
#ifndef MILLRACE_CORE_HTTP_HTTP_H
#define MILLRACE_CORE_HTTP_HTTP_H

#include "err/ctx.h"
#include "json/json.h"

enum http_method {
        HTTP_GET,
        HTTP_POST,
        HTTP_PUT,
        HTTP_PATCH,
        HTTP_DELETE,
        HTTP_OPTIONS,
        HTTP_OTHER
};
const char *http_method_name(enum http_method m);

struct http_pair {
        struct str name, value;
};
typedef LIST(struct http_pair) http_pairs;

struct http_file {
        struct str field, name; /* form field, the client's file name */
        struct str path;        /* of the spool file */
        struct str sha256;      /* of its content, hex */
        int64_t size;
        bool taken;
};

struct req {
        enum http_method method;
        bool head;               /* HEAD: a GET without a body in the answer */
        struct str path;         /* percent-decoded, without the query */
        struct str target;       /* as it came */
        http_pairs query;        /* decoded, in order */
        http_pairs params;       /* of the route: :name */
        struct str remote;       /* address of the peer, text */
        struct str content_type; /* lower case, without parameters */
        int64_t content_length;  /* -1 when not said */
        struct str body;
        const struct json *json;       /* parsed body, where the route has one */
        const struct json *query_json; /* query as an object, typed by the route */
        http_pairs form;               /* multipart fields that are not files */
        LIST(struct http_file) files;
        void *connection;
};

struct str req_header(const struct req *req, const char *name);
struct str req_param(const struct req *req, const char *name); /* STR_NULL when absent */
struct str req_query(const struct req *req, const char *name);

/* Where the body of a streamed reply comes from: fills up to max bytes, waits when there is none
 * yet. > 0 bytes, 0 end, < 0 failure (the connection is cut). Runs on the connection's thread. */
typedef int64_t http_read_fn(void *state, char *out, size_t max);

struct reply {
        int status;
        struct str content_type;
        http_pairs headers;
        struct buf body;    /* heap; handed to the connection without a copy */
        http_read_fn *read; /* a streamed reply instead of body */
        void (*read_close)(void *state);
        void *read_state;
        struct arena *arena;
};

void reply_header(struct reply *out, const char *name, struct str value); /* replaces */

enum http_body { HTTP_BODY_MEMORY, HTTP_BODY_MULTIPART };

struct http_exchange {
        struct arena arena;
        struct ctx ctx;
        struct req req;
        struct reply reply;
        int64_t started_ns;
        enum http_body body_mode;
        int64_t body_max;
        const char *spool_dir;
        void *user;  /* the owner's, from begin to done */
        void *state; /* the server's */
};

struct http_server_config {
        const char *bind;
        int port;
        int connections_max, per_address_max;
        int timeout_s; /* of an idle connection or a stalled peer */
        /* true: go on with the body; false: the reply is ready, the body is not wanted */
        bool (*begin)(void *owner, struct http_exchange *x);
        void (*run)(void *owner, struct http_exchange *x);
        void (*done)(void *owner, struct http_exchange *x);
        void *owner;
};

struct http_server;
_must_check_ enum err http_server_open(struct ctx *ctx, const struct http_server_config *config,
                                       struct http_server **ret);
int http_server_port(const struct http_server *s);
int http_server_active(const struct http_server *s); /* requests being answered */
/* No new connections; those there may finish their request. */
void http_server_quiesce(struct http_server *s);
void http_server_close(struct http_server *s); /* waits for all connection threads */

/* Moves a spool file to `path`; the caller owns it from then on. */
_must_check_ enum err http_file_take(struct ctx *ctx, struct http_file *file, struct str path);

/* application/x-www-form-urlencoded text into decoded pairs. */
void http_query_parse(struct arena *a, struct str text, http_pairs *ret);
/* Percent-decoding; a malformed escape stays as it is. */
struct str http_percent_decode(struct arena *a, struct str s, bool plus_is_space);

#endif
