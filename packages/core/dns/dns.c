/* DNS questions over c-ares, one channel for each question, with a small cache. See dns.h. */
#include "dns/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "mem/arena.h"

#define CACHE_SLOTS 4096 /* direct mapped: a newer name takes an older one's place */
#define CACHE_NS    (300 * NS_PER_S)
#define QUERY_MS    1500 /* first try; c-ares doubles it for the second */
#define TRIES       2
#define DOWN_NS     (5 * NS_PER_S) /* servers that are silent are left alone for so long */

enum kind { KIND_MX, KIND_A, KIND_AAAA };

/* What one question came to. */
enum finding { FOUND, NULL_MX, NO_DATA, NO_NAME, NO_ANSWER, SILENCE };

struct slot {
        char name[256];
        enum kind kind;
        enum finding finding;
        int64_t until_ns;
};

struct dns_resolver {
        pthread_mutex_t lock; /* guards the cache and down_until_ns */
        char *servers;        /* "" is the system's; never changes */
        struct slot *cache;
        int64_t down_until_ns; /* no server answers: not asked again before this */
};

static void library_init(void)
{
        ares_library_init(ARES_LIB_INIT_ALL);
}

static enum err channel_open(struct ctx *ctx, const char *servers, ares_channel *ret)
{
        struct ares_options options = {.timeout = QUERY_MS, .tries = TRIES};
        int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS;
        int rc;

        options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
        rc = ares_init_options(ret, &options, mask);
        if (rc != ARES_SUCCESS)
                return fail(ctx, ERR_UNAVAILABLE, "DNS cannot be set up: %s", ares_strerror(rc));
        if (servers[0] && (rc = ares_set_servers_ports_csv(*ret, servers)) != ARES_SUCCESS) {
                ares_destroy(*ret);
                return fail(ctx, ERR_VALIDATION, "DNS servers \"%s\": %s", servers,
                            ares_strerror(rc));
        }
        return OK;
}

enum err dns_open(struct ctx *ctx, struct str servers, struct dns_resolver **ret)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct dns_resolver *r;
        ares_channel channel = NULL;

        pthread_once(&once, library_init);
        TRY(channel_open(ctx, str_to_c(ctx->arena, servers), &channel)); /* the setting is usable */
        ares_destroy(channel);

        r = mem_alloc(sizeof(*r));
        pthread_mutex_init(&r->lock, NULL);
        r->servers = mem_strdup(str_to_c(ctx->arena, servers));
        r->cache = mem_alloc(CACHE_SLOTS * sizeof(*r->cache));
        memset(r->cache, 0, CACHE_SLOTS * sizeof(*r->cache));
        *ret = r;
        return OK;
}

void dns_close(struct dns_resolver *r)
{
        if (!r)
                return;
        pthread_mutex_destroy(&r->lock);
        mem_free(r->servers);
        mem_free(r->cache);
        mem_free(r);
}

static struct slot *slot_of(struct dns_resolver *r, const char *name, enum kind kind)
{
        uint32_t h = 2166136261u ^ (uint32_t)kind;

        for (const char *p = name; *p; p++)
                h = (h ^ (unsigned char)*p) * 16777619u;
        return &r->cache[h % CACHE_SLOTS];
}

static bool cache_get(struct dns_resolver *r, const char *name, enum kind kind, enum finding *ret)
{
        struct slot *slot = slot_of(r, name, kind);
        bool found;

        pthread_mutex_lock(&r->lock);
        found = slot->until_ns > time_mono_ns() && slot->kind == kind && !strcmp(slot->name, name);
        if (found)
                *ret = slot->finding;
        pthread_mutex_unlock(&r->lock);
        return found;
}

static void cache_put(struct dns_resolver *r, const char *name, enum kind kind,
                      enum finding finding)
{
        struct slot *slot = slot_of(r, name, kind);

        pthread_mutex_lock(&r->lock);
        snprintf(slot->name, sizeof(slot->name), "%s", name);
        slot->kind = kind;
        slot->finding = finding;
        slot->until_ns = time_mono_ns() + CACHE_NS;
        pthread_mutex_unlock(&r->lock);
}

static enum finding mx_finding(const unsigned char *answer, int len)
{
        struct ares_mx_reply *list = NULL;
        enum finding finding = NO_DATA;

        if (ares_parse_mx_reply(answer, len, &list) == ARES_SUCCESS && list) {
                finding = FOUND;
                if (!list->next && (!list->host[0] || !strcmp(list->host, ".")))
                        finding = NULL_MX;
        }
        ares_free_data(list);
        return finding;
}

static enum finding address_finding(enum kind kind, const unsigned char *answer, int len)
{
        struct ares_addrttl a[1];
        struct ares_addr6ttl aaaa[1];
        int n = 1, rc;

        rc = kind == KIND_A ? ares_parse_a_reply(answer, len, NULL, a, &n)
                            : ares_parse_aaaa_reply(answer, len, NULL, aaaa, &n);
        return rc == ARES_SUCCESS && n > 0 ? FOUND : NO_DATA;
}

struct question {
        enum kind kind;
        enum finding finding;
        bool done;
};

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
        struct question *q = arg;

        q->done = true;
        switch (status) {
        case ARES_SUCCESS:
                q->finding = q->kind == KIND_MX ? mx_finding(answer, len)
                                                : address_finding(q->kind, answer, len);
                break;
        case ARES_ENODATA: q->finding = NO_DATA; break;
        case ARES_ENOTFOUND:
        case ARES_EBADNAME: q->finding = NO_NAME; break;
        case ARES_ETIMEOUT:
        case ARES_ECONNREFUSED: q->finding = SILENCE; break;
        default: q->finding = NO_ANSWER; break;
        }
}

