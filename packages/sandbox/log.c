/* The calls that were answered: a ring in memory, counters, and an append-only file. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNTERS_MAX 512
#define ATTEMPTS_MIN (1u << 12)
#define ATTEMPTS_MAX \
        (1u << 22) /* questions whose attempts are counted; then counting starts anew */
#define TEXT_MAX 1000

struct line {
        uint64_t id;
        const char *slug;
        char *text; /* JSON with a line end; heap */
        size_t len;
};

struct counter {
        const char *slug, *fate;
        uint64_t n;
};

struct attempts {
        uint64_t hash; /* 0 is a free place */
        uint64_t n;
};

struct call_log {
        pthread_mutex_t lock; /* guards everything below */
        struct line *ring;
        size_t max, first, len;
        uint64_t last_id, dropped;
        struct counter counters[COUNTERS_MAX];
        size_t counter_count;
        struct attempts *attempts;
        size_t attempts_cap, attempts_len;
        int fd;
};

enum err log_open(struct ctx *ctx, struct str file, int64_t max, struct call_log **ret)
{
        struct call_log *l;
        int fd = -1;

        if (file.len) {
                fd = open(str_to_c(ctx->arena, file), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                          0644);
                if (fd < 0)
                        return fail(ctx, ERR_INTERNAL, "%.*s: %s", FMT(file), strerror(errno));
        }
        l = mem_alloc(sizeof(*l));
        *l = (struct call_log){.max = (size_t)max, .fd = fd, .attempts_cap = ATTEMPTS_MIN};
        pthread_mutex_init(&l->lock, NULL);
        l->ring = mem_alloc(l->max * sizeof(*l->ring));
        l->attempts = mem_alloc(l->attempts_cap * sizeof(*l->attempts));
        memset(l->attempts, 0, l->attempts_cap * sizeof(*l->attempts));
        *ret = l;
        return OK;
}

static void drop_lines(struct call_log *l)
{
        for (size_t i = 0; i < l->len; i++)
                mem_free(l->ring[(l->first + i) % l->max].text);
        l->first = l->len = 0;
}

void log_close(struct call_log *l)
{
        if (!l)
                return;
        drop_lines(l);
        if (l->fd >= 0)
                close(l->fd);
        pthread_mutex_destroy(&l->lock);
        mem_free(l->ring);
        mem_free(l->attempts);
        mem_free(l);
}

void log_clear(struct call_log *l)
{
        pthread_mutex_lock(&l->lock);
        drop_lines(l);
        l->counter_count = 0;
        l->dropped = 0;
        l->attempts_len = 0;
        memset(l->attempts, 0, l->attempts_cap * sizeof(*l->attempts));
        pthread_mutex_unlock(&l->lock);
}

/* ---- attempts: open addressing over a 64-bit hash of provider and question ---- */

static uint64_t hash_of(const char *slug, struct str question)
{
        uint64_t h = UINT64_C(14695981039346656037);

        for (const char *p = slug; *p; p++)
                h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
        h = (h ^ '/') * UINT64_C(1099511628211);
        for (size_t i = 0; i < question.len; i++)
                h = (h ^ (unsigned char)question.ptr[i]) * UINT64_C(1099511628211);
        return h ? h : 1;
}

static struct attempts *place(struct attempts *table, size_t cap, uint64_t hash)
{
        size_t i = (size_t)(hash ^ hash >> 32) & (cap - 1);

        while (table[i].hash && table[i].hash != hash)
                i = (i + 1) & (cap - 1);
        return &table[i];
}

static void attempts_grow(struct call_log *l)
{
        size_t cap = l->attempts_cap * 2;
        struct attempts *table;

        if (cap > ATTEMPTS_MAX) {
                memset(l->attempts, 0, l->attempts_cap * sizeof(*l->attempts));
                l->attempts_len = 0;
                return;
        }
        table = mem_alloc(cap * sizeof(*table));
        memset(table, 0, cap * sizeof(*table));
        for (size_t i = 0; i < l->attempts_cap; i++)
                if (l->attempts[i].hash)
                        *place(table, cap, l->attempts[i].hash) = l->attempts[i];
        mem_free(l->attempts);
        l->attempts = table;
        l->attempts_cap = cap;
}

