/* The HTTP server behind the tests of core/fetch. See test_server.h. */
#include "fetch/test_server.h"

#include "str/str.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_MAX (64 << 20)

struct conn {
        struct conn *prev, *next;
        int fd;
        struct buf in, out;
        size_t sent;
        bool busy, close_after, gathered;
        int64_t due_ns, every_ns; /* drip: one byte of what follows `plain` each time */
        size_t plain;
};

struct test_server {
        int listen_fd, epoll_fd, wake_fd, port;
        pthread_t thread;
        atomic_bool ending;
        atomic_int requests, connections, open, peak;
        struct conn *conns;
};

static const unsigned char hello_gz[] = {31,  139, 8, 0, 0,   0,   0,  0,  2, 3, 203, 72, 205,
                                         201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0,   0};

static void head(struct conn *c, int status, const char *more, int64_t length)
{
        buf_printf(&c->out, "HTTP/1.1 %d Some Words\r\nX-Test: one\r\n%s", status, more);
        if (length >= 0)
                buf_printf(&c->out, "Content-Length: %lld\r\n", (long long)length);
        buf_add_c(&c->out, "\r\n");
}

static void fill(struct conn *c, int64_t n)
{
        for (int64_t i = 0; i < n; i++)
                buf_add_char(&c->out, (char)('a' + i % 26));
}

static long number(const char **p)
{
        char *end;
        long v = strtol(*p, &end, 10);

        *p = *end == '/' ? end + 1 : end;
        return v;
}

static bool is_path(const char **path, const char *prefix)
{
        size_t n = strlen(prefix);

        if (strncmp(*path, prefix, n) != 0)
                return false;
        *path += n;
        return true;
}

static void gzip_bomb(struct conn *c)
{
        /* A gzip member of fixed-Huffman runs would need a compressor; stored blocks do not. */
        static const unsigned char start[] = {31, 139, 8, 0, 0, 0, 0, 0, 2, 3};
        static char zeros[10000];

        head(c, 200, "Content-Encoding: gzip\r\nConnection: close\r\n", -1);
        buf_add_mem(&c->out, start, sizeof start);
        for (int i = 0; i < 10; i++) {
                const unsigned char block[] = {0, sizeof zeros & 255, sizeof zeros >> 8,
                                               ~sizeof zeros & 255, (~sizeof zeros >> 8) & 255};

                buf_add_mem(&c->out, block, sizeof block);
                buf_add_mem(&c->out, zeros, sizeof zeros);
        }
        c->close_after = true;
}

static void redirect(struct conn *c, const char *path)
{
        char more[2048];
        int code = (int)number(&path);

        snprintf(more, sizeof more, "Location: %s\r\n", path);
        head(c, code, more, 5);
        buf_add_c(&c->out, "moved");
}

