/* Cached rows with safe invalidation. See cached.h. */
#include "base/cached.h"

#include "cache/cache.h"

#define CHANGED STR("?") /* no value is this text */

static const struct {
        const char *prefix;
        int ttl_s;
} kinds[] = {
        [CACHED_SESSION] = {"session", 15 * 60},
        [CACHED_ROLE] = {"role", 5 * 60},
        [CACHED_WORKSPACE] = {"workspace", 5 * 60},
};

static struct str key_of(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b)
{
        /* ids may come from a path in either case */
        return str_lower(ctx->arena, str_printf(ctx->arena, "%s:%.*s:%.*s", kinds[kind].prefix,
                                                FMT(a), FMT(b)));
}

bool cached_get(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b, struct str *ret)
{
        struct str value;

        if (!cache_get(ctx, ctx->app->cache, key_of(ctx, kind, a, b), &value) ||
            str_eq(value, CHANGED))
                return false;
        *ret = value;
        return true;
}

void cached_fill(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b,
                 struct str value)
{
        cache_add(ctx, ctx->app->cache, key_of(ctx, kind, a, b), value, kinds[kind].ttl_s);
}

void cached_changed(struct ctx *ctx, enum cached_kind kind, struct str a, struct str b)
{
        cache_set(ctx, ctx->app->cache, key_of(ctx, kind, a, b), CHANGED, kinds[kind].ttl_s);
}
