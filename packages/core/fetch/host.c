/*
 * Hosts of core/fetch: the fair line of calls before each host, and the host's checked addresses.
 * Names are resolved by c-ares in the loop, once for all calls that wait for the same host.
 */
#include "fetch/internal.h"

#include "task/retry.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#define TTL_MIN_S   5
#define TTL_MAX_S   60
#define HOSTS_SWEEP 4096 /* beyond this many hosts the idle ones are dropped */

static void table_insert(struct host **table, size_t size, struct host *h)
{
        struct host **at = &table[h->hash & (size - 1)];

        h->chain = *at;
        *at = h;
}

static void table_grow(struct fetch_client *c)
{
        size_t size = c->table_size ? c->table_size * 2 : 256;
        struct host **table = mem_alloc(size * sizeof *table);

        for (size_t i = 0; i < c->table_size; i++)
                for (struct host *h = c->table[i], *next; h; h = next) {
                        next = h->chain;
                        table_insert(table, size, h);
                }
        mem_free(c->table);
        c->table = table;
        c->table_size = size;
}

static void host_free(struct host *h)
{
        mem_free(h->origin);
        mem_free(h->name);
        mem_free(h);
}

static void sweep(struct fetch_client *c)
{
        for (size_t i = 0; i < c->table_size; i++)
                for (struct host **at = &c->table[i]; *at;) {
                        struct host *h = *at;

                        if (h->running || h->waiting || h->looking_up || h->in_ring) {
                                at = &h->chain;
                                continue;
                        }
                        *at = h->chain;
                        host_free(h);
                        c->hosts--;
                }
}

static char *heap_copy(struct str s)
{
        char *p = mem_alloc(s.len + 1);

        if (s.len)
                memcpy(p, s.ptr, s.len);
        return p;
}

static struct host *host_get(struct fetch_client *c, const struct egress_url *url)
{
        uint64_t hash = retry_seed(url->origin);

        if (c->table_size)
                for (struct host *h = c->table[hash & (c->table_size - 1)]; h; h = h->chain)
                        if (h->hash == hash && str_eq_c(url->origin, h->origin))
                                return h;
        if (c->hosts >= HOSTS_SWEEP)
                sweep(c);
        if (c->hosts >= c->table_size)
                table_grow(c);
        struct host *h = mem_alloc(sizeof *h);

        h->client = c;
        h->hash = hash;
        h->origin = heap_copy(url->origin);
        h->name = heap_copy(url->host);
        h->last_flow = &h->flows;
        if (url->literal) {
                h->addrs[0] = url->addr;
                h->addr_count = 1;
                h->fresh_to_ns = INT64_MAX;
        }
        table_insert(c->table, c->table_size, h);
        c->hosts++;
        return h;
}

void host_free_all(struct fetch_client *c)
{
        for (size_t i = 0; i < c->table_size; i++)
                for (struct host *h = c->table[i], *next; h; h = next) {
                        next = h->chain;
                        host_free(h);
                }
        mem_free(c->table);
}

/* A host stands in the ring while it has both a call in line and a place for it. */
static void ring_add(struct fetch_client *c, struct host *h)
{
        if (h->in_ring || !h->waiting || h->running >= c->config.per_host_max)
                return;
        h->in_ring = true;
        h->next = NULL;
        *c->ring_last = h;
        c->ring_last = &h->next;
}

static void flow_append(struct host *h, struct flow *f)
{
        f->next = NULL;
        *h->last_flow = f;
        h->last_flow = &f->next;
}

static struct flow *flow_get(struct host *h, const struct fetch_batch *batch)
{
        const struct fetch_batch *key = batch->single ? NULL : batch;

        for (struct flow *f = h->flows; f; f = f->next)
                if (f->batch == key)
                        return f;
        struct flow *f = mem_alloc(sizeof *f);

        f->batch = key;
        flow_append(h, f);
        return f;
}

/* A batch pointer is a flow's key, so a flow must not outlive its last call. */
static void flow_remove(struct host *h, struct flow *f)
{
        struct flow **at = &h->flows;

        while (*at != f)
                at = &(*at)->next;
        *at = f->next;
        if (!*at)
                h->last_flow = at;
}

void host_enqueue(struct fetch_client *c, struct call *call)
{
        struct host *h = host_get(c, &call->url);

        call->host = h;
        call->state = CALL_IN_LINE;
        call_list_push(&flow_get(h, call->batch)->calls, call);
        h->waiting++;
        c->waiting++;
        timer_set(c, call, call->deadline_ns);
        ring_add(c, h);
}

static void line_leave(struct fetch_client *c, struct call *call)
{
        struct host *h = call->host;
        struct flow *f = flow_get(h, call->batch);

        call_list_remove(&f->calls, call);
        if (!f->calls.first) {
                flow_remove(h, f);
                mem_free(f);
        }
        h->waiting--;
        c->waiting--;
}

void host_leave(struct fetch_client *c, struct call *call)
{
        struct host *h = call->host;

        if (!h)
                return;
        if (call->state == CALL_IN_LINE)
                line_leave(c, call);
        if (call->state == CALL_LOOKUP)
                call_list_remove(&h->lookups, call);
        if (call->placed) {
                call->placed = false;
                h->running--;
                c->in_flight--;
        }
        call->host = NULL;
        ring_add(c, h);
}

