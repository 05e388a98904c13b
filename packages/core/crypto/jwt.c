/* JSON Web Tokens, HS256 only. See jwt.h. */
#include "crypto/jwt.h"

#include "crypto/crypto.h"

#define TOKEN_MAX 8192

static void member(struct json *o, struct arena *a, const char *key, struct str value)
{
        if (value.ptr)
                json_put(o, str_from(key), json_from_str(a, value));
}

enum err jwt_issue(struct ctx *ctx, struct str key, const struct jwt_claims *claims,
                   struct str *ret)
{
        struct arena *a = ctx->arena;
        struct json *o = json_new_object(a);
        uint8_t mac[CRYPTO_HASH_SIZE];
        struct buf b;

        if (claims->extra)
                JSON_EACH_MEMBER (it, claims->extra)
                        json_put(o, it.key, it.value);
        member(o, a, "iss", claims->iss);
        member(o, a, "sub", claims->sub);
        member(o, a, "aud", claims->aud);
        member(o, a, "jti", claims->jti);
        json_put(o, STR("iat"), json_from_i64(a, claims->iat));
        if (claims->nbf)
                json_put(o, STR("nbf"), json_from_i64(a, claims->nbf));
        json_put(o, STR("exp"), json_from_i64(a, claims->exp));
        buf_init(&b, a, TOKEN_MAX);
        buf_add(&b, crypto_base64url(a, STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}")));
        buf_add_char(&b, '.');
        buf_add(&b, crypto_base64url(a, json_text(a, o)));
        crypto_hmac_sha256(key, buf_str(&b), mac);
        struct str signature = crypto_base64url(a, (struct str){(char *)mac, sizeof mac});

        buf_add_char(&b, '.');
        buf_add(&b, signature);
        if (buf_full(&b))
                return fail(ctx, ERR_TOO_LARGE, "the token is too long");
        *ret = buf_str(&b);
        return OK;
}

/* Checks form, pinned algorithm and signature; answers the payload. */
static enum err open_token(struct ctx *ctx, struct str key, struct str token,
                           const struct json **ret)
{
        struct arena *a = ctx->arena;
        struct str rest = token, head, payload, signature, mac, text;
        uint8_t want[CRYPTO_HASH_SIZE];
        const struct json *header;

        if (token.len > TOKEN_MAX || !str_split(&rest, '.', &head) ||
            !str_split(&rest, '.', &payload) || !str_split(&rest, '.', &signature) || rest.ptr)
                return fail(ctx, ERR_AUTHENTICATION, "not a token");
        crypto_hmac_sha256(key, str_slice(token, 0, head.len + 1 + payload.len), want);
        if (!crypto_base64url_decode(a, signature, &mac) ||
            !crypto_equal(mac, (struct str){(char *)want, sizeof want}))
                return fail(ctx, ERR_AUTHENTICATION, "the token's signature is wrong");
        if (!crypto_base64url_decode(a, head, &text) || json_parse(ctx, text, &header) ||
            !str_eq_c(json_member_text(header, "alg"), "HS256") || json_member(header, "crit"))
                return fail(ctx, ERR_AUTHENTICATION, "the token's algorithm is not HS256");
        if (!crypto_base64url_decode(a, payload, &text) || json_parse(ctx, text, ret) ||
            !json_is_object(*ret))
                return fail(ctx, ERR_AUTHENTICATION, "the token's payload is not an object");
        return OK;
}

static bool number(const struct json *o, const char *key, int64_t *ret)
{
        const struct json *v = json_member(o, key);

        /* Years beyond 9999 are no dates, and keep the sums with the leeway from overflowing. */
        *ret = json_get_i64(v, -1);
        return json_is_number(v) && *ret >= 0 && *ret < INT64_C(253402300800);
}

enum err jwt_verify(struct ctx *ctx, struct str key, struct str token,
                    const struct jwt_expect *expect, struct jwt_claims *ret)
{
        const struct json *o;
        struct jwt_claims c = {0};

        TRY(open_token(ctx, key, token, &o));
        c.iss = json_member_text(o, "iss");
        c.sub = json_member_text(o, "sub");
        c.aud = json_member_text(o, "aud");
        c.jti = json_member_text(o, "jti");
        c.all = o;
        if (!str_eq(c.iss, expect->iss))
                return fail(ctx, ERR_AUTHENTICATION, "the token is from another issuer");
        if (!str_eq(c.aud, expect->aud))
                return fail(ctx, ERR_AUTHENTICATION, "the token is for another audience");
        if (c.sub.len == 0 || c.jti.len == 0 || !number(o, "iat", &c.iat) ||
            !number(o, "exp", &c.exp) || (json_member(o, "nbf") && !number(o, "nbf", &c.nbf)))
                return fail(ctx, ERR_AUTHENTICATION, "the token lacks a claim");
        if (expect->now >= c.exp + expect->leeway)
                return fail(ctx, ERR_AUTHENTICATION, "the token has expired");
        if (c.nbf > expect->now + expect->leeway || c.iat > expect->now + expect->leeway)
                return fail(ctx, ERR_AUTHENTICATION, "the token is not valid yet");
        *ret = c;
        return OK;
}
