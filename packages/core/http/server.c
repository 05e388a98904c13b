/* The HTTP server over libmicrohttpd. See http.h. */
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/multipart.h"

#define DRAIN_BYTES_MAX (10 << 20)
#define ARENA_CAP       ((size_t)512 << 20)
#define STACK_BYTES     ((size_t)2 << 20)

struct http_server {
        struct http_server_config config;
        struct MHD_Daemon *daemon;
        int active;
};

struct stream;

/* Per request, beside the exchange. */
struct state {
        struct http_server *server;
        struct buf body;
        struct multipart *form;
        struct stream *stream;
        bool begun, answered, too_large, failed;
        int64_t received;
};

static const char *const method_names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "?"};

const char *http_method_name(enum http_method m)
{
        return method_names[m];
}

static enum http_method method_parse(const char *s, bool *ret_head)
{
        *ret_head = strcmp(s, "HEAD") == 0;
        if (*ret_head)
                return HTTP_GET;
        for (size_t i = 0; i < ELEMENTS(method_names) - 1; i++)
                if (strcmp(s, method_names[i]) == 0)
                        return (enum http_method)i;
        return HTTP_OTHER;
}

struct str req_header(const struct req *req, const char *name)
{
        return str_from(MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name));
}

static struct str pair_find(const http_pairs *pairs, const char *name)
{
        LIST_EACH (p, pairs) {
                if (str_eq_c(p->name, name))
                        return p->value;
        }
        return STR_NULL;
}

struct str req_param(const struct req *req, const char *name)
{
        return pair_find(&req->params, name);
}

struct str req_query(const struct req *req, const char *name)
{
        return pair_find(&req->query, name);
}

void reply_header(struct reply *out, const char *name, struct str value)
{
        LIST_EACH (p, &out->headers) {
                if (str_eq_nocase(p->name, str_from(name))) {
                        p->value = str_dup(out->arena, value);
                        return;
                }
        }
        LIST_PUSH(out->arena, &out->headers,
                  ((struct http_pair){str_from(arena_strdup(out->arena, name)),
                                      str_dup(out->arena, value)}));
}

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str http_percent_decode(struct arena *a, struct str s, bool plus_is_space)
{
        char *p = arena_alloc(a, s.len + 1);
        size_t n = 0;

        for (size_t i = 0; i < s.len; i++) {
                if (s.ptr[i] == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 &&
                    hex(s.ptr[i + 2]) >= 0) {
                        p[n++] = (char)(hex(s.ptr[i + 1]) << 4 | hex(s.ptr[i + 2]));
                        i += 2;
                } else {
                        p[n++] = plus_is_space && s.ptr[i] == '+' ? ' ' : s.ptr[i];
                }
        }
        return (struct str){p, n};
}

void http_query_parse(struct arena *a, struct str text, http_pairs *ret)
{
        struct str rest = text, part;

        while (rest.ptr && str_split(&rest, '&', &part)) {
                size_t eq = str_find_char(part, '=');

                if (part.len == 0)
                        continue;
                struct str name = str_slice(part, 0, eq);
                struct str value =
                        eq == SIZE_MAX ? STR("") : str_slice(part, eq + 1, part.len - eq - 1);

                LIST_PUSH(a, ret,
                          ((struct http_pair){http_percent_decode(a, name, true),
                                              http_percent_decode(a, value, true)}));
        }
}

static struct str peer_address(struct arena *a, struct MHD_Connection *c)
{
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        char text[INET6_ADDRSTRLEN] = "";

        if (!info || !info->client_addr)
                return STR("");
        if (info->client_addr->sa_family == AF_INET)
                inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)info->client_addr)->sin_addr,
                          text, sizeof text);
        else if (info->client_addr->sa_family == AF_INET6)
                inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)info->client_addr)->sin6_addr,
                          text, sizeof text);
        return str_from(arena_strdup(a, text));
}

static int64_t declared_length(const struct req *req)
{
        int64_t n;

        return str_to_i64(req_header(req, "Content-Length"), &n) && n >= 0 ? n : -1;
}

