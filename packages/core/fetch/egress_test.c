/* Unit tests of the egress guard: one table of URLs and what becomes of them, one of addresses. */
#include "test.h"

#include "fetch/egress.h"

#include <string.h>

static const struct egress_policy *policy_of(const char *allow)
{
        const struct egress_policy *p = NULL;

        assert_int_equal(egress_policy_parse(&ctx, str_from(allow), &p), OK);
        return p;
}

/* `canonical` NULL: the URL itself is refused. `closed`: its address is. */
static const struct {
        const char *url, *canonical;
        bool closed;
} urls[] = {
        {"https://example.com", "https://example.com/", false},
        {"HTTPS://EXAMPLE.com:443/a?b=c#frag", "https://example.com/a?b=c", false},
        {"http://example.com:8080?q", "http://example.com:8080/?q", false},
        {"http://example.com:/", "http://example.com/", false},
        {"http://example.com./x", "http://example.com/x", false},
        {"http://example.com/a b\xc3\xa4\"", "http://example.com/a%20b%C3%A4%22", false},
        {"http://b\xc3\xbc"
         "cher.example/",
         "http://xn--bcher-kva.example/", false},
        {"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/", false},
        {"http://stra\xc3\x9f"
         "e.example/",
         "http://xn--strae-oqa.example/", false},
        {"http://8.8.8.8/", "http://8.8.8.8/", false},
        {"http://134744072/", "http://8.8.8.8/", false},
        {"http://[2606:4700:4700::1111]/", "http://[2606:4700:4700::1111]/", false},
        {"http://[2606:4700:4700:0:0:0:0:1111]:81/", "http://[2606:4700:4700::1111]:81/", false},

        /* loopback in its many forms */
        {"http://127.0.0.1/", "http://127.0.0.1/", true},
        {"http://127.1/", "http://127.0.0.1/", true},
        {"http://127.0.1/", "http://127.0.0.1/", true},
        {"http://2130706433/", "http://127.0.0.1/", true},
        {"http://0x7f000001/", "http://127.0.0.1/", true},
        {"http://0X7F.1/", "http://127.0.0.1/", true},
        {"http://017700000001/", "http://127.0.0.1/", true},
        {"http://0177.0.0.01/", "http://127.0.0.1/", true},
        {"http://0x7f.0x0.0x0.0x1/", "http://127.0.0.1/", true},
        {"http://127.0.0.1./", "http://127.0.0.1/", true},
        {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "http://127.0.0.1/", true},
        {"http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.\xe2\x93\xaa.0.1/", "http://127.0.0.1/",
         true},
        {"http://127\xe3\x80\x82"
         "0\xe3\x80\x82"
         "0\xe3\x80\x82"
         "1/",
         "http://127.0.0.1/", true},
        {"http://[::1]/", "http://[::1]/", true},
        {"http://[0:0:0:0:0:0:0:1]:80/", "http://[::1]/", true},
        {"http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", true},
        {"http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/", true},
        {"http://[::127.0.0.1]/", "http://[::127.0.0.1]/", true},

        /* other closed ranges */
        {"http://0/", "http://0.0.0.0/", true},
        {"http://[::]/", "http://[::]/", true},
        {"http://10.0.0.1/", "http://10.0.0.1/", true},
        {"http://172.16.0.1/", "http://172.16.0.1/", true},
        {"http://192.168.1.1/", "http://192.168.1.1/", true},
        {"http://169.254.169.254/latest/meta-data/", "http://169.254.169.254/latest/meta-data/",
         true},
        {"http://2852039166/", "http://169.254.169.254/", true},
        {"http://[fd00:ec2::254]/", "http://[fd00:ec2::254]/", true},
        {"http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]/", true},
        {"http://[64:ff9b:1::a9fe:a9fe]/", "http://[64:ff9b:1::a9fe:a9fe]/", true},
        {"http://[2002:7f00:1::]/", "http://[2002:7f00:1::]/", true},
        {"http://[2001:0:7f00:1::]/", "http://[2001:0:7f00:1::]/", true},
        {"http://[fe80::1]/", "http://[fe80::1]/", true},

        /* no URL of ours */
        {"", NULL, false},
        {"example.com", NULL, false},
        {"//example.com", NULL, false},
        {"http:example.com", NULL, false},
        {"http:/example.com", NULL, false},
        {"http://", NULL, false},
        {"http:///path", NULL, false},
        {"http://:80/", NULL, false},
        {"http://./", NULL, false},
        {"http://../", NULL, false},
        {"http://a..b/", NULL, false},
        {"http://.example.com/", NULL, false},
        {"http://example.com../", NULL, false},
        {"ftp://example.com/", NULL, false},
        {"file:///etc/passwd", NULL, false},
        {"gopher://127.0.0.1:6379/_x", NULL, false},
        {"javascript://example.com/%0aalert(1)", NULL, false},
        {"unix:///run/docker.sock", NULL, false},
        {"http://user@example.com/", NULL, false},
        {"http://user:pw@127.0.0.1/", NULL, false},
        {"http://example.com@127.0.0.1/", NULL, false},
        {"http://127.0.0.1#@example.com/", "http://127.0.0.1/", true},
        {"http://example.com\\@127.0.0.1/", NULL, false},
        {"http://127.0.0.1\\.example.com/", NULL, false},
        {"http://example.com%00.evil/", NULL, false},
        {"http://%31%32%37.0.0.1/", NULL, false},
        {"http://[fe80::1%25eth0]/", NULL, false},
        {"http://[fe80::1%eth0]/", NULL, false},
        {"http://[::1/", NULL, false},
        {"http://[::1]x/", NULL, false},
        {"http://[::1]80/", NULL, false},
        {"http://[]/", NULL, false},
        {"http://[127.0.0.1]/", NULL, false},
        {"http://[example.com]/", NULL, false},
        {"http://::1/", NULL, false},
        {"http://1.2.3.4.5/", NULL, false},
        {"http://256.1.1.1/", NULL, false},
        {"http://1.2.3.256/", NULL, false},
        {"http://4294967296/", NULL, false},
        {"http://08.1.1.1/", NULL, false},
        {"http://0x7g.1/", NULL, false},
        {"http://foo.0x1/", NULL, false},
        {"http://1.2.3.08/", NULL, false},
        {"http://example.com:0/", NULL, false},
        {"http://example.com:65536/", NULL, false},
        {"http://example.com:+80/", NULL, false},
        {"http://example.com:80:80/", NULL, false},
        {"http://example.com:8o/", NULL, false},
        {"http://exa mple.com/", NULL, false},
        {"http://exam\tple.com/", NULL, false},
        {"http://example.com/\r\nX: y", NULL, false},
        {"http://ex<ample.com/", NULL, false},
        {"http://-example.com/", NULL, false},
        {"http://\xff\xfe.example/", NULL, false},
        {"http://a\xe2\x84\x80"
         "b.example/",
         NULL, false}, /* U+2100 maps to a/c */
};

