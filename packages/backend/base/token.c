/* Access tokens. See token.h. */
#include "base/token.h"

#include "crypto/crypto.h"
#include "crypto/jwt.h"

#define ISSUER   STR("millrace")
#define AUDIENCE STR("millrace-api")

static struct str key_of(struct ctx *ctx, size_t i, uint8_t key[CRYPTO_KEY_SIZE])
{
        crypto_keys_derive(ctx->app->keys, i, STR("jwt"), key);
        return (struct str){(const char *)key, CRYPTO_KEY_SIZE};
}

enum err token_issue(struct ctx *ctx, struct str user_id, struct str session_id, struct str *ret)
{
        uint8_t key[CRYPTO_KEY_SIZE];
        int64_t now = time_wall_us() / 1000000;
        struct json *extra = json_new_object(ctx->arena);
        struct jwt_claims claims = {
                .iss = ISSUER,
                .aud = AUDIENCE,
                .sub = user_id,
                .jti = crypto_token(ctx->arena, 12),
                .iat = now,
                .exp = now + TOKEN_ACCESS_SECONDS,
                .extra = extra,
        };

        json_put(extra, STR("sid"), json_from_str(ctx->arena, session_id));
        enum err e = jwt_issue(ctx, key_of(ctx, 0, key), &claims, ret);

        crypto_wipe(key, sizeof key);
        return e;
}

enum err token_verify(struct ctx *ctx, struct str token, struct str *ret_user_id,
                      struct str *ret_session_id)
{
        const struct jwt_expect expect = {
                .iss = ISSUER, .aud = AUDIENCE, .now = time_wall_us() / 1000000, .leeway = 5};
        struct jwt_claims claims = {0};
        uint8_t key[CRYPTO_KEY_SIZE];
        enum err e = ERR_AUTHENTICATION;

        for (size_t i = 0; i < crypto_keys_count(ctx->app->keys) && e != OK; i++)
                e = jwt_verify(ctx, key_of(ctx, i, key), token, &expect, &claims);
        crypto_wipe(key, sizeof key);
        if (e != OK)
                return e;
        ctx_clear(ctx);
        struct str session_id = json_member_text(claims.all, "sid");

        if (!str_is_uuid(claims.sub) || !str_is_uuid(session_id))
                return fail(ctx, ERR_AUTHENTICATION, "the token names no user and session");
        *ret_user_id = claims.sub;
        *ret_session_id = session_id;
        return OK;
}

struct db_param p_token(struct ctx *ctx, struct str token)
{
        uint8_t hash[CRYPTO_HASH_SIZE];

        crypto_sha256(token, hash);
        return p_bytes(ctx, hash, sizeof hash);
}
