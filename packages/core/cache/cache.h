/*
 * Redis, as a cache and for shared counters. Every call survives its absence: a get answers "not
 * there", a set does nothing, a count answers false, and after a failure the server is left alone
 * for a second. Thread-safe; a few connections, one caller each at a time, 100 ms a command.
 */
#ifndef MILLRACE_CORE_CACHE_CACHE_H
#define MILLRACE_CORE_CACHE_CACHE_H

#include "err/ctx.h"

struct cache;

/* url: "unix:///path/redis.sock", "redis://host:port", or "" for none. Never fails. */
struct cache *cache_open(struct str url);
void cache_close(struct cache *c); /* accepts NULL */

bool cache_get(struct ctx *ctx, struct cache *c, struct str key, struct str *ret);
void cache_set(struct ctx *ctx, struct cache *c, struct str key, struct str value, int ttl_s);
/* Sets only where nothing is there. */
void cache_add(struct ctx *ctx, struct cache *c, struct str key, struct str value, int ttl_s);
void cache_delete(struct ctx *ctx, struct cache *c, struct str key);
/* Deletes every key that starts with `prefix`, in steps (SCAN). */
void cache_delete_prefix(struct ctx *ctx, struct cache *c, struct str prefix);

/*
 * Adds one to a counter that lives for `window_ms` from its first count; false without a server.
 * *ret_left_ms is how long the window still lasts.
 */
bool cache_count(struct ctx *ctx, struct cache *c, struct str key, int64_t window_ms,
                 int64_t *ret_count, int64_t *ret_left_ms);

enum cache_health { CACHE_OFF, CACHE_UP, CACHE_DOWN };
enum cache_health cache_health(struct cache *c); /* asks the server */

#endif
