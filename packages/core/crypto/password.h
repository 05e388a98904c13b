/*
 * Passwords: Argon2id by libsodium, as self-describing text ("$argon2id$v=19$…"). One hashing
 * takes the memory of its cost (64 MiB by default), so a hasher lets only so many run at once; the
 * others wait for a place until their ctx deadline. A hasher may be used by any thread.
 */
#ifndef MILLRACE_CORE_CRYPTO_PASSWORD_H
#define MILLRACE_CORE_CRYPTO_PASSWORD_H

#include "err/ctx.h"

struct password_cost {
        uint64_t passes;
        size_t memory; /* bytes */
};

struct password_hasher;

/* A NULL cost is libsodium's "interactive"; tests may pass a lower one. */
_must_check_ enum err password_open(struct ctx *ctx, int concurrency,
                                    const struct password_cost *cost, struct password_hasher **ret);
void password_close(struct password_hasher *h); /* accepts NULL */

/* ERR_UNAVAILABLE with retry_after_ms when no place came free before the deadline. */
_must_check_ enum err password_hash(struct ctx *ctx, struct password_hasher *h, struct str password,
                                    struct str *ret);
/*
 * Whether the password is the one of `hash`. A STR_NULL hash does the same work against a hash
 * nobody has the password of and answers false: use it for users that do not exist.
 */
_must_check_ enum err password_verify(struct ctx *ctx, struct password_hasher *h,
                                      struct str password, struct str hash, bool *ret);
/* True when `hash` was made with another cost than the hasher's: hash again after a login. */
bool password_outdated(const struct password_hasher *h, struct str hash);

#endif