/* Called with the raw target as soon as the request line is there: makes the exchange. */
static void *on_uri(void *owner, const char *uri, struct MHD_Connection *c)
{
        struct http_server *s = owner;
        struct http_exchange *x = mem_alloc(sizeof *x);
        struct state *st;

        arena_init(&x->arena, ARENA_CAP);
        ctx_init(&x->ctx, &x->arena);
        st = arena_new(&x->arena, struct state);
        st->server = s;
        x->state = st;
        x->started_ns = time_mono_ns();
        x->reply.arena = &x->arena;
        buf_init(&x->reply.body, NULL, SIZE_MAX / 4);
        x->req.connection = c;
        x->req.target = str_from(arena_strdup(&x->arena, uri));
        struct str query = x->req.target;
        struct str path;

        if (!str_split(&query, '?', &path))
                path = STR("");
        x->req.path = http_percent_decode(&x->arena, path, false);
        http_query_parse(&x->arena, query, &x->req.query);
        __atomic_fetch_add(&s->active, 1, __ATOMIC_RELAXED);
        return x;
}

static void fill_request(struct http_exchange *x, struct MHD_Connection *c, const char *method)
{
        struct str type;

        x->req.method = method_parse(method, &x->req.head);
        x->req.remote = peer_address(&x->arena, c);
        x->req.content_length = declared_length(&x->req);
        type = req_header(&x->req, "Content-Type");
        x->req.content_type =
                str_lower(&x->arena, str_trim(str_slice(type, 0, str_find_char(type, ';'))));
}

/*
 * libmicrohttpd drops a response before or after it reports the request as completed, depending on
 * how the connection ends. The state of a streamed reply lies in the exchange's arena, so whichever
 * comes first closes it; the second frees this.
 */
struct stream {
        http_read_fn *read;
        void (*close)(void *);
        void *state;
        int users;
};

static ssize_t stream_read(void *cls, uint64_t pos, char *out, size_t max)
{
        struct stream *s = cls;
        int64_t n = s->read(s->state, out, max);

        if (n == 0)
                return MHD_CONTENT_READER_END_OF_STREAM;
        return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)n;
}

static void stream_release(void *cls)
{
        struct stream *s = cls;

        if (s->close)
                s->close(s->state);
        s->close = NULL;
        if (--s->users == 0)
                mem_free(s);
}

static struct MHD_Response *make_response(struct state *st, struct reply *out)
{
        struct MHD_Response *r;

        if (out->read) {
                struct stream *s = mem_alloc(sizeof *s);

                *s = (struct stream){out->read, out->read_close, out->read_state, 2};
                st->stream = s;
                r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, stream_read, s,
                                                      stream_release);
                if (!r)
                        stream_release(s);
        } else {
                r = MHD_create_response_from_buffer(out->body.len, out->body.ptr,
                                                    MHD_RESPMEM_MUST_FREE);
                if (r)
                        out->body = (struct buf){0}; /* now the response's */
        }
        return r;
}

static enum MHD_Result send_reply(struct http_exchange *x, struct MHD_Connection *c)
{
        struct reply *out = &x->reply;
        struct MHD_Response *r = make_response(x->state, out);

        if (!r)
                return MHD_NO;
        if (out->content_type.ptr)
                MHD_add_response_header(r, "Content-Type", str_to_c(&x->arena, out->content_type));
        LIST_EACH (h, &out->headers) {
                MHD_add_response_header(r, str_to_c(&x->arena, h->name),
                                        str_to_c(&x->arena, h->value));
        }
        enum MHD_Result ok = MHD_queue_response(c, (unsigned)out->status, r);

        MHD_destroy_response(r);
        return ok;
}

/* The first bytes: lets the owner decide, prepares to take the body. */
static enum MHD_Result first_call(struct http_server *s, struct http_exchange *x,
                                  struct MHD_Connection *c, const char *method)
{
        struct state *st = x->state;

        st->begun = true;
        fill_request(x, c, method);
        if (!s->config.begin(s->config.owner, x)) {
                /* An answer before the body ends the connection: a small body is read first. */
                if (x->req.content_length > DRAIN_BYTES_MAX ||
                    req_header(&x->req, "Transfer-Encoding").ptr)
                        return send_reply(x, c);
                st->answered = true;
                return MHD_YES;
        }
        if (x->body_mode == HTTP_BODY_MULTIPART)
                st->form = multipart_open(x, c);
        else
                buf_init(&st->body, NULL, (size_t)x->body_max);
        return MHD_YES;
}

static enum MHD_Result body_call(struct http_exchange *x, const char *data, size_t *size)
{
        struct state *st = x->state;