static void urls_have_one_form(void **state)
{
        const struct egress_policy *none = policy_of("");

        for (size_t i = 0; i < ELEMENTS(urls); i++) {
                struct egress_url u = {0}, again;
                enum err e = egress_url_parse(&ctx, str_from(urls[i].url), &u);

                if (!urls[i].canonical) {
                        if (e != ERR_VALIDATION)
                                fail_msg("%s became %.*s", urls[i].url, FMT(u.url));
                        continue;
                }
                if (e != OK || !str_eq_c(u.url, urls[i].canonical))
                        fail_msg("%s: %.*s", urls[i].url, FMT(e ? ctx.message : u.url));
                bool closed = u.literal && egress_refusal(none, u.host, u.port, &u.addr);

                if (closed != urls[i].closed)
                        fail_msg("%s is %s", urls[i].url, closed ? "closed" : "open");
                assert_int_equal(egress_url_parse(&ctx, u.url, &again), OK);
                assert_true(str_eq(again.url, u.url));
                assert_int_equal(egress_url_check(&ctx, none, u.url),
                                 urls[i].closed ? ERR_VALIDATION : OK);
        }
}

static void overlong_urls_are_refused(void **state)
{
        char *big = arena_alloc(&arena, 9001);
        struct egress_url u;

        memset(big, 'a', 9000);
        memcpy(big, "http://h/", 9);
        assert_int_equal(egress_url_parse(&ctx, str_from(big), &u), ERR_VALIDATION);
        big[8192] = '\0';
        assert_int_equal(egress_url_parse(&ctx, str_from(big), &u), OK);
        memcpy(big, "http://aa", 9); /* a label of thousands */
        assert_int_equal(egress_url_parse(&ctx, str_from(big), &u), ERR_VALIDATION);
}

