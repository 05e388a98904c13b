/* Argon2id passwords with a bound on how many are hashed at once. See password.h. */
#include "crypto/password.h"

#include "crypto/crypto.h"
#include "task/task.h"

#include <sodium.h>
#include <string.h>

#define PASSWORD_MAX 1024

struct password_hasher {
        struct password_cost cost;
        char nobody[crypto_pwhash_STRBYTES]; /* hash of random bytes, for unknown users */
        pthread_mutex_t lock;                /* guards what follows */
        pthread_cond_t freed;
        int places;
};

enum err password_open(struct ctx *ctx, int concurrency, const struct password_cost *cost,
                       struct password_hasher **ret)
{
        struct password_hasher *h = mem_alloc(sizeof *h);
        uint8_t random[32];

        h->cost = cost ? *cost
                       : (struct password_cost){crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                                crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE};
        h->places = MAX_OF(concurrency, 1);
        pthread_mutex_init(&h->lock, NULL);
        task_cond_init(&h->freed);
        crypto_random(random, sizeof random);
        if (sodium_init() < 0 ||
            crypto_pwhash_argon2id_str(h->nobody, (char *)random, sizeof random, h->cost.passes,
                                       h->cost.memory) != 0) {
                password_close(h);
                return fail(ctx, ERR_INTERNAL, "cannot hash passwords: too little memory?");
        }
        *ret = h;
        return OK;
}

void password_close(struct password_hasher *h)
{
        if (!h)
                return;
        pthread_cond_destroy(&h->freed);
        pthread_mutex_destroy(&h->lock);
        mem_free(h);
}

static enum err place_take(struct ctx *ctx, struct password_hasher *h)
{
        bool got = true;

        pthread_mutex_lock(&h->lock);
        while (h->places == 0 && got)
                got = task_cond_wait(&h->freed, &h->lock, ctx->deadline_ns);
        got = h->places > 0;
        if (got)
                h->places--;
        pthread_mutex_unlock(&h->lock);
        if (!got) {
                enum err e = fail(ctx, ERR_UNAVAILABLE, "too many logins at once");

                ctx->retry_after_ms = 1000;
                return e;
        }
        return OK;
}

static void place_give(struct password_hasher *h)
{
        pthread_mutex_lock(&h->lock);
        h->places++;
        pthread_cond_signal(&h->freed);
        pthread_mutex_unlock(&h->lock);
}

enum err password_hash(struct ctx *ctx, struct password_hasher *h, struct str password,
                       struct str *ret)
{
        char *out = arena_alloc(ctx->arena, crypto_pwhash_STRBYTES);

        if (password.len == 0 || password.len > PASSWORD_MAX)
                return fail(ctx, ERR_VALIDATION, "a password must have 1 to %d bytes",
                            PASSWORD_MAX);
        TRY(place_take(ctx, h));
        int failed = crypto_pwhash_argon2id_str(out, password.ptr, password.len, h->cost.passes,
                                                h->cost.memory);

        place_give(h);
        if (failed)
                return fail(ctx, ERR_UNAVAILABLE, "no memory to hash a password");
        *ret = str_from(out);
        return OK;
}

enum err password_verify(struct ctx *ctx, struct password_hasher *h, struct str password,
                         struct str hash, bool *ret)
{
        bool known = hash.ptr && hash.len < crypto_pwhash_STRBYTES;
        char text[crypto_pwhash_STRBYTES] = {0};

        /* Too long to have been set, but the time must not tell. */
        password.len = MIN_OF(password.len, (size_t)PASSWORD_MAX + 1);
        memcpy(text, known ? hash.ptr : h->nobody, known ? hash.len : sizeof text);
        TRY(place_take(ctx, h));
        bool same = crypto_pwhash_argon2id_str_verify(text, password.ptr ? password.ptr : "",
                                                      password.len) == 0;

        place_give(h);
        *ret = same && known && password.len <= PASSWORD_MAX;
        return OK;
}

bool password_outdated(const struct password_hasher *h, struct str hash)
{
        char text[crypto_pwhash_STRBYTES] = {0};

        if (hash.len >= sizeof text)
                return true;
        if (hash.len)
                memcpy(text, hash.ptr, hash.len);
        return crypto_pwhash_argon2id_str_needs_rehash(text, h->cost.passes, h->cost.memory) != 0;
}
