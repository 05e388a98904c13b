/*
 * One exchange of core/fetch in libcurl: set-up, callbacks, what the end means, redirects. The
 * address is pinned by CURLOPT_CONNECT_TO, which is the handle's own (CURLOPT_RESOLVE would write
 * into a cache all handles share), and checked once more when the socket is made.
 */
#include "fetch/internal.h"

#include "task/retry.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SPARE_MAX 256 /* idle curl handles kept */

static bool is_redirect(int status)
{
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool will_follow(const struct call *call)
{
        return call->redirects_left > 0 && is_redirect(call->status);
}

/* Tells the thread that streams about status and headers, once they are complete. */
static void stream_head(struct call *call)
{
        struct fetch_batch *b = call->batch;

        pthread_mutex_lock(&b->lock);
        b->stream_status = call->status;
        buf_reset(&b->stream_head);
        buf_add(&b->stream_head, buf_str(&call->head));
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
        struct call *call = arg;
        struct str line = {p, n};

        if (str_starts(line, STR("HTTP/"))) {
                buf_reset(&call->head);
                call->status = 0;
                size_t space = str_find_char(line, ' ');
                int64_t status;

                if (space != SIZE_MAX && str_to_i64(str_slice(line, space + 1, 3), &status))
                        call->status = (int)status;
        }
        buf_add_mem(&call->head, p, n);
        if (buf_full(&call->head)) {
                call->too_large = true;
                return 0;
        }
        if (call->stream && str_trim(line).len == 0 && call->status >= 200 && !will_follow(call))
                stream_head(call);
        return n;
}

/* Hands a piece to the thread that streams; pauses when it lags behind. */
static size_t stream_piece(struct call *call, const char *p, size_t n)
{
        struct fetch_batch *b = call->batch;
        size_t took = n;

        pthread_mutex_lock(&b->lock);
        if (b->stream_stop) {
                call->stopped = true;
                took = 0;
        } else if (b->stream.len && b->stream.len + n > STREAM_MAX) {
                b->stream_paused = call->paused = true;
                took = CURL_WRITEFUNC_PAUSE;
        } else {
                buf_add_mem(&b->stream, p, n);
        }
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
        return took;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
        struct call *call = arg;

        if (will_follow(call)) {
                call->skipped += n;
                call->too_large = call->skipped > HEAD_MAX;
                return call->too_large ? 0 : n;
        }
        if (call->stream) {
                if (call->body_max && call->skipped + n > call->body_max) {
                        call->too_large = true;
                        return 0;
                }
                size_t took = stream_piece(call, p, n);

                if (took == n)
                        call->skipped += n;
                return took;
        }
        buf_add_mem(&call->data, p, n);
        if (buf_full(&call->data)) {
                call->too_large = true;
                return 0;
        }
        return n;
}

static bool addr_of(const struct curl_sockaddr *s, struct egress_addr *ret)
{
        *ret = (struct egress_addr){0};
        if (s->family == AF_INET) {
                ret->family = 4;
                memcpy(ret->bytes, &((const struct sockaddr_in *)&s->addr)->sin_addr, 4);
                return true;
        }
        if (s->family != AF_INET6)
                return false;
        ret->family = 6;
        memcpy(ret->bytes, &((const struct sockaddr_in6 *)&s->addr)->sin6_addr, 16);
        return true;
}

/* The last gate: only the address that was checked may be connected to. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *s)
{
        struct call *call = arg;
        struct egress_addr a;

        if (!addr_of(s, &a) || memcmp(&a, &call->addr, sizeof a) != 0) {
                call->refused = true;
                return CURL_SOCKET_BAD;
        }
        return socket(s->family, s->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, s->protocol);
}

static bool is_token(struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];
                bool word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

                if (!word && (c <= 0 || !strchr("!#$%&'*+-.^_`|~", c)))
                        return false;
        }
        return s.len > 0;
}

static bool is_header_value(struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                unsigned char c = (unsigned char)s.ptr[i];

                if ((c < 0x20 && c != '\t') || c == 0x7f)
                        return false;
        }
        return s.len <= HEAD_MAX;
}

/* Headers that are ours to set: they decide where a request goes or where its body ends. */
static bool is_ours(struct str name)
{
        static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                           "connection", "expect",         "upgrade",
                                           "te",         "trailer",        "proxy-authorization"};

        for (size_t i = 0; i < ELEMENTS(ours); i++)
                if (str_eq_nocase(name, str_from(ours[i])))
                        return true;
        return false;
}

