/* Hashes, random tokens, constant-time compare and sealed values. See crypto.h. */
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT     1
#define KEY_ID     4
#define NONCE      12
#define TAG        16
#define HEAD       (1 + KEY_ID + NONCE)
#define SEALED_MAX ((size_t)64 << 20)
#define KEYS_MAX   16

struct crypto_keys {
        size_t count;
        struct master {
                uint8_t id[KEY_ID];
                uint8_t key[CRYPTO_KEY_SIZE];
        } list[KEYS_MAX];
};

/* For what only fails when the machine or the build is broken. */
static void must(bool fine, const char *what)
{
        if (fine)
                return;
        fprintf(stderr, "{\"level\":\"error\",\"message\":\"cryptography failed: %s\"}\n", what);
        abort();
}

static const void *bytes_of(struct str s)
{
        return s.ptr ? s.ptr : "";
}

void crypto_sha256(struct str data, uint8_t ret[CRYPTO_HASH_SIZE])
{
        must(EVP_Digest(bytes_of(data), data.len, ret, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
}

void crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_HASH_SIZE])
{
        must(key.len <= INT32_MAX && HMAC(EVP_sha256(), bytes_of(key), (int)key.len, bytes_of(data),
                                          data.len, ret, NULL) != NULL,
             "HMAC");
}

struct str crypto_sha256_hex(struct arena *a, struct str data)
{
        uint8_t hash[CRYPTO_HASH_SIZE];

        crypto_sha256(data, hash);
        return crypto_hex(a, (struct str){(char *)hash, sizeof hash});
}

struct str crypto_hmac_sha256_hex(struct arena *a, struct str key, struct str data)
{
        uint8_t hash[CRYPTO_HASH_SIZE];

        crypto_hmac_sha256(key, data, hash);
        return crypto_hex(a, (struct str){(char *)hash, sizeof hash});
}

void crypto_hkdf_sha256(struct str key, struct str salt, struct str info, void *ret, size_t size)
{
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        EVP_KDF_CTX *k = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)bytes_of(key),
                                                  key.len),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)bytes_of(salt),
                                                  salt.len),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)bytes_of(info),
                                                  info.len),
                OSSL_PARAM_construct_end(),
        };

        must(k && EVP_KDF_derive(k, ret, size, params) == 1, "HKDF");
        EVP_KDF_CTX_free(k);
        EVP_KDF_free(kdf);
}

bool crypto_equal(struct str a, struct str b)
{
        return a.len == b.len && CRYPTO_memcmp(bytes_of(a), bytes_of(b), a.len) == 0;
}

void crypto_wipe(void *p, size_t size)
{
        OPENSSL_cleanse(p, size);
}

void crypto_random(void *ret, size_t size)
{
        must(size <= INT32_MAX && RAND_bytes(ret, (int)size) == 1, "no random bytes");
}

struct str crypto_token(struct arena *a, size_t bytes)
{
        void *raw = arena_alloc(a, bytes);

        crypto_random(raw, bytes);
        return crypto_base64url(a, (struct str){raw, bytes});
}

void crypto_keys_close(struct crypto_keys *keys)
{
        if (!keys)
                return;
        crypto_wipe(keys, sizeof *keys);
        mem_free(keys);
}

/* A master key's text to its 32 bytes. */
static bool key_decode(struct arena *a, struct str text, struct str *ret)
{
        if (text.len == 2 * CRYPTO_KEY_SIZE && crypto_hex_decode(a, text, ret))
                return true;
        if (crypto_base64_decode(a, text, ret) && ret->len == CRYPTO_KEY_SIZE)
                return true;
        return crypto_base64url_decode(a, text, ret) && ret->len == CRYPTO_KEY_SIZE;
}

static enum err key_add(struct ctx *ctx, struct crypto_keys *keys, struct str text)
{
        struct str raw;
        struct master *m = &keys->list[keys->count];

        if (keys->count == KEYS_MAX)
                return fail(ctx, ERR_VALIDATION, "more than %d master keys", KEYS_MAX);
        if (!key_decode(ctx->arena, text, &raw))
                return fail(ctx, ERR_VALIDATION,
                            "a master key must be 64 hex digits or base64 of 32 bytes");
        memcpy(m->key, raw.ptr, sizeof m->key);
        crypto_wipe((char *)raw.ptr, raw.len);
        crypto_hkdf_sha256((struct str){(char *)m->key, sizeof m->key}, STR("millrace"),
                           STR("key id"), m->id, sizeof m->id);
        keys->count++;
        return OK;
}

static void keys_closep(struct crypto_keys **keys)
{
        crypto_keys_close(*keys);
}

enum err crypto_keys_open(struct ctx *ctx, struct str current, struct str previous,
                          struct crypto_keys **ret)
{
        _cleanup_(keys_closep) struct crypto_keys *keys = mem_alloc(sizeof *keys);
        struct str part;

        TRY(key_add(ctx, keys, str_trim(current)));
        while (str_split(&previous, ',', &part)) {
                part = str_trim(part);
                if (part.len)
                        TRY(key_add(ctx, keys, part));
        }
        *ret = keys;
        keys = NULL;
        return OK;
}

size_t crypto_keys_count(const struct crypto_keys *keys)
{
        return keys->count;
}