/* Lets c-ares work until the question is done or the deadline passes. */
static void pump(struct ctx *ctx, ares_channel channel, struct question *q)
{
        while (!q->done && ctx_time_left_ms(ctx) > 0) {
                ares_socket_t socks[ARES_GETSOCK_MAXNUM];
                struct pollfd fds[ARES_GETSOCK_MAXNUM];
                unsigned mask = (unsigned)ares_getsock(channel, socks, ARES_GETSOCK_MAXNUM);
                int n = 0;
                struct timeval most = {.tv_sec = ctx_time_left_ms(ctx) / 1000,
                                       .tv_usec = ctx_time_left_ms(ctx) % 1000 * 1000};
                struct timeval tv, *wait = ares_timeout(channel, &most, &tv);

                for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
                        /* ARES_GETSOCK_WRITABLE() shifts a signed one into the sign bit. */
                        bool in = mask >> i & 1;
                        bool out = mask >> (i + ARES_GETSOCK_MAXNUM) & 1;

                        if (in || out)
                                fds[n++] = (struct pollfd){
                                        .fd = socks[i],
                                        .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};
                }
                if (!n)
                        return;
                poll(fds, (nfds_t)n, (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
                for (int i = 0; i < n; i++) {
                        bool in = fds[i].revents & (POLLIN | POLLERR | POLLHUP);
                        bool out = fds[i].revents & POLLOUT;

                        ares_process_fd(channel, in ? fds[i].fd : ARES_SOCKET_BAD,
                                        out ? fds[i].fd : ARES_SOCKET_BAD);
                }
                ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its time-outs */
        }
}

/*
 * Without this, a batch of questions on a machine that is off the net would wait out the time of
 * every single one.
 */
static bool is_down(struct dns_resolver *r)
{
        bool down;

        pthread_mutex_lock(&r->lock);
        down = time_mono_ns() < r->down_until_ns;
        pthread_mutex_unlock(&r->lock);
        return down;
}

static void note_down(struct dns_resolver *r, bool down)
{
        pthread_mutex_lock(&r->lock);
        r->down_until_ns = down ? time_mono_ns() + DOWN_NS : 0;
        pthread_mutex_unlock(&r->lock);
}

static enum err ask(struct ctx *ctx, struct dns_resolver *r, const char *name, enum kind kind,
                    enum finding *ret)
{
        static const int types[] = {
                [KIND_MX] = ns_t_mx, [KIND_A] = ns_t_a, [KIND_AAAA] = ns_t_aaaa};
        struct question q = {.kind = kind, .finding = NO_ANSWER};
        ares_channel channel = NULL;
        bool done;

        if (cache_get(r, name, kind, ret))
                return OK;
        if (is_down(r))
                return fail(ctx, ERR_UNAVAILABLE, "no DNS server answered a moment ago");
        TRY(channel_open(ctx, r->servers, &channel));
        ares_query(channel, name, ns_c_in, types[kind], on_answer, &q);
        pump(ctx, channel, &q);
        done = q.done; /* ares_destroy reports an unfinished question, too */
        ares_destroy(channel);

        if (!done && ctx_time_left_ms(ctx) <= 0)
                return fail(ctx, ERR_TIMEOUT, "DNS did not answer about %s in time", name);
        if (done)
                note_down(r, q.finding == SILENCE);
        if (!done || q.finding == NO_ANSWER || q.finding == SILENCE)
                return fail(ctx, ERR_UNAVAILABLE, "DNS did not answer about %s", name);
        cache_put(r, name, kind, q.finding);
        *ret = q.finding;
        return OK;
}

/* A lower-case C string that fits a DNS name; ERR_VALIDATION otherwise. */
static enum err dns_name(struct ctx *ctx, struct str name, const char **ret)
{
        if (!name.len || name.len > 253 || memchr(name.ptr, 0, name.len))
                return fail(ctx, ERR_VALIDATION, "\"%.*s\" is no domain name", FMT(name));
        *ret = str_to_c(ctx->arena, str_lower(ctx->arena, name));
        return OK;
}

static enum err has_address(struct ctx *ctx, struct dns_resolver *r, const char *name, bool *ret)
{
        enum finding finding = NO_DATA;

        TRY(ask(ctx, r, name, KIND_A, &finding));
        if (finding != FOUND && finding != NO_NAME)
                TRY(ask(ctx, r, name, KIND_AAAA, &finding));
        *ret = finding == FOUND;
        return OK;
}

enum err dns_has_address(struct ctx *ctx, struct dns_resolver *r, struct str name, bool *ret)
{
        const char *c = NULL;

        TRY(dns_name(ctx, name, &c));
        return has_address(ctx, r, c, ret);
}

enum err dns_mail(struct ctx *ctx, struct dns_resolver *r, struct str domain, enum dns_mail *ret)
{
        enum finding finding = NO_DATA;
        const char *c = NULL;
        bool address = false;

        TRY(dns_name(ctx, domain, &c));
        TRY(ask(ctx, r, c, KIND_MX, &finding));
        if (finding == NO_DATA) {
                TRY(has_address(ctx, r, c, &address));
                *ret = address ? DNS_MAIL_ADDRESS : DNS_MAIL_NONE;
                return OK;
        }
        *ret = finding == FOUND     ? DNS_MAIL_MX
               : finding == NO_NAME ? DNS_MAIL_NO_DOMAIN
                                    : DNS_MAIL_NONE;
        return OK;
}