        st->received += (int64_t)*size;
        if (st->answered) {
                *size = 0;
                return MHD_YES;
        }
        if (st->received > x->body_max) {
                /* A peer that goes on far beyond the limit is cut off instead of being drained. */
                if (st->received > x->body_max * 2 + (1 << 20))
                        return MHD_NO;
                st->too_large = true;
        } else if (st->form) {
                if (!multipart_feed(st->form, data, *size))
                        st->failed = true;
        } else {
                buf_add_mem(&st->body, data, *size);
        }
        *size = 0;
        return MHD_YES;
}

static enum MHD_Result last_call(struct http_server *s, struct http_exchange *x,
                                 struct MHD_Connection *c)
{
        struct state *st = x->state;

        if (st->answered)
                return send_reply(x, c);
        if (st->form && !multipart_finish(st->form))
                st->failed = true;
        if (st->too_large)
                (void)fail(&x->ctx, ERR_TOO_LARGE, "the body is larger than %lld bytes",
                           (long long)x->body_max);
        else if (st->failed && x->ctx.err == OK)
                (void)fail(&x->ctx, ERR_VALIDATION, "the multipart body is malformed");
        x->req.body = buf_str(&st->body);
        s->config.run(s->config.owner, x);
        return send_reply(x, c);
}

static enum MHD_Result on_request(void *owner, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **cls)
{
        struct http_exchange *x = *cls;
        struct state *st = x->state;

        if (!st->begun)
                return first_call(owner, x, c, method);
        if (*size)
                return body_call(x, data, size);
        return last_call(owner, x, c);
}

static void on_done(void *owner, struct MHD_Connection *c, void **cls,
                    enum MHD_RequestTerminationCode code)
{
        struct http_server *s = owner;
        struct http_exchange *x = *cls;

        if (!x)
                return;
        struct state *st = x->state;

        if (st->stream)
                stream_release(st->stream);
        if (st->begun)
                s->config.done(s->config.owner, x);
        multipart_close(st->form);
        LIST_EACH (f, &x->req.files) {
                if (!f->taken)
                        unlink(str_to_c(&x->arena, f->path));
        }
        buf_finish(&st->body);
        buf_finish(&x->reply.body);
        arena_finish(&x->arena);
        mem_free(x);
        *cls = NULL;
        __atomic_fetch_sub(&s->active, 1, __ATOMIC_RELAXED);
}

enum err http_file_take(struct ctx *ctx, struct http_file *file, struct str path)
{
        if (rename(str_to_c(ctx->arena, file->path), str_to_c(ctx->arena, path)) != 0)
                return fail(ctx, ERR_INTERNAL, "cannot keep the upload: %s", strerror(errno));
        file->taken = true;
        file->path = str_dup(ctx->arena, path);
        return OK;
}

enum err http_server_open(struct ctx *ctx, const struct http_server_config *config,
                          struct http_server **ret)
{
        struct http_server *s = mem_alloc(sizeof *s);
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)config->port)};

        s->config = *config;
        if (inet_pton(AF_INET, config->bind, &addr.sin_addr) != 1) {
                mem_free(s);
                return fail(ctx, ERR_VALIDATION, "not an IPv4 address to listen on: %s",
                            config->bind);
        }
        s->daemon = MHD_start_daemon(
                MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                        MHD_USE_ITC,
                (uint16_t)config->port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &addr,
                MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED, on_done, s,
                MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections_max,
                MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)config->per_address_max,
                MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->timeout_s,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_THREAD_STACK_SIZE,
                STACK_BYTES, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_STRICT_FOR_CLIENT,
                1, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_END);
        if (!s->daemon) {
                int e = errno;

                mem_free(s);
                return fail(ctx, ERR_UNAVAILABLE, "cannot listen on %s:%d: %s", config->bind,
                            config->port, strerror(e));
        }
        *ret = s;
        return OK;
}

int http_server_port(const struct http_server *s)
{
        const union MHD_DaemonInfo *info =
                MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);

        return info ? info->port : 0;
}

int http_server_active(const struct http_server *s)
{
        return __atomic_load_n(&s->active, __ATOMIC_RELAXED);
}

void http_server_quiesce(struct http_server *s)
{
        int fd = MHD_quiesce_daemon(s->daemon);

        if (fd >= 0)
                close(fd);
}

void http_server_close(struct http_server *s)
{
        if (!s)
                return;
        MHD_stop_daemon(s->daemon);
        mem_free(s);
}
