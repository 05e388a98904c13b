/* Unit tests of core/crypto: published vectors, tampering, rotation, tokens, passwords. */
#include "test.h"

#include "crypto/crypto.h"
#include "crypto/jwt.h"
#include "crypto/password.h"

#include <pthread.h>
#include <string.h>

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static struct str hex(const void *p, size_t n)
{
        return crypto_hex(&arena, (struct str){p, n});
}

static struct crypto_keys *keys_of(const char *current, const char *previous)
{
        struct crypto_keys *k = NULL;

        assert_int_equal(crypto_keys_open(&ctx, str_from(current), str_from(previous), &k), OK);
        return k;
}

static void hashes_match_their_published_vectors(void **state)
{
        /* FIPS 180-4 "abc", RFC 4231 case 2, RFC 5869 case 1. */
        struct str ikm, salt, info;
        uint8_t okm[42];

        assert_true(str_eq_c(crypto_sha256_hex(&arena, STR("abc")),
                             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        assert_true(str_eq_c(crypto_sha256_hex(&arena, STR_NULL),
                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        assert_true(str_eq_c(
                crypto_hmac_sha256_hex(&arena, STR("Jefe"), STR("what do ya want for nothing?")),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
        assert_true(crypto_hex_decode(&arena, STR("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                                      &ikm));
        assert_true(crypto_hex_decode(&arena, STR("000102030405060708090a0b0c"), &salt));
        assert_true(crypto_hex_decode(&arena, STR("f0f1f2f3f4f5f6f7f8f9"), &info));
        crypto_hkdf_sha256(ikm, salt, info, okm, sizeof okm);
        assert_true(str_eq_c(hex(okm, sizeof okm),
                             "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007"
                             "208d5b887185865"));
}

static void encodings_round_trip_and_refuse_the_rest(void **state)
{
        static const char *const texts[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
        static const char *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                            "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
        static const char *const bad[] = {
                "Z", "Zg", "Zg=", "Zh==", "Zg==\n", "Zm9v=", "Z===", "+/+ "};
        struct str out;

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                assert_true(str_eq_c(crypto_base64(&arena, str_from(texts[i])), coded[i]));
                assert_true(crypto_base64_decode(&arena, str_from(coded[i]), &out));
                assert_true(str_eq_c(out, texts[i]));
        }
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_false(crypto_base64_decode(&arena, str_from(bad[i]), &out));
        assert_true(str_eq_c(crypto_base64url(&arena, STR("\xfb\xff\xfe")), "-__-"));
        assert_true(crypto_base64url_decode(&arena, STR("-__-"), &out));
        assert_true(str_eq(out, STR("\xfb\xff\xfe")));
        assert_false(crypto_base64url_decode(&arena, STR("+//+"), &out));
        assert_false(crypto_base64url_decode(&arena, STR("Zg=="), &out));
        assert_true(crypto_hex_decode(&arena, STR("00fFaB"), &out));
        assert_true(str_eq(out, STR("\0\xff\xab")));
        assert_false(crypto_hex_decode(&arena, STR("0"), &out));
        assert_false(crypto_hex_decode(&arena, STR("0g"), &out));
}

static void tokens_are_long_and_differ(void **state)
{
        struct str a = crypto_token(&arena, 32), b = crypto_token(&arena, 32);

        assert_int_equal(a.len, 43);
        assert_false(crypto_equal(a, b));
        assert_true(crypto_equal(a, str_dup(&arena, a)));
        assert_false(crypto_equal(a, str_slice(a, 0, 42)));
}

static void sealed_values_open_only_where_they_belong(void **state)
{
        struct crypto_keys *k = keys_of(KEY_A, NULL), *other = keys_of(KEY_B, NULL);
        struct str sealed, again, out, plain = STR("sk_live_51H");

        assert_int_equal(crypto_seal(&ctx, k, STR("w1"), STR("row1"), plain, &sealed), OK);
        assert_int_equal(crypto_seal(&ctx, k, STR("w1"), STR("row1"), plain, &again), OK);
        assert_false(str_eq(sealed, again)); /* a fresh nonce each time */
        assert_int_equal(sealed.len, 1 + 4 + 12 + plain.len + 16);
        assert_true(str_find(sealed, plain) == SIZE_MAX);
        assert_int_equal(crypto_unseal(&ctx, k, STR("w1"), STR("row1"), sealed, &out), OK);
        assert_true(str_eq(out, plain));
        assert_int_not_equal(crypto_unseal(&ctx, k, STR("w2"), STR("row1"), sealed, &out), OK);
        assert_int_not_equal(crypto_unseal(&ctx, k, STR("w1"), STR("row2"), sealed, &out), OK);
        assert_int_not_equal(crypto_unseal(&ctx, other, STR("w1"), STR("row1"), sealed, &out), OK);
        crypto_keys_close(k);
        crypto_keys_close(other);
}

static void every_changed_or_missing_byte_is_noticed(void **state)
{
        struct crypto_keys *k = keys_of(KEY_A, "");
        struct str sealed, out;

        assert_int_equal(crypto_seal(&ctx, k, STR("w"), STR_NULL, STR("secret"), &sealed), OK);
        for (size_t i = 0; i < sealed.len; i++) {
                struct str bad = str_dup(&arena, sealed);

                ((char *)bad.ptr)[i] ^= 1;
                assert_int_not_equal(crypto_unseal(&ctx, k, STR("w"), STR_NULL, bad, &out), OK);
                bad = str_slice(sealed, 0, i);
                assert_int_not_equal(crypto_unseal(&ctx, k, STR("w"), STR_NULL, bad, &out), OK);
        }
        crypto_keys_close(k);
}

static void a_rotated_key_still_opens_what_it_sealed(void **state)
{
        struct crypto_keys *old = keys_of(KEY_A, NULL), *new = keys_of(KEY_B, " " KEY_A ", ");
        struct str sealed, out;
        uint8_t a[CRYPTO_KEY_SIZE], b[CRYPTO_KEY_SIZE];

        assert_int_equal(crypto_seal(&ctx, old, STR("w"), STR_NULL, STR_NULL, &sealed), OK);
        assert_true(crypto_is_current(old, sealed));
        assert_false(crypto_is_current(new, sealed));
        assert_int_equal(crypto_unseal(&ctx, new, STR("w"), STR_NULL, sealed, &out), OK);
        assert_int_equal(out.len, 0);
        assert_int_equal(crypto_keys_count(new), 2);
        crypto_keys_derive(old, 0, STR("jwt"), a);
        crypto_keys_derive(new, 1, STR("jwt"), b);
        assert_memory_equal(a, b, sizeof a);
        crypto_keys_derive(new, 0, STR("jwt"), b);
        assert_memory_not_equal(a, b, sizeof a);
        crypto_keys_derive(old, 0, STR("jwu"), b);
        assert_memory_not_equal(a, b, sizeof a);
        crypto_keys_close(old);
        crypto_keys_close(new);
}

static void master_keys_must_be_whole(void **state)
{
        static const char *const bad[] = {"", "abc", "AAECAwQFBgcICQoLDA0ODw==", KEY_A "00"};
        struct crypto_keys *k;

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                assert_int_equal(crypto_keys_open(&ctx, str_from(bad[i]), STR_NULL, &k),
                                 ERR_VALIDATION);
        assert_int_equal(crypto_keys_open(&ctx, STR(KEY_A), STR("nonsense"), &k), ERR_VALIDATION);
        k = keys_of("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", NULL);
        crypto_keys_close(k);
        k = keys_of("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", NULL);
        crypto_keys_close(k);
}

static const struct jwt_expect expect = {STR("millrace"), STR("api"), 1000, 5};
#define JWT_KEY STR("0123456789abcdef0123456789abcdef")

static struct jwt_claims good(void)
{
        return (struct jwt_claims){.iss = STR("millrace"),
                                   .aud = STR("api"),
                                   .sub = STR("u1"),
                                   .jti = STR("j1"),
                                   .iat = 990,
                                   .exp = 1100};
}

static enum err check(struct jwt_claims claims)
{
        struct str token;

        assert_int_equal(jwt_issue(&ctx, JWT_KEY, &claims, &token), OK);
        return jwt_verify(&ctx, JWT_KEY, token, &expect, &claims);
}

static struct str join(struct str head, struct str payload, bool sign)
{
        struct str signed_part =
                str_printf(&arena, "%.*s.%.*s", FMT(crypto_base64url(&arena, head)),
                           FMT(crypto_base64url(&arena, payload)));
        uint8_t mac[32];

        crypto_hmac_sha256(JWT_KEY, signed_part, mac);
        struct str s = crypto_base64url(&arena, (struct str){(char *)mac, sizeof mac});

        return str_printf(&arena, "%.*s.%.*s", FMT(signed_part), FMT(sign ? s : STR("")));
}

static void tokens_verify_and_carry_their_claims(void **state)
{
        struct jwt_claims c = good(), out;
        struct json *extra = json_new_object(&arena);
        struct str token;

        json_put(extra, STR("sid"), json_from_str(&arena, STR("s1")));
        json_put(extra, STR("sub"), json_from_str(&arena, STR("root"))); /* must not win */
        c.extra = extra;
        assert_int_equal(jwt_issue(&ctx, JWT_KEY, &c, &token), OK);
        assert_int_equal(jwt_verify(&ctx, JWT_KEY, token, &expect, &out), OK);
        assert_true(str_eq(out.sub, STR("u1")));
        assert_int_equal(out.exp, 1100);
        assert_true(str_eq(json_member_text(out.all, "sid"), STR("s1")));
        assert_int_equal(jwt_verify(&ctx, STR("another key"), token, &expect, &out),
                         ERR_AUTHENTICATION);
}

static void a_header_may_be_written_differently(void **state)
{
        /* White space in the header as in the example of RFC 7515 A.1. */
        struct jwt_claims out;
        struct str token =
                join(STR("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"),
                     STR("{\"iss\":\"millrace\",\"aud\":\"api\",\"sub\":\"u\",\"jti\":\"j\","
                         "\"iat\":1,\"exp\":2000}"),
                     true);

        assert_int_equal(jwt_verify(&ctx, JWT_KEY, token, &expect, &out), OK);
}

static void times_issuers_and_audiences_hold(void **state)
{
        struct jwt_claims c = good();

        assert_int_equal(check(c), OK);
        c.exp = 995;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c.exp = 996; /* within the leeway */
        assert_int_equal(check(c), OK);
        c = good();
        c.nbf = 1006;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c.nbf = 1005;
        assert_int_equal(check(c), OK);
        c = good();
        c.iat = 1006;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c = good();
        c.iss = STR("somebody");
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c = good();
        c.aud = STR_NULL;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c = good();
        c.jti = STR_NULL;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
        c = good();
        c.exp = -1;
        assert_int_equal(check(c), ERR_AUTHENTICATION);
}

static void forged_tokens_are_refused(void **state)
{
        struct str body = STR("{\"iss\":\"millrace\",\"aud\":\"api\",\"sub\":\"u\",\"jti\":\"j\","
                              "\"iat\":1,\"exp\":2000}");
        struct str right = join(STR("{\"alg\":\"HS256\"}"), body, true);
        const struct str bad[] = {
                join(STR("{\"alg\":\"none\"}"), body, false),
                join(STR("{\"alg\":\"none\"}"), body, true),
                join(STR("{\"alg\":\"HS512\"}"), body, true),
                join(STR("{\"alg\":[\"HS256\"]}"), body, true),
                join(STR("{}"), body, true),
                join(STR("{\"alg\":\"HS256\",\"crit\":[\"x\"]}"), body, true),
                join(STR("{\"alg\":\"HS256\"}"), body, false),
                join(STR("{\"alg\":\"HS256\"}"), STR("[]"), true),
                join(STR("{\"alg\":\"HS256\"}"), STR("{\"exp\":\"2000\"}"), true),
                join(STR("{\"alg\":\"HS256\"}"), STR("nonsense"), true),
                str_slice(right, 0, right.len - 1),
                str_printf(&arena, "%.*s.", FMT(right)),
                str_printf(&arena, "%.*s=", FMT(right)),
                STR(""),
                STR(".."),
                STR("a.b.c"),
        };
        struct jwt_claims out;

        assert_int_equal(jwt_verify(&ctx, JWT_KEY, right, &expect, &out), OK);
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (jwt_verify(&ctx, JWT_KEY, bad[i], &expect, &out) != ERR_AUTHENTICATION)
                        fail_msg("forged token %zu passes", i);
}

static const struct password_cost cheap = {1, 8192};

static void passwords_verify(void **state)
{
        struct password_hasher *h;
        struct str hash, other;
        bool same;

        assert_int_equal(password_open(&ctx, 2, &cheap, &h), OK);
        assert_int_equal(password_hash(&ctx, h, STR("correct horse"), &hash), OK);
        assert_int_equal(password_hash(&ctx, h, STR("correct horse"), &other), OK);
        assert_true(str_starts(hash, STR("$argon2id$v=19$m=8,t=1,p=1$")));
        assert_false(str_eq(hash, other));
        assert_int_equal(password_verify(&ctx, h, STR("correct horse"), hash, &same), OK);
        assert_true(same);
        assert_int_equal(password_verify(&ctx, h, STR("correct hors"), hash, &same), OK);
        assert_false(same);
        assert_int_equal(password_verify(&ctx, h, STR(""), hash, &same), OK);
        assert_false(same);
        assert_int_equal(password_verify(&ctx, h, STR("x"), STR_NULL, &same), OK);
        assert_false(same);
        assert_int_equal(password_verify(&ctx, h, STR("x"), STR("not a hash"), &same), OK);
        assert_false(same);
        assert_false(password_outdated(h, hash));
        assert_true(password_outdated(h, STR("$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$aGFzaA")));
        assert_int_equal(password_hash(&ctx, h, STR(""), &hash), ERR_VALIDATION);
        password_close(h);
}

struct login {
        struct password_hasher *h;
        struct str hash;
        int64_t deadline_ns;
        enum err result;
        bool same;
};

static void *log_in(void *arg)
{
        struct login *l = arg;
        struct arena a;
        struct ctx c;

        arena_init(&a, 1 << 20);
        ctx_init(&c, &a);
        c.deadline_ns = l->deadline_ns;
        l->result = password_verify(&c, l->h, STR("pw"), l->hash, &l->same);
        arena_finish(&a);
        return NULL;
}

static void many_logins_share_few_places(void **state)
{
        struct login l[24];
        pthread_t t[ELEMENTS(l)];
        struct password_hasher *h;
        struct str hash;
        int worked = 0;

        assert_int_equal(password_open(&ctx, 1, &cheap, &h), OK);
        assert_int_equal(password_hash(&ctx, h, STR("pw"), &hash), OK);
        for (size_t i = 0; i < ELEMENTS(l); i++) {
                l[i] = (struct login){h, hash, i % 2 ? 1 : 0, OK, false};
                assert_int_equal(pthread_create(&t[i], NULL, log_in, &l[i]), 0);
        }
        for (size_t i = 0; i < ELEMENTS(l); i++) {
                pthread_join(t[i], NULL);
                if (i % 2 == 0)
                        assert_int_equal(l[i].result, OK); /* no deadline: waits its turn */
                else
                        assert_true(l[i].result == OK || l[i].result == ERR_UNAVAILABLE);
                worked += l[i].result == OK && l[i].same;
        }
        assert_true(worked >= 12);
        password_close(h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(hashes_match_their_published_vectors),
                TEST(encodings_round_trip_and_refuse_the_rest),
                TEST(tokens_are_long_and_differ),
                TEST(sealed_values_open_only_where_they_belong),
                TEST(every_changed_or_missing_byte_is_noticed),
                TEST(a_rotated_key_still_opens_what_it_sealed),
                TEST(master_keys_must_be_whole),
                TEST(tokens_verify_and_carry_their_claims),
                TEST(a_header_may_be_written_differently),
                TEST(times_issuers_and_audiences_hold),
                TEST(forged_tokens_are_refused),
                TEST(passwords_verify),
                TEST(many_logins_share_few_places),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
