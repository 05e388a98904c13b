/*
 * Cryptography: hashes, random tokens, text encodings and sealed values (AES-256-GCM under keys
 * derived by HKDF-SHA256 from a master key). Everything is a thin layer over OpenSSL 3.
 *
 * A sealed value is: format byte 1, key id (4 bytes), nonce (12 random bytes), ciphertext, tag (16
 * bytes). The key id is a fingerprint of the master key, so a key is rotated by making it
 * MILLRACE_MASTER_KEY_PREVIOUS and setting a new MILLRACE_MASTER_KEY: old values still open,
 * crypto_is_current() tells which ones to seal again.
 *
 * A keyring is immutable after crypto_keys_open() and may be used by any thread. The other
 * functions have no state. Random bytes that cannot be had abort the process.
 */
#ifndef MILLRACE_CORE_CRYPTO_CRYPTO_H
#define MILLRACE_CORE_CRYPTO_CRYPTO_H

#include "err/ctx.h"

#define CRYPTO_HASH_SIZE 32
#define CRYPTO_KEY_SIZE  32

void crypto_sha256(struct str data, uint8_t ret[CRYPTO_HASH_SIZE]);
void crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_HASH_SIZE]);
/* The same as lower-case hex text in the arena. */
struct str crypto_sha256_hex(struct arena *a, struct str data);
struct str crypto_hmac_sha256_hex(struct arena *a, struct str key, struct str data);
/* RFC 5869; `size` up to 8160 bytes. */
void crypto_hkdf_sha256(struct str key, struct str salt, struct str info, void *ret, size_t size);

/* Takes the same time wherever the two differ; different lengths are unequal at once. */
bool crypto_equal(struct str a, struct str b);
void crypto_wipe(void *p, size_t size); /* never optimised away */

void crypto_random(void *ret, size_t size);
/* `bytes` random bytes as base64url text: 32 for anything that must not be guessed. */
struct str crypto_token(struct arena *a, size_t bytes);

/* base64 with padding; base64url without. Decoders refuse anything else, white space included. */
struct str crypto_hex(struct arena *a, struct str data);
struct str crypto_base64(struct arena *a, struct str data);
struct str crypto_base64url(struct arena *a, struct str data);
bool crypto_hex_decode(struct arena *a, struct str text, struct str *ret);
bool crypto_base64_decode(struct arena *a, struct str text, struct str *ret);
bool crypto_base64url_decode(struct arena *a, struct str text, struct str *ret);

struct crypto_keys;

/*
 * `current` and each of the comma-separated `previous` is a master key: 64 hex digits, or base64 or
 * base64url of 32 bytes. `previous` may be empty. ERR_VALIDATION when one is not.
 */
_must_check_ enum err crypto_keys_open(struct ctx *ctx, struct str current, struct str previous,
                                       struct crypto_keys **ret);
void crypto_keys_close(struct crypto_keys *keys); /* wipes; accepts NULL */
size_t crypto_keys_count(const struct crypto_keys *keys);
/* A key for one purpose ("jwt", "webhook:…") from master key i; 0 is the current one. */
void crypto_keys_derive(const struct crypto_keys *keys, size_t i, struct str purpose,
                        uint8_t ret[CRYPTO_KEY_SIZE]);

/*
 * Seals `plain` for `owner` (a workspace id: each has its own key). `aad` is authenticated but not
 * stored: pass what the value belongs to (its row's id), so that a value moved elsewhere does not
 * open. The result is binary arena memory; plain text returned by crypto_unseal() is wiped when the
 * arena finishes. crypto_unseal: ERR_INTERNAL when it was changed, is not ours, or has no key here.
 */
_must_check_ enum err crypto_seal(struct ctx *ctx, const struct crypto_keys *keys, struct str owner,
                                  struct str aad, struct str plain, struct str *ret);
_must_check_ enum err crypto_unseal(struct ctx *ctx, const struct crypto_keys *keys,
                                    struct str owner, struct str aad, struct str sealed,
                                    struct str *ret);
bool crypto_is_current(const struct crypto_keys *keys, struct str sealed);

#endif