/* First, last and neighbouring addresses of the ranges. */
static const struct {
        const char *addr;
        bool open;
} addrs[] = {
        {"0.255.255.255", false},
        {"1.0.0.0", true},
        {"9.255.255.255", true},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.100.100.200", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"127.255.255.255", false},
        {"128.0.0.0", true},
        {"168.63.129.16", false},
        {"168.63.129.17", true},
        {"169.253.255.255", true},
        {"169.254.0.0", false},
        {"169.255.0.0", true},
        {"172.15.255.255", true},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.192", false},
        {"192.0.1.0", true},
        {"192.0.2.255", false},
        {"192.88.99.1", false},
        {"192.167.255.255", true},
        {"192.168.255.255", false},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.19.255.255", false},
        {"198.20.0.0", true},
        {"198.51.100.0", false},
        {"203.0.113.9", false},
        {"223.255.255.255", true},
        {"224.0.0.1", false},
        {"239.255.255.255", false},
        {"240.0.0.0", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"::2", false},
        {"::8.8.8.8", false},
        {"::ffff:8.8.8.8", false},
        {"::ffff:0:8.8.8.8", false},
        {"64:ff9b::808:808", false},
        {"64:ff9b:1::1", false},
        {"100::1", false},
        {"1fff::1", false},
        {"2000::1", true},
        {"2001::1", false},
        {"2001:1ff::1", false},
        {"2001:200::1", true},
        {"2001:db8::1", false},
        {"2001:4860:4860::8888", true},
        {"2002:808:808::1", false},
        {"2003::1", true},
        {"3ffe::1", false},
        {"3fff::1", false},
        {"3fff:fff::1", false},
        {"4000::1", false},
        {"5f00::1", false},
        {"fc00::1", false},
        {"fdff::1", false},
        {"fe80::1", false},
        {"febf::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"ffff::1", false},
};

static void only_global_unicast_is_open(void **state)
{
        const struct egress_policy *none = policy_of(" , ");

        for (size_t i = 0; i < ELEMENTS(addrs); i++) {
                struct egress_addr a;

                assert_true(egress_addr_parse(str_from(addrs[i].addr), &a));
                if (!egress_refusal(none, STR("h"), 80, &a) != addrs[i].open)
                        fail_msg("%s", addrs[i].addr);
        }
}

static bool passes(const struct egress_policy *p, const char *url)
{
        struct egress_url u;

        assert_int_equal(egress_url_parse(&ctx, str_from(url), &u), OK);
        return !egress_refusal(p, u.host, u.port, &u.addr);
}

static void allow_rules_open_just_what_they_name(void **state)
{
        const struct egress_policy *p = policy_of("10.1.0.0/16, fd12::/32 127.0.0.1:3900,[::1]:81");

        assert_true(passes(p, "http://10.1.255.1/"));
        assert_false(passes(p, "http://10.2.0.1/"));
        assert_true(passes(p, "http://[fd12::9]/"));
        assert_false(passes(p, "http://[fd13::9]/"));
        assert_true(passes(p, "http://127.0.0.1:3900/"));
        assert_true(passes(p, "http://0x7f.1:3900/"));
        assert_false(passes(p, "http://127.0.0.1:3901/"));
        assert_false(passes(p, "http://127.0.0.2:3900/"));
        assert_true(passes(p, "http://[::1]:81/"));
        assert_false(passes(p, "http://[::ffff:10.1.0.1]/"));
        assert_false(passes(p, "http://[::ffff:127.0.0.1]:3900/"));
}

static void a_named_host_is_open_on_its_port_only(void **state)
{
        const struct egress_policy *p = policy_of("Sandbox.Local:3900");
        struct egress_addr a;

        assert_true(egress_addr_parse(STR("127.0.0.1"), &a));
        assert_null(egress_refusal(p, STR("sandbox.local"), 3900, &a));
        assert_non_null(egress_refusal(p, STR("sandbox.local"), 80, &a));
        assert_non_null(egress_refusal(p, STR("x.sandbox.local"), 3900, &a));
}

static void wrong_rules_are_named(void **state)
{
        static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8",      "example.com",
                                          "*",           "fd00::/129",    "10.0.0.0/8/8",
                                          "host:0",      "http://h:80/x", "u@h:80"};
        const struct egress_policy *p;

        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (egress_policy_parse(&ctx, str_from(bad[i]), &p) != ERR_VALIDATION)
                        fail_msg("%s is taken for a rule", bad[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(urls_have_one_form),
                TEST(overlong_urls_are_refused),
                TEST(only_global_unicast_is_open),
                TEST(allow_rules_open_just_what_they_name),
                TEST(a_named_host_is_open_on_its_port_only),
                TEST(wrong_rules_are_named),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
