/* Redis behind a thin wrapper over hiredis. See cache.h. */
#include "cache/cache.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS    8
#define COMMAND_MS     100
#define QUIET_AFTER_NS NS_PER_S

struct cache {
        pthread_mutex_t lock;
        char *unix_path, *host;
        int port;
        redisContext *idle[CONNECTIONS];
        int idle_count;
        int64_t down_until_ns;
        bool off;
};

struct cache *cache_open(struct str url)
{
        struct cache *c = mem_alloc(sizeof *c);
        struct arena tmp;

        pthread_mutex_init(&c->lock, NULL);
        arena_init(&tmp, 65536);
        if (str_starts(url, STR("unix://"))) {
                c->unix_path = mem_strdup(str_to_c(&tmp, str_slice(url, 7, url.len - 7)));
        } else if (str_starts(url, STR("redis://"))) {
                struct str rest = str_slice(url, 8, url.len - 8), host, port = STR("6379");
                int64_t n = 6379;

                rest = str_slice(rest, 0, str_find_char(rest, '/'));
                if (!str_split(&rest, ':', &host))
                        host = STR("127.0.0.1");
                if (rest.ptr)
                        port = rest;
                if (!str_to_i64(port, &n))
                        n = 6379;
                c->host = mem_strdup(str_to_c(&tmp, host));
                c->port = (int)n;
        } else {
                c->off = true;
        }
        arena_finish(&tmp);
        return c;
}

void cache_close(struct cache *c)
{
        if (!c)
                return;
        for (int i = 0; i < c->idle_count; i++)
                redisFree(c->idle[i]);
        mem_free(c->unix_path);
        mem_free(c->host);
        pthread_mutex_destroy(&c->lock);
        mem_free(c);
}

static void mark_down(struct cache *c)
{
        pthread_mutex_lock(&c->lock);
        c->down_until_ns = time_mono_ns() + QUIET_AFTER_NS;
        pthread_mutex_unlock(&c->lock);
}

static redisContext *take(struct cache *c)
{
        const struct timeval limit = {.tv_usec = COMMAND_MS * 1000};
        redisContext *r = NULL;
        bool down;

        if (!c || c->off)
                return NULL;
        pthread_mutex_lock(&c->lock);
        down = time_mono_ns() < c->down_until_ns;
        if (!down && c->idle_count)
                r = c->idle[--c->idle_count];
        pthread_mutex_unlock(&c->lock);
        if (down || r)
                return r;
        r = c->unix_path ? redisConnectUnixWithTimeout(c->unix_path, limit)
                         : redisConnectWithTimeout(c->host, c->port, limit);
        if (r && r->err == 0 && redisSetTimeout(r, limit) == REDIS_OK)
                return r;
        if (r)
                redisFree(r);
        mark_down(c);
        return NULL;
}

static void give(struct cache *c, redisContext *r)
{
        if (r->err) {
                redisFree(r);
                mark_down(c);
                return;
        }
        pthread_mutex_lock(&c->lock);
        if (c->idle_count < CONNECTIONS) {
                c->idle[c->idle_count++] = r;
                r = NULL;
        }
        pthread_mutex_unlock(&c->lock);
        if (r)
                redisFree(r);
}

/* One command; NULL when there is no server or it failed. The caller frees the reply. */
static redisReply *command(struct cache *c, int argc, const struct str *args)
{
        redisContext *r = take(c);
        const char *argv[8];
        size_t lens[8];

        if (!r)
                return NULL;
        for (int i = 0; i < argc; i++) {
                argv[i] = args[i].ptr ? args[i].ptr : "";
                lens[i] = args[i].len;
        }
        redisReply *reply = redisCommandArgv(r, argc, argv, lens);

        give(c, r);
        if (reply && reply->type == REDIS_REPLY_ERROR) {
                freeReplyObject(reply);
                return NULL;
        }
        return reply;
}

bool cache_get(struct ctx *ctx, struct cache *c, struct str key, struct str *ret)
{
        redisReply *r = command(c, 2, (struct str[]){STR("GET"), key});
        bool found = r && r->type == REDIS_REPLY_STRING;

        if (found)
                *ret = str_dup(ctx->arena, (struct str){r->str, r->len});
        freeReplyObject(r);
        return found;
}

void cache_set(struct ctx *ctx, struct cache *c, struct str key, struct str value, int ttl_s)
{
        struct str ttl = str_printf(ctx->arena, "%d", ttl_s);

        freeReplyObject(command(c, 5, (struct str[]){STR("SET"), key, value, STR("EX"), ttl}));
}

void cache_add(struct ctx *ctx, struct cache *c, struct str key, struct str value, int ttl_s)
{
        struct str ttl = str_printf(ctx->arena, "%d", ttl_s);

        freeReplyObject(
                command(c, 6, (struct str[]){STR("SET"), key, value, STR("EX"), ttl, STR("NX")}));
}

void cache_delete(struct ctx *ctx, struct cache *c, struct str key)
{
        freeReplyObject(command(c, 2, (struct str[]){STR("UNLINK"), key}));
}

void cache_delete_prefix(struct ctx *ctx, struct cache *c, struct str prefix)
{
        struct str pattern = str_printf(ctx->arena, "%.*s*", FMT(prefix));
        struct str cursor = STR("0");

        do {
                redisReply *r = command(c, 6,
                                        (struct str[]){STR("SCAN"), cursor, STR("MATCH"), pattern,
                                                       STR("COUNT"), STR("500")});

                if (!r || r->type != REDIS_REPLY_ARRAY || r->elements != 2) {
                        freeReplyObject(r);
                        return;
                }
                cursor = str_dup(ctx->arena, (struct str){r->element[0]->str, r->element[0]->len});
                for (size_t i = 0; i < r->element[1]->elements; i++) {
                        const redisReply *k = r->element[1]->element[i];

                        cache_delete(ctx, c, (struct str){k->str, k->len});
                }
                freeReplyObject(r);
        } while (!str_eq(cursor, STR("0")));
}

bool cache_count(struct ctx *ctx, struct cache *c, struct str key, int64_t window_ms,
                 int64_t *ret_count, int64_t *ret_left_ms)
{
        static const struct str script =
                STR("local n = redis.call('INCR', KEYS[1]) "
                    "local left = redis.call('PTTL', KEYS[1]) "
                    "if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) left = ARGV[1] end "
                    "return {n, tonumber(left)}");
        struct str window = str_printf(ctx->arena, "%lld", (long long)window_ms);
        redisReply *r = command(c, 5, (struct str[]){STR("EVAL"), script, STR("1"), key, window});
        bool ok = r && r->type == REDIS_REPLY_ARRAY && r->elements == 2;

        if (ok) {
                *ret_count = r->element[0]->integer;
                *ret_left_ms = r->element[1]->integer;
        }
        freeReplyObject(r);
        return ok;
}

enum cache_health cache_health(struct cache *c)
{
        if (!c || c->off)
                return CACHE_OFF;
        redisReply *r = command(c, 1, (struct str[]){STR("PING")});
        enum cache_health h = r ? CACHE_UP : CACHE_DOWN;

        freeReplyObject(r);
        return h;
}