static void derive(const struct master *m, struct str kind, struct str name,
                   uint8_t ret[CRYPTO_KEY_SIZE])
{
        uint8_t hash[CRYPTO_HASH_SIZE + 8] = {0};

        /* A fixed-size info keeps two (kind, name) pairs from ever meaning the same bytes. */
        memcpy(hash, kind.ptr, MIN_OF(kind.len, (size_t)8));
        crypto_sha256(name, hash + 8);
        crypto_hkdf_sha256((struct str){(const char *)m->key, sizeof m->key}, STR("millrace"),
                           (struct str){(char *)hash, sizeof hash}, ret, CRYPTO_KEY_SIZE);
}

void crypto_keys_derive(const struct crypto_keys *keys, size_t i, struct str purpose,
                        uint8_t ret[CRYPTO_KEY_SIZE])
{
        must(i < keys->count, "no such master key");
        derive(&keys->list[i], STR("purpose"), purpose, ret);
}

static void cipher_freep(EVP_CIPHER_CTX **c)
{
        EVP_CIPHER_CTX_free(*c);
}

/* The format and key id are authenticated along with the caller's aad. */
static bool start(EVP_CIPHER_CTX *c, bool seal, const uint8_t *key, const uint8_t *head,
                  struct str aad)
{
        int n, on = seal ? 1 : 0;

        return c && aad.len <= INT32_MAX &&
               EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, head + 1 + KEY_ID, on) == 1 &&
               EVP_CipherUpdate(c, NULL, &n, head, 1 + KEY_ID) == 1 &&
               (aad.len == 0 || EVP_CipherUpdate(c, NULL, &n, bytes_of(aad), (int)aad.len) == 1);
}

enum err crypto_seal(struct ctx *ctx, const struct crypto_keys *keys, struct str owner,
                     struct str aad, struct str plain, struct str *ret)
{
        _cleanup_(cipher_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        const struct master *m = &keys->list[0];
        uint8_t key[CRYPTO_KEY_SIZE];
        int n = 0, tail = 0;

        if (plain.len > SEALED_MAX)
                return fail(ctx, ERR_TOO_LARGE, "too large to seal");
        uint8_t *out = arena_alloc(ctx->arena, HEAD + plain.len + TAG);

        out[0] = FORMAT;
        memcpy(out + 1, m->id, KEY_ID);
        crypto_random(out + 1 + KEY_ID, NONCE);
        derive(m, STR("owner"), owner, key);
        must(start(c, true, key, out, aad) &&
                     EVP_CipherUpdate(c, out + HEAD, &n, bytes_of(plain), (int)plain.len) == 1 &&
                     EVP_CipherFinal_ex(c, out + HEAD + n, &tail) == 1 &&
                     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + HEAD + plain.len) == 1,
             "AES-256-GCM");
        crypto_wipe(key, sizeof key);
        *ret = (struct str){(char *)out, HEAD + plain.len + TAG};
        return OK;
}

struct secret {
        void *p;
        size_t size;
};

static void secret_wipe(void *p)
{
        struct secret *s = p;

        crypto_wipe(s->p, s->size);
}

static const struct master *key_of(const struct crypto_keys *keys, struct str sealed)
{
        for (size_t i = 0; i < keys->count; i++)
                if (memcmp(keys->list[i].id, sealed.ptr + 1, KEY_ID) == 0)
                        return &keys->list[i];
        return NULL;
}

enum err crypto_unseal(struct ctx *ctx, const struct crypto_keys *keys, struct str owner,
                       struct str aad, struct str sealed, struct str *ret)
{
        _cleanup_(cipher_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        const uint8_t *in = (const uint8_t *)sealed.ptr;
        uint8_t key[CRYPTO_KEY_SIZE], tag[TAG];
        int n = 0, tail = 0;

        if (sealed.len < HEAD + TAG || sealed.len > HEAD + SEALED_MAX + TAG || in[0] != FORMAT)
                return fail(ctx, ERR_INTERNAL, "not a sealed value");
        const struct master *m = key_of(keys, sealed);

        if (!m)
                return fail(ctx, ERR_INTERNAL, "sealed with a master key that is not set here");
        size_t len = sealed.len - HEAD - TAG;
        struct secret *s = arena_new(ctx->arena, struct secret);

        *s = (struct secret){arena_alloc(ctx->arena, len + 1), len};
        arena_defer(ctx->arena, secret_wipe, s);
        memcpy(tag, in + HEAD + len, TAG);
        derive(m, STR("owner"), owner, key);
        bool fine = start(c, false, key, in, aad) &&
                    EVP_CipherUpdate(c, s->p, &n, in + HEAD, (int)len) == 1 &&
                    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
                    EVP_CipherFinal_ex(c, (uint8_t *)s->p + n, &tail) == 1;

        crypto_wipe(key, sizeof key);
        if (!fine) {
                secret_wipe(s);
                return fail(ctx, ERR_INTERNAL, "a sealed value does not open: changed or not ours");
        }
        *ret = (struct str){s->p, len};
        return OK;
}

bool crypto_is_current(const struct crypto_keys *keys, struct str sealed)
{
        return sealed.len >= HEAD + TAG && sealed.ptr[0] == FORMAT &&
               key_of(keys, sealed) == &keys->list[0];
}
