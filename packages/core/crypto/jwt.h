/*
 * JSON Web Tokens (RFC 7519), HS256 only: the algorithm is pinned, whatever the token's header
 * asks for. Stateless; any thread.
 */
#ifndef MILLRACE_CORE_CRYPTO_JWT_H
#define MILLRACE_CORE_CRYPTO_JWT_H

#include "json/json.h"

struct jwt_claims {
        struct str iss, sub, aud, jti;
        int64_t iat, nbf, exp;    /* seconds since 1970; nbf 0 is left out */
        const struct json *extra; /* object of further claims for jwt_issue(), or NULL */
        const struct json *all;   /* the whole payload, set by jwt_verify() */
};

struct jwt_expect {
        struct str iss, aud; /* must match exactly */
        int64_t now;         /* seconds since 1970 */
        int64_t leeway;      /* seconds allowed for clocks that differ */
};

/* `key` should be 32 random bytes. */
_must_check_ enum err jwt_issue(struct ctx *ctx, struct str key, const struct jwt_claims *claims,
                                struct str *ret);

/*
 * ERR_AUTHENTICATION unless the signature is right and iss, aud, exp, nbf and iat hold; sub, jti,
 * iat and exp must be there. The message says which, for the log; do not show it to the caller.
 */
_must_check_ enum err jwt_verify(struct ctx *ctx, struct str key, struct str token,
                                 const struct jwt_expect *expect, struct jwt_claims *ret);

#endif