static void many_headers(struct conn *c, long n)
{
        buf_add_c(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
        for (long i = 0; i < n; i += 50)
                buf_printf(&c->out, "X-Filler-%06ld: %s\r\n", i,
                           "abcdefghijklmnopqrstuvwxyzabcdef");
        buf_add_c(&c->out, "\r\n");
}

static void slow(struct conn *c, const char *path)
{
        long n = number(&path), ms = number(&path);

        head(c, 200, "Content-Type: text/event-stream\r\n", n);
        c->plain = c->out.len;
        c->every_ns = ms * NS_PER_MS;
        fill(c, n);
}

static void answer(struct conn *c, struct str request, const char *path)
{
        c->due_ns = time_mono_ns();
        c->every_ns = 0;
        c->plain = SIZE_MAX;
        if (is_path(&path, "/echo")) {
                head(c, 200, "", (int64_t)request.len);
                buf_add(&c->out, request);
        } else if (is_path(&path, "/status/")) {
                head(c, (int)number(&path), "Retry-After: 7\r\n", 0);
        } else if (is_path(&path, "/delay/")) {
                c->due_ns += number(&path) * NS_PER_MS;
                head(c, 200, "", 4);
                buf_add_c(&c->out, "late");
        } else if (is_path(&path, "/gather/")) {
                c->due_ns = INT64_MAX;
                c->gathered = true;
                head(c, 200, "", 4);
                buf_add_c(&c->out, "here");
        } else if (is_path(&path, "/big/")) {
                long n = number(&path);

                head(c, 200, "", n);
                fill(c, n);
        } else if (is_path(&path, "/chunked/")) {
                long n = number(&path);

                head(c, 200, "Transfer-Encoding: chunked\r\n", -1);
                buf_printf(&c->out, "%lx\r\n", n);
                fill(c, n);
                buf_add_c(&c->out, "\r\n0\r\n\r\n");
        } else if (is_path(&path, "/drip/")) {
                slow(c, path);
        } else if (is_path(&path, "/to/")) {
                redirect(c, path);
        } else if (is_path(&path, "/gzip")) {
                head(c, 200, "Content-Encoding: gzip\r\n", sizeof hello_gz);
                buf_add_mem(&c->out, hello_gz, sizeof hello_gz);
        } else if (is_path(&path, "/bomb")) {
                gzip_bomb(c);
        } else if (is_path(&path, "/headers/")) {
                many_headers(c, number(&path));
        } else if (is_path(&path, "/hang")) {
                c->due_ns = INT64_MAX;
        } else if (is_path(&path, "/cut")) {
                head(c, 200, "", 100);
                fill(c, 4);
                c->close_after = true;
        } else if (is_path(&path, "/junk")) {
                buf_add_c(&c->out, "220 mail.example ESMTP\r\n");
                c->close_after = true;
        } else {
                head(c, 404, "", 0);
        }
}

static void conn_close(struct test_server *s, struct conn *c)
{
        if (c->busy)
                s->open--;
        if (c->prev)
                c->prev->next = c->next;
        else
                s->conns = c->next;
        if (c->next)
                c->next->prev = c->prev;
        close(c->fd);
        buf_finish(&c->in);
        buf_finish(&c->out);
        mem_free(c);
}

/* "/gather/N": all are answered once N requests are open. */
static void release_gathered(struct test_server *s, const char *path)
{
        int64_t wanted;

        if (!str_to_i64(str_from(path + sizeof "/gather/" - 1), &wanted) || s->open < wanted)
                return;
        for (struct conn *c = s->conns; c; c = c->next)
                if (c->busy && c->gathered)
                        c->due_ns = time_mono_ns();
}

/* One complete request in the input: answers it. */
static void take_request(struct test_server *s, struct conn *c)
{
        struct str in = buf_str(&c->in);
        size_t end = str_find(in, STR("\r\n\r\n")), length = 0;
        char path[4096] = "";

        if (c->busy || end == SIZE_MAX)
                return;
        size_t at = str_find(in, STR("Content-Length: "));

        if (at < end)
                length = strtoul(in.ptr + at + 16, NULL, 10);
        if (in.len < end + 4 + length)
                return;
        struct str line = in, method, target;

        if (!str_split(&line, ' ', &method) || !str_split(&line, ' ', &target))
                return;
        memcpy(path, target.ptr, MIN_OF(target.len, sizeof path - 1));
        c->busy = true;
        s->requests++;
        s->open++;
        if (s->open > s->peak)
                s->peak = (int)s->open;
        c->gathered = false;
        answer(c, str_slice(in, 0, end + 4 + length), path);
        if (c->gathered)
                release_gathered(s, path);
        buf_reset(&c->in);
}

static bool conn_read(struct test_server *s, struct conn *c)
{
        char tmp[65536];
        ssize_t n = recv(c->fd, tmp, sizeof tmp, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
                return false;
        if (n > 0)
                buf_add_mem(&c->in, tmp, (size_t)n);
        if (c->in.len && c->in.ptr[0] == 0x16) /* a TLS handshake */
                return false;
        take_request(s, c);
        return true;
}

/* Sends what is due; false when the connection is over. */
static bool conn_write(struct test_server *s, struct conn *c, int64_t now)
{
        while (c->busy && c->due_ns <= now) {
                size_t left = c->out.len - c->sent;
                bool drip = c->every_ns && c->sent >= c->plain;
                size_t step = drip ? 1 : c->every_ns ? MIN_OF(left, c->plain - c->sent) : left;
                ssize_t n = send(c->fd, c->out.ptr + c->sent, step, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN;
                c->sent += (size_t)n;
                if (c->every_ns)
                        c->due_ns = now + c->every_ns;
                if (c->sent == c->out.len) {
                        c->busy = false;
                        s->open--;
                        c->sent = 0;
                        buf_reset(&c->out);
                        return !c->close_after;
                }
        }
        return true;
}

static void accept_all(struct test_server *s)
{
        for (int fd; (fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
                struct conn *c = mem_alloc(sizeof *c);
                struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

                c->fd = fd;
                buf_init(&c->in, NULL, BODY_MAX);
                buf_init(&c->out, NULL, BODY_MAX);
                c->next = s->conns;
                if (c->next)
                        c->next->prev = c;
                s->conns = c;
                s->connections++;
                epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
        }
}

static void *serve(void *arg)
{
        struct test_server *s = arg;
        struct epoll_event ev[64];

        while (!s->ending) {
                int n = epoll_wait(s->epoll_fd, ev, ELEMENTS(ev), s->conns ? 1 : -1);

                for (int i = 0; i < n; i++) {
                        struct conn *c = ev[i].data.ptr;

                        if (!c)
                                accept_all(s);
                        else if (c != (void *)s && !conn_read(s, c))
                                conn_close(s, c);
                }
                int64_t now = time_mono_ns();

                for (struct conn *c = s->conns, *next; c; c = next) {
                        next = c->next;
                        if (!conn_write(s, c, now))
                                conn_close(s, c);
                }
        }
        while (s->conns)
                conn_close(s, s->conns);
        return NULL;
}

struct test_server *test_server_open(void)
{
        struct test_server *s = mem_alloc(sizeof *s);
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof in;
        struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
        struct epoll_event waking = {.events = EPOLLIN, .data.ptr = s};

        s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        s->wake_fd = eventfd(0, EFD_CLOEXEC);
        assert(bind(s->listen_fd, (struct sockaddr *)&in, sizeof in) == 0);
        assert(listen(s->listen_fd, 4096) == 0);
        assert(getsockname(s->listen_fd, (struct sockaddr *)&in, &size) == 0);
        s->port = ntohs(in.sin_port);
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &listening);
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &waking);
        assert(pthread_create(&s->thread, NULL, serve, s) == 0);
        return s;
}

void test_server_close(struct test_server *s)
{
        uint64_t one = 1;

        s->ending = true;
        assert(write(s->wake_fd, &one, sizeof one) == sizeof one);
        pthread_join(s->thread, NULL);
        close(s->listen_fd);
        close(s->epoll_fd);
        close(s->wake_fd);
        mem_free(s);
}

int test_server_port(const struct test_server *s)
{
        return s->port;
}

int test_server_requests(struct test_server *s)
{
        return s->requests;
}

int test_server_connections(struct test_server *s)
{
        return s->connections;
}

int test_server_peak(struct test_server *s)
{
        return s->peak;
}
