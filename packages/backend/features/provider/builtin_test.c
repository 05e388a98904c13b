/* Unit tests of the built-in providers, against a DNS server of their own on the loopback. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "features/provider/definition.h"

/* ---- a DNS server that knows a handful of names ---- */

enum record { NAME_ERROR, NO_DATA_HERE, MX, NULL_MX, ADDRESS, SERVER_FAILURE, SILENCE };

static const struct {
        const char *name;
        enum record mx, a;
} zone[] = {
        {"mail.test", MX, ADDRESS},
        {"nomail.test", NULL_MX, ADDRESS},
        {"addressonly.test", NO_DATA_HERE, ADDRESS},
        {"nothing.test", NO_DATA_HERE, NO_DATA_HERE},
        {"broken.test", SERVER_FAILURE, SERVER_FAILURE},
        {"silent.test", SILENCE, SILENCE},
        {"acmetools.com", MX, ADDRESS},
        {"brot.de", MX, ADDRESS},
};

static int dns_socket = -1, dns_questions;
static char dns_servers[64];
static pthread_t dns_thread;

/* "4mail4test0" into "mail.test"; the length of the name in the packet. */
static size_t read_name(const unsigned char *p, size_t n, char *ret, size_t size)
{
        size_t at = 0, out = 0;

        while (at < n && p[at] && at + 1 + p[at] < n && out + p[at] + 2u < size) {
                if (out)
                        ret[out++] = '.';
                memcpy(ret + out, p + at + 1, p[at]);
                out += p[at];
                at += 1u + p[at];
        }
        ret[out] = 0;
        return at + 1;
}

static enum record record_of(const char *name, int type)
{
        for (size_t i = 0; i < ELEMENTS(zone); i++)
                if (!strcasecmp(zone[i].name, name))
                        return type == 15             ? zone[i].mx
                               : type == 1            ? zone[i].a
                               : zone[i].a == ADDRESS ? NO_DATA_HERE
                                                      : zone[i].a;
        return NAME_ERROR;
}

static size_t add_answer(unsigned char *p, enum record r)
{
        static const unsigned char mx[] = {0xC0, 12, 0, 15, 0, 1,  0,    0,
                                           0,    60, 0, 4,  0, 10, 0xC0, 12};
        static const unsigned char null_mx[] = {0xC0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 3, 0, 0, 0};
        static const unsigned char a[] = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
        const unsigned char *from = r == MX ? mx : r == NULL_MX ? null_mx : a;
        size_t n = r == MX ? sizeof(mx) : r == NULL_MX ? sizeof(null_mx) : sizeof(a);

        memcpy(p, from, n);
        return n;
}

static void *serve_dns(void *arg)
{
        unsigned char q[600];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t got;

        while ((got = recvfrom(dns_socket, q, 512, 0, (struct sockaddr *)&from, &size)) >= 0) {
                char name[256];
                size_t n = (size_t)got, end;
                enum record r;

                if (n < 17)
                        break; /* the stop message */
                __atomic_fetch_add(&dns_questions, 1, __ATOMIC_RELAXED);
                end = 12 + read_name(q + 12, n - 12, name, sizeof(name));
                r = record_of(name, q[end] << 8 | q[end + 1]);
                if (r == SILENCE)
                        continue;
                q[2] = 0x81;
                q[3] = (unsigned char)(r == NAME_ERROR ? 0x83 : r == SERVER_FAILURE ? 0x82 : 0x80);
                memset(q + 6, 0, 6); /* no answer, authority or additional records so far */
                end += 4;
                if (r == MX || r == NULL_MX || r == ADDRESS) {
                        q[7] = 1;
                        end += add_answer(q + end, r);
                }
                sendto(dns_socket, q, end, 0, (struct sockaddr *)&from, size);
        }
        return NULL;
}