bool transfer_headers_valid(const struct fetch_req *req)
{
        if (req->method.ptr && (!is_token(req->method) || req->method.len > 32))
                return false;
        for (size_t i = 0; i < req->header_count; i++) {
                const struct fetch_header *h = &req->headers[i];

                if (!is_token(h->name) || is_ours(h->name) || !is_header_value(h->value))
                        return false;
        }
        return true;
}

static bool append(struct curl_slist **list, const char *line)
{
        struct curl_slist *grown = curl_slist_append(*list, line);

        if (grown)
                *list = grown;
        return grown != NULL;
}

static bool build_headers(struct call *call)
{
        bool typed = false, fine = append(&call->curl_headers, "Expect:");

        for (size_t i = 0; i < call->header_count && fine; i++) {
                const struct fetch_header *h = &call->headers[i];

                typed = typed || str_eq_nocase(h->name, STR("content-type"));
                fine = append(&call->curl_headers,
                              h->value.len ? arena_printf(&call->arena, "%.*s: %.*s", FMT(h->name),
                                                          FMT(h->value))
                                           : arena_printf(&call->arena, "%.*s;", FMT(h->name)));
        }
        return fine && (typed || append(&call->curl_headers, "Content-Type:"));
}

static CURL *handle_take(struct fetch_client *c)
{
        return c->spare_count ? c->spare[--c->spare_count] : curl_easy_init();
}

static void handle_give(struct fetch_client *c, CURL *easy)
{
        if (c->spare_count == SPARE_MAX) {
                curl_easy_cleanup(easy);
                return;
        }
        curl_easy_reset(easy);
        if (!c->spare)
                c->spare = mem_alloc(SPARE_MAX * sizeof *c->spare);
        c->spare[c->spare_count++] = easy;
}

void transfer_end(struct fetch_client *c, struct call *call)
{
        if (call->easy) {
                curl_multi_remove_handle(c->multi, call->easy);
                handle_give(c, call->easy);
                call->easy = NULL;
        }
        curl_slist_free_all(call->curl_headers);
        curl_slist_free_all(call->connect_to);
        call->curl_headers = call->connect_to = NULL;
}

/* Hands out a body in parts. */
static size_t on_upload(char *out, size_t one, size_t n, void *arg)
{
        struct call *call = arg;
        size_t done = 0;

        while (done < n && call->part_at < call->part_count) {
                struct str part = call->parts[call->part_at];
                struct str rest = str_slice(part, call->part_off, n - done);

                if (rest.len)
                        memcpy(out + done, rest.ptr, rest.len);
                done += rest.len;
                call->part_off += rest.len;
                if (call->part_off == part.len) {
                        call->part_at++;
                        call->part_off = 0;
                }
        }
        return done;
}

/* From the start again, when the connection that was to be reused had died. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
        struct call *call = arg;

        if (offset != 0 || origin != SEEK_SET)
                return CURL_SEEKFUNC_CANTSEEK;
        call->part_at = call->part_off = 0;
        return CURL_SEEKFUNC_OK;
}

static bool set_parts(CURL *e, struct call *call)
{
        curl_off_t total = 0;

        for (size_t i = 0; i < call->part_count; i++)
                total += (curl_off_t)call->parts[i].len;
        call->part_at = call->part_off = 0;
        return curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, total) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_READFUNCTION, on_upload) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_READDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_rewind) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_SEEKDATA, call) == CURLE_OK;
}

static bool set_method(CURL *e, struct call *call)
{
        bool head = strcmp(call->method, "HEAD") == 0, fine = true;

        if (head)
                return curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
        if (call->part_count)
                fine = set_parts(e, call);
        else if (call->body.ptr || strcmp(call->method, "POST") == 0)
                fine = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)call->body.len) == CURLE_OK &&
                       curl_easy_setopt(e, CURLOPT_POSTFIELDS,
                                        call->body.ptr ? call->body.ptr : "") == CURLE_OK;
        return fine && curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK;
}

/* Options that are the same for every call. */
static void set_fixed(struct fetch_client *c, CURL *e)
{
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
        curl_easy_setopt(e, CURLOPT_PROXY, "");
        curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br");
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 16384L);
        curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(e, CURLOPT_USERAGENT, c->config.user_agent.ptr);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        if (c->config.ca_file.len)
                curl_easy_setopt(e, CURLOPT_CAINFO, c->config.ca_file.ptr);
}