uint64_t log_attempt(struct call_log *l, const char *slug, struct str question)
{
        uint64_t hash = hash_of(slug, question), n;
        struct attempts *a;

        pthread_mutex_lock(&l->lock);
        if (l->attempts_len * 2 >= l->attempts_cap)
                attempts_grow(l);
        a = place(l->attempts, l->attempts_cap, hash);
        if (!a->hash) {
                a->hash = hash;
                l->attempts_len++;
        }
        n = ++a->n;
        pthread_mutex_unlock(&l->lock);
        return n;
}

/* ---- entries ---- */

static void count(struct call_log *l, const char *slug, const char *fate)
{
        for (size_t i = 0; i < l->counter_count; i++)
                if (l->counters[i].slug == slug && !strcmp(l->counters[i].fate, fate)) {
                        l->counters[i].n++;
                        return;
                }
        if (l->counter_count < COUNTERS_MAX)
                l->counters[l->counter_count++] = (struct counter){slug, fate, 1};
}

static void write_line(struct buf *b, const struct call_entry *e, uint64_t id)
{
        struct json_out o = {b, false};
        int64_t us = time_wall_us();
        time_t s = (time_t)(us / 1000000);
        char day[32], when[48];
        struct tm tm;

        gmtime_r(&s, &tm);
        strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(when, sizeof(when), "%s.%06" PRId64 "Z", day, us % 1000000);
        out_object(&o, NULL);
        out_i64(&o, "id", (int64_t)id);
        out_c(&o, "time", when);
        out_c(&o, "slug", e->slug);
        out_str(&o, "idempotencyKey",
                e->idempotency_key.len ? str_slice(e->idempotency_key, 0, TEXT_MAX) : STR_NULL);
        out_str(&o, "question", str_slice(e->question, 0, TEXT_MAX));
        out_i64(&o, "attempt", (int64_t)e->attempt);
        out_c(&o, "fate", e->fate);
        out_i64(&o, "status", e->status);
        out_end_object(&o);
        buf_add_char(b, '\n');
}

void log_add(struct call_log *l, const struct call_entry *e)
{
        struct line *line;
        struct buf b;

        buf_init(&b, NULL, 64 << 10);
        pthread_mutex_lock(&l->lock); /* held over the write, so the file has ids in order */
        write_line(&b, e, ++l->last_id);
        if (l->fd >= 0)
                while (write(l->fd, b.ptr, b.len) < 0 && errno == EINTR)
                        ;
        count(l, e->slug, e->fate);
        if (l->len == l->max) {
                mem_free(l->ring[l->first].text);
                l->first = (l->first + 1) % l->max;
                l->len--;
                l->dropped++;
        }
        line = &l->ring[(l->first + l->len++) % l->max];
        *line = (struct line){l->last_id, e->slug, mem_alloc(b.len), b.len};
        memcpy(line->text, b.ptr, b.len);
        pthread_mutex_unlock(&l->lock);
        buf_finish(&b);
}

uint64_t log_next(struct call_log *l, uint64_t after, struct str slug, struct buf *b)
{
        uint64_t found = 0;

        pthread_mutex_lock(&l->lock);
        /* ids are consecutive in the ring, so the place of the next one is known */
        for (size_t i = l->len && after >= l->ring[l->first].id
                                ? (size_t)(after - l->ring[l->first].id + 1)
                                : 0;
             i < l->len && !found; i++) {
                const struct line *line = &l->ring[(l->first + i) % l->max];

                if (slug.len && !str_eq_c(slug, line->slug))
                        continue;
                buf_add_mem(b, line->text, line->len);
                found = line->id;
        }
        pthread_mutex_unlock(&l->lock);
        return found;
}

void log_stats(struct call_log *l, struct json_out *o)
{
        uint64_t total = 0;

        pthread_mutex_lock(&l->lock);
        for (size_t i = 0; i < l->counter_count; i++)
                total += l->counters[i].n;
        out_i64(o, "calls", (int64_t)total);
        out_i64(o, "lastId", (int64_t)l->last_id);
        out_i64(o, "kept", (int64_t)l->len);
        out_i64(o, "dropped", (int64_t)l->dropped);
        out_object(o, "providers");
        for (size_t p = 0; p < player_count(); p++) {
                bool any = false;

                for (size_t i = 0; i < l->counter_count; i++) {
                        if (l->counters[i].slug != players[p].slug)
                                continue;
                        if (!any)
                                out_object(o, players[p].slug);
                        any = true;
                        out_i64(o, l->counters[i].fate, (int64_t)l->counters[i].n);
                }
                if (any)
                        out_end_object(o);
        }
        out_end_object(o);
        pthread_mutex_unlock(&l->lock);
}