static int start_dns(void **state)
{
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(addr);

        dns_socket = socket(AF_INET, SOCK_DGRAM, 0);
        if (bind(dns_socket, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
            getsockname(dns_socket, (struct sockaddr *)&addr, &size) < 0)
                return -1;
        snprintf(dns_servers, sizeof(dns_servers), "127.0.0.1:%d", ntohs(addr.sin_port));
        return pthread_create(&dns_thread, NULL, serve_dns, NULL);
}

static int stop_dns(void **state)
{
        struct sockaddr_in addr;
        socklen_t size = sizeof(addr);

        getsockname(dns_socket, (struct sockaddr *)&addr, &size);
        sendto(dns_socket, "stop", 4, 0, (struct sockaddr *)&addr, size);
        pthread_join(dns_thread, NULL);
        return close(dns_socket);
}

/* ---- running ---- */

static struct provider_registry *registry;

static int open_registry(void **state)
{
        struct provider_settings settings = {.dns_servers = str_from(dns_servers)};

        test_setup(state);
        assert_int_equal(provider_registry_open(&ctx, &settings, &registry), OK);
        return 0;
}

static int close_registry(void **state)
{
        provider_registry_close(registry);
        return test_teardown(state);
}

#define WITH_REGISTRY(fn) cmocka_unit_test_setup_teardown(fn, open_registry, close_registry)

static struct provider_result run2(const char *slug, const char *key, const char *text,
                                   const char *key2, const char *text2)
{
        const struct provider_def *def = provider_find(registry, str_from(slug));
        struct provider_inputs in = {0};
        struct provider_question q = {0};
        struct provider_result r = {0};

        provider_inputs_put(&ctx, &in, str_from(key), str_from(text));
        if (key2)
                provider_inputs_put(&ctx, &in, str_from(key2), str_from(text2));
        assert_int_equal(provider_question(&ctx, def, &in, &q), OK);
        assert_true(q.complete);
        assert_int_equal(provider_run_local(&ctx, def, &q.inputs, &r), OK);
        assert_int_equal(r.credits, 0);
        assert_int_equal(ctx.err, OK);
        return r;
}

static struct provider_result run(const char *slug, const char *key, const char *text)
{
        return run2(slug, key, text, NULL, NULL);
}

static void check_output(struct provider_result r, const char *key, const char *want)
{
        const struct json *got = provider_result_get(&r, str_from(key));

        if (!want) {
                assert_int_not_equal(r.outcome, PROVIDER_HIT);
                assert_null(got);
                return;
        }
        assert_int_equal(r.outcome, PROVIDER_HIT);
        assert_non_null(got);
        assert_string_equal(str_to_c(&arena, json_get_str(got)), want);
        assert_true(r.confidence > 0 && r.confidence <= 1);
}

/* ---- e-mail ---- */

static void check_email(const char *email, const char *status)
{
        check_output(run("email-syntax-mx", "email", email), "email_status", status);
}

static void bad_syntax_is_invalid(void **state)
{
        static const char *const bad[] = {"ada",
                                          "@mail.test",
                                          "ada@",
                                          "ada@mail",
                                          "a b@mail.test",
                                          ".ada@mail.test",
                                          "ada.@mail.test",
                                          "a..da@mail.test",
                                          "ada@-mail.test",
                                          "ada@mail..test",
                                          "ada@mail_.test",
                                          "<ada@mail.test>",
                                          "ada@1.2.3.4",
                                          "ada@mail.test, bob@mail.test"};
        char local[80], text[400];
        struct provider_result r;
        int before = dns_questions;

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                check_email(bad[i], "invalid");
        memset(local, 'a', 65);
        local[65] = 0;
        snprintf(text, sizeof(text), "%s@mail.test", local);
        r = run("email-syntax-mx", "email", text);
        check_output(r, "email_status", "invalid");
        assert_true(str_find(r.detail, STR("64")) != SIZE_MAX);
        assert_int_equal(dns_questions, before); /* none of them was worth a question */
}

static void the_domain_decides(void **state)
{
        check_email("Ada.Lovelace+x@MAIL.test", "unknown");
        check_email("ada@addressonly.test", "unknown");
        check_email("ada@nomail.test", "invalid");
        check_email("ada@nothing.test", "invalid");
        check_email("ada@missing.test", "invalid");
        assert_true(run("email-syntax-mx", "email", "a@mail.test").confidence >
                    run("email-syntax-mx", "email", "a@addressonly.test").confidence);
}

static void answers_are_cached(void **state)
{
        int before;

        check_email("one@mail.test", "unknown");
        before = dns_questions;
        check_email("two@mail.test", "unknown");
        assert_int_equal(dns_questions, before);
}

static void dns_trouble_is_worth_another_try(void **state)
{
        struct provider_result r = run("email-syntax-mx", "email", "ada@broken.test");

        assert_int_equal(r.outcome, PROVIDER_RETRY);
        assert_true(r.detail.len > 0);
}

static void the_deadline_is_kept(void **state)
{
        int64_t began = time_mono_ns();
        struct provider_result r;

        ctx.deadline_ns = began + 200 * NS_PER_MS;
        r = run("email-syntax-mx", "email", "ada@silent.test");
        assert_int_equal(r.outcome, PROVIDER_RETRY);
        assert_true(time_mono_ns() - began < 1200 * NS_PER_MS);
}

static void silent_servers_are_left_alone_for_a_while(void **state)
{
        struct provider_settings settings = {.dns_servers = STR("127.0.0.1:1")}; /* nobody there */
        struct provider_registry *held = registry;
        struct provider_result first, second;

        assert_int_equal(provider_registry_open(&ctx, &settings, &registry), OK);
        first = run("email-syntax-mx", "email", "ada@mail.test");
        second = run("email-syntax-mx", "email", "ada@other.test");
        assert_int_equal(first.outcome, PROVIDER_RETRY);
        assert_int_equal(second.outcome, PROVIDER_RETRY);
        assert_true(str_find(first.detail, STR("a moment ago")) == SIZE_MAX);
        assert_true(str_find(second.detail, STR("a moment ago")) != SIZE_MAX);
        provider_registry_close(registry);
        registry = held;
}

/* ---- domains ---- */

static void check_domain(const char *key, const char *text, const char *want)
{
        check_output(run("domain-from-url", key, text), "domain", want);
}

static void domain_is_the_registered_part(void **state)
{
        check_domain("website", "https://www.shop.example.co.uk/path?q=1", "example.co.uk");
        check_domain("website", "sap.com", "sap.com");
        check_domain("website", "HTTP://SAP.COM:8080", "sap.com");
        check_domain("email", "ada@mail.sap.com", "sap.com");
        check_domain("email", "ada@gmail.com", NULL);
        check_domain("website", "co.uk", NULL);
        check_domain("website", "not a url", NULL);
        check_domain("website", "http://127.0.0.1/", NULL);
        check_domain("website", "http://m\xc3\xbcller.de/", "xn--mller-kva.de");
}

static void name_is_guessed_and_looked_up(void **state)
{
        struct provider_result r = run("domain-from-name", "company_name", "The Acme Tools, Inc.");

        check_output(r, "domain", "acmetools.com");
        assert_true(r.confidence < 0.5);
        check_output(run2("domain-from-name", "company_name", "Brot GmbH & Co. KG", "country",
                          "Deutschland"),
                     "domain", "brot.de");
        check_output(run("domain-from-name", "company_name", "Nowhere Ltd"), "domain", NULL);
        check_output(run("domain-from-name", "company_name", "GmbH"), "domain", NULL);
}

/* ---- names ---- */

static void check_name(const char *full, const char *first, const char *last)
{
        struct provider_result r = run("name-split", "full_name", full);

        check_output(r, "first_name", first);
        check_output(r, "last_name", last);
}

static void names_are_split(void **state)
{
        check_name("Ada Lovelace", "Ada", "Lovelace");
        check_name("  Ada   King  Lovelace ", "Ada King", "Lovelace");
        check_name("Lovelace, Ada", "Ada", "Lovelace");
        check_name("Prof. Dr. Ada Lovelace", "Ada", "Lovelace");
        check_name("Ada Lovelace, PhD", "Ada", "Lovelace");
        check_name("Martin Luther King Jr.", "Martin Luther", "King");
        check_name("Ludwig van Beethoven", "Ludwig", "van Beethoven");
        check_name("Vincent van der Berg", "Vincent", "van der Berg");
        check_name("Mar\xc3\xad"
                   "a de la Cruz",
                   "Mar\xc3\xad"
                   "a",
                   "de la Cruz");
        check_name("van Beethoven, Ludwig", "Ludwig", "van Beethoven");
        check_name("Madonna", NULL, NULL);
        check_name("ada@mail.test", NULL, NULL);
        check_name("Agent 47", NULL, NULL);
}

/* ---- phone numbers ---- */

static void check_phone(const char *phone, const char *country, const char *want)
{
        check_output(run2("phone-normalise", "phone", phone, country ? "country" : NULL, country),
                     "phone", want);
}

static void phones_become_e164(void **state)
{
        check_phone("+49 (0)30 23125-001", NULL, "+493023125001");
        check_phone("030 23125 001", "Germany", "+493023125001");
        check_phone("030 23125 001", "DE", "+493023125001");
        check_phone("030 23125 001", "Deutschland", "+493023125001");
        check_phone("(212) 555-0123", "USA", "+12125550123");
        check_phone("020 7946 0018", "United Kingdom", "+442079460018");
        check_phone("00 44 20 7946 0018", "Germany", "+442079460018");
        check_phone("(212) 555-0123", NULL, NULL);
        check_phone("call me", "US", NULL);
        check_phone("+", NULL, NULL);
}

static void unusable_phone_is_hardly_sure(void **state)
{
        struct provider_result r = run("phone-normalise", "phone", "+1 555 000 0000");

        assert_int_equal(r.outcome, PROVIDER_HIT);
        assert_true(r.confidence < 0.5);
        assert_true(r.detail.len > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_REGISTRY(bad_syntax_is_invalid),
                WITH_REGISTRY(the_domain_decides),
                WITH_REGISTRY(answers_are_cached),
                WITH_REGISTRY(dns_trouble_is_worth_another_try),
                WITH_REGISTRY(the_deadline_is_kept),
                WITH_REGISTRY(silent_servers_are_left_alone_for_a_while),
                WITH_REGISTRY(domain_is_the_registered_part),
                WITH_REGISTRY(name_is_guessed_and_looked_up),
                WITH_REGISTRY(names_are_split),
                WITH_REGISTRY(phones_become_e164),
                WITH_REGISTRY(unusable_phone_is_hardly_sure),
        };

        return cmocka_run_group_tests(tests, start_dns, stop_dns);
}