static bool set_call(CURL *e, struct call *call, int64_t connect_ms)
{
        return build_headers(call) && set_method(e, call) &&
               curl_easy_setopt(e, CURLOPT_URL, call->url.url.ptr) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->curl_headers) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_CONNECT_TO, call->connect_to) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_HEADERDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_WRITEDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_PRIVATE, call) == CURLE_OK &&
               curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->curl_error) == CURLE_OK;
}

/* The next of the host's addresses that may be connected to; says why when there is none. */
static bool pick_addr(struct fetch_client *c, struct call *call, const char **ret_why)
{
        const struct host *h = call->host;

        *ret_why = NULL;
        for (; call->addr_at < h->addr_count; call->addr_at++) {
                const struct egress_addr *a = &h->addrs[call->addr_at];
                const char *why = egress_refusal(c->policy, call->url.host, call->url.port, a);

                if (!why) {
                        call->addr = *a;
                        return true;
                }
                *ret_why = why;
        }
        return false;
}

/* A connection attempt gets half of the time that is left while there are further addresses. */
static int64_t connect_budget_ms(const struct call *call)
{
        int64_t left = call->connect_ns;

        if (call->addr_at + 1 < call->host->addr_count)
                left /= 2;
        return MAX_OF(left / NS_PER_MS, 1);
}

void transfer_begin(struct fetch_client *c, struct call *call)
{
        const char *why;
        struct str text;

        timer_set(c, call, call->deadline_ns);
        if (!pick_addr(c, call, &why)) {
                if (why)
                        call_finish(c, call, FETCH_REFUSED, "%.*s is %s and may not be called",
                                    FMT(call->url.host), why);
                else
                        call_finish(c, call, FETCH_NO_CONNECT, "%.*s cannot be connected to",
                                    FMT(call->url.host));
                return;
        }
        text = egress_addr_text(&call->arena, &call->addr);
        if (call->addr.family == 6)
                text = str_printf(&call->arena, "[%.*s]", FMT(text));
        buf_reset(&call->head);
        buf_reset(&call->data);
        call->skipped = 0;
        call->status = 0;
        call->paused = false;
        call->curl_error[0] = '\0';
        call->easy = handle_take(c);
        if (call->easy)
                set_fixed(c, call->easy);
        if (!call->easy ||
            !append(&call->connect_to,
                    arena_printf(&call->arena, "::%.*s:%u", FMT(text), call->url.port)) ||
            !set_call(call->easy, call, connect_budget_ms(call)) ||
            curl_multi_add_handle(c->multi, call->easy) != CURLM_OK)
                call_finish(c, call, FETCH_BROKEN, "out of memory for an outbound call");
}

static struct str head_value(const struct call *call, struct str name)
{
        struct str rest = buf_str(&call->head), line;

        while (str_split(&rest, '\n', &line)) {
                size_t colon = str_find_char(line, ':');

                if (colon != SIZE_MAX && str_eq_nocase(str_slice(line, 0, colon), name))
                        return str_trim(str_slice(line, colon + 1, line.len));
        }
        return STR_NULL;
}

/* RFC 3986 resolution by libcurl's parser; the outcome then goes through ours. */
static enum err resolve_location(struct ctx *ctx, const struct call *call, struct str location,
                                 struct egress_url *ret)
{
        CURLU *u = curl_url();
        char *absolute = NULL;
        enum err e = ERR_VALIDATION;

        if (u && curl_url_set(u, CURLUPART_URL, call->url.url.ptr, 0) == CURLUE_OK &&
            curl_url_set(u, CURLUPART_URL, str_to_c(ctx->arena, location), CURLU_URLENCODE) ==
                    CURLUE_OK &&
            curl_url_get(u, CURLUPART_URL, &absolute, 0) == CURLUE_OK)
                e = egress_url_parse(ctx, str_dup(ctx->arena, str_from(absolute)), ret);
        else
                e = fail(ctx, ERR_VALIDATION, "the redirect's location is not a URL");
        curl_free(absolute);
        curl_url_cleanup(u);
        return e;
}