static void on_resolved(void *host, int status, int timeouts, struct ares_addrinfo *info)
{
        struct host *h = host;
        struct fetch_client *c = h->client;
        int64_t ttl = TTL_MAX_S;

        h->looking_up = false;
        c->lookups--;
        h->addr_count = 0;
        if (status == ARES_SUCCESS)
                for (struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
                        struct egress_addr a = {.family = n->ai_family == AF_INET ? 4 : 6};

                        if (h->addr_count == HOST_ADDRS)
                                break;
                        if (n->ai_family == AF_INET)
                                memcpy(a.bytes, &((struct sockaddr_in *)n->ai_addr)->sin_addr, 4);
                        else if (n->ai_family == AF_INET6)
                                memcpy(a.bytes, &((struct sockaddr_in6 *)n->ai_addr)->sin6_addr,
                                       16);
                        else
                                continue;
                        h->addrs[h->addr_count++] = a;
                        ttl = MIN_OF(ttl, n->ai_ttl);
                }
        if (status == ARES_SUCCESS)
                ares_freeaddrinfo(info);
        h->fresh_to_ns =
                h->addr_count ? time_mono_ns() + MAX_OF(ttl, (int64_t)TTL_MIN_S) * NS_PER_S : 0;
        while (h->lookups.first) {
                struct call *call = h->lookups.first;

                if (h->addr_count) {
                        call_list_remove(&h->lookups, call);
                        call->state = CALL_RUNNING;
                        transfer_begin(c, call);
                } else {
                        call_finish(c, call,
                                    status == ARES_ECANCELLED || status == ARES_EDESTRUCTION
                                            ? FETCH_CANCELLED
                                            : FETCH_NO_HOST,
                                    "%s does not resolve: %s", h->name, ares_strerror(status));
                }
        }
}

static void on_ares_socket(void *client, ares_socket_t fd, int in, int out)
{
        loop_watch(client, fd, true, in, out);
}

static int64_t resolv_mtime(void)
{
        struct stat st;

        if (stat("/etc/resolv.conf", &st) < 0)
                return 0;
        return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

bool resolver_open(struct fetch_client *c)
{
        struct ares_options o = {
                .timeout = 2000,
                .tries = 3,
                .sock_state_cb = on_ares_socket,
                .sock_state_cb_data = c,
                .lookups = (char *)"fb",
                .ndomains = 0, /* no search list: a URL's host is complete */
        };
        int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS |
                   ARES_OPT_DOMAINS;

        if (ares_init_options(&c->ares, &o, mask) != ARES_SUCCESS)
                return false;
        c->ares_open = true;
        c->resolv_mtime = resolv_mtime();
        if (!c->config.dns_servers.len)
                return true;
        return ares_set_servers_ports_csv(c->ares, c->config.dns_servers.ptr) == ARES_SUCCESS;
}

void resolver_close(struct fetch_client *c)
{
        if (c->ares_open)
                ares_destroy(c->ares);
        c->ares_open = false;
}

static void look_up(struct fetch_client *c, struct host *h)
{
        struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

        if (c->lookups == 0 && resolv_mtime() != c->resolv_mtime) {
                resolver_close(c);
                resolver_open(c);
        }
        h->looking_up = true;
        c->lookups++;
        if (c->ares_open)
                ares_getaddrinfo(c->ares, h->name, NULL, &hints, on_resolved, h);
        else
                on_resolved(h, ARES_ESERVFAIL, 0, NULL);
}

static void begin(struct fetch_client *c, struct call *call)
{
        struct host *h = call->host;
        int64_t now = time_mono_ns();

        line_leave(c, call);
        call->placed = true;
        h->running++;
        c->in_flight++;
        if (!call->begun_ns) {
                call->begun_ns = now;
                call->queued_us = (now - MAX_OF(call->started_ns, call->not_before_ns)) / 1000;
                if (call->timeout_ns &&
                    (!call->deadline_ns || now + call->timeout_ns < call->deadline_ns))
                        call->deadline_ns = now + call->timeout_ns;
        }
        if (h->fresh_to_ns > now) {
                call->state = CALL_RUNNING;
                transfer_begin(c, call);
                return;
        }
        call->state = CALL_LOOKUP;
        timer_set(c, call,
                  call->deadline_ns ? MIN_OF(call->deadline_ns, now + call->connect_ns)
                                    : now + call->connect_ns);
        call_list_push(&h->lookups, call);
        if (!h->looking_up)
                look_up(c, h);
}

void host_pump(struct fetch_client *c)
{
        while (c->ring && c->in_flight < (size_t)c->config.inflight_max) {
                struct host *h = c->ring;

                c->ring = h->next;
                if (!c->ring)
                        c->ring_last = &c->ring;
                h->in_ring = false;
                if (!h->waiting || h->running >= c->config.per_host_max)
                        continue;
                struct flow *f = h->flows;
                struct call *call = f->calls.first;

                if (f->next) { /* the batches take turns */
                        flow_remove(h, f);
                        flow_append(h, f);
                }
                begin(c, call);
                ring_add(c, h);
        }
}