/* Another origin gets none of the caller's headers but those that say nothing about it. */
static void drop_credentials(struct call *call)
{
        static const char *const harmless[] = {"accept", "accept-language", "user-agent"};
        size_t kept = 0;

        for (size_t i = 0; i < call->header_count; i++)
                for (size_t j = 0; j < ELEMENTS(harmless); j++)
                        if (str_eq_nocase(call->headers[i].name, str_from(harmless[j])))
                                call->headers[kept++] = call->headers[i];
        call->header_count = kept;
}

static void drop_body(struct call *call)
{
        size_t kept = 0;

        for (size_t i = 0; i < call->header_count; i++)
                if (!str_eq_nocase(call->headers[i].name, STR("content-type")))
                        call->headers[kept++] = call->headers[i];
        call->header_count = kept;
        call->body = STR_NULL;
        call->part_count = 0;
        call->method = "GET";
}

static void follow(struct fetch_client *c, struct call *call)
{
        struct ctx ctx;
        struct egress_url to;
        struct str location = head_value(call, STR("location"));
        int status = call->status;

        ctx_init(&ctx, &call->arena);
        transfer_end(c, call);
        if (!location.len || resolve_location(&ctx, call, location, &to) != OK) {
                call_finish(c, call, FETCH_REDIRECT, "a redirect that cannot be followed: %.*s",
                            FMT(location.len ? ctx.message : STR("no location")));
                return;
        }
        bool post = strcmp(call->method, "POST") == 0;

        if (strcmp(call->method, "HEAD") != 0 && (status == 303 || (post && status < 303)))
                drop_body(call);
        if (!str_eq(to.origin, call->url.origin)) {
                drop_credentials(call);
                if (call->body.ptr || call->part_count) {
                        call_finish(c, call, FETCH_REDIRECT,
                                    "a redirect would send the request's body to another host");
                        return;
                }
        }
        call->redirects_left--;
        call->redirects++;
        host_leave(c, call);
        call->url = to;
        call->addr_at = 0;
        host_enqueue(c, call);
}

static enum fetch_outcome outcome_of(const struct call *call, CURLcode code)
{
        if (call->refused)
                return FETCH_REFUSED;
        if (call->too_large)
                return FETCH_TOO_LARGE;
        if (call->stopped)
                return FETCH_CANCELLED;
        switch (code) {
        case CURLE_OK: return FETCH_ANSWERED;
        case CURLE_URL_MALFORMAT: return FETCH_BAD_URL;
        case CURLE_COULDNT_RESOLVE_HOST: return FETCH_NO_HOST;
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT: return FETCH_NO_CONNECT; /* curl only times connecting */
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR: return FETCH_TLS;
        default: return FETCH_BROKEN;
        }
}

/* Resolution, connection and TLS of a new connection. */
static int64_t connect_us(CURL *easy)
{
        curl_off_t us = 0;
        long connections = 0;

        curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
        curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &us);
        return connections ? us : 0;
}

static void done(struct fetch_client *c, struct call *call, CURLcode code)
{
        enum fetch_outcome outcome = outcome_of(call, code);

        if (outcome == FETCH_NO_CONNECT && call->addr_at + 1 < call->host->addr_count) {
                call->addr_at++;
                call->connect_ns -= call->connect_ns / 2;
                transfer_end(c, call);
                transfer_begin(c, call);
                return;
        }
        if (outcome == FETCH_ANSWERED && will_follow(call)) {
                follow(c, call);
                return;
        }
        if (outcome == FETCH_ANSWERED && is_redirect(call->status) && call->redirects) {
                call_finish(c, call, FETCH_REDIRECT, "too many redirects");
                return;
        }
        call->connect_us = connect_us(call->easy);
        switch (outcome) {
        case FETCH_ANSWERED: call_finish(c, call, outcome, NULL); break;
        case FETCH_TOO_LARGE: call_finish(c, call, outcome, "the answer is too large"); break;
        case FETCH_REFUSED:
                call_finish(c, call, outcome, "the address is not the one that was checked");
                break;
        case FETCH_CANCELLED: call_finish(c, call, outcome, "ended by the reader"); break;
        default:
                call_finish(c, call, outcome, "%s",
                            call->curl_error[0] ? call->curl_error : curl_easy_strerror(code));
        }
}

void transfer_harvest(struct fetch_client *c)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(c->multi, &left))) {
                struct call *call = NULL;
                CURLcode code = m->data.result;

                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
                done(c, call, code);
        }
}
