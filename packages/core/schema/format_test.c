/* Each format with what it takes and what it refuses. */
#include "test.h"
#include "schema/format.h"
#include "schema/pattern.h"

static const struct {
        const char *format, *good[12], *bad[16];
} cases[] = {
        {"date",
         {"2026-01-31", "2024-02-29", "2000-02-29"},
         {"2026-02-29", "1900-02-29", "2026-13-01", "2026-1-1", "2026-01-32", "26-01-01", "",
          "2026-01-3a", "2026/01/31", "2026-00-10"}},
        {"time",
         {"12:00:00Z", "23:59:60Z", "01:29:60+01:30", "08:30:06.283185+01:00"},
         {"12:00:00", "24:00:00Z", "12:60:00Z", "12:00:61Z", "22:59:60Z", "12:00:00.Z",
          "12:00:00+24:00", "12:00:00+0100", "1:00:00Z", "12:00:00Zx"}},
        {"date-time",
         {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00.5-08:00"},
         {"2026-01-31 12:00:00Z", "2026-01-31", "2026-02-30T12:00:00Z", "2026-01-31T12:00Z"}},
        {"duration",
         {"P4DT12H30M5S", "P1Y", "PT1M", "P2W", "P1Y2M3D", "PT0S"},
         {"P", "PT", "P1", "P1D2Y", "P1Y2D", "P1YT", "PT1H2S", "P1W1D", "1D", "P1.5D", "P-1D"}},
        {"email",
         {"a@b.example", "o'neil+tag@sub.example.com", "\"a b\"@x.example", "a@[127.0.0.1]",
          "a@[IPv6:::1]", "a@localhost"},
         {"a", "@b.example", "a@", "a..b@c.example", ".a@b.example", "a@-b.example", "a@b..example",
          "a b@c.example", "a@[300.1.1.1]", "a@b_c.example"}},
        {"hostname",
         {"example.com", "a", "xn--bcher-kva.example", "1and1.example"},
         {"", ".", "-a.example", "a-.example", "a..b", "a_b.example", "example.com.",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"}},
        {"ipv4",
         {"127.0.0.1", "255.255.255.255", "0.0.0.0"},
         {"256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "0x7f.0.0.1", "", "1..2.3"}},
        {"ipv6",
         {"::1", "::", "2001:db8::8:800:200c:417a", "::ffff:192.168.0.1"},
         {"1::2::3", ":::", "12345::", "1:2:3:4:5:6:7", "fe80::1%eth0", "::ffff:1.2.3",
          "::1.2.3.04", "127.0.0.1"}},
        {"uri",
         {"https://example.com/a?b=c#d", "mailto:a@b.example", "urn:uuid:1", "http://[::1]:80/",
          "ftp://u:p@h/x;y", "a:", "http://x/%C3%A4"},
         {"//example.com", "/a", "a b:c", "http://x/ y", "http://x/<y>", "http://[::1", "1http:x",
          "http://x:8o/", "http://x/%zz", "http://\xc3\xa4/", ""}},
        {"uri-reference",
         {"", "/a/b", "../x", "#f", "?q", "//h/p", "a/b:c", "https://x/"},
         {"\\a", "a:b c", "#a#b", "%", "1:b"}},
        {"uuid",
         {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"},
         {"2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
          "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", ""}},
        {"json-pointer", {"", "/", "/a~0b~1c/0"}, {"a", "/~", "/~2", "#/a"}},
        {"regex",
         {"^[a-z]+$", "(?<year>\\d{4})", "\\u{1F600}", "[^]", "\\p{Letter}"},
         {"(", "[", "*a", "\\Z", "a{2,1}", "\\p{Nothing}"}},
};

static void test_formats(void **state)
{
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const struct format *f = format_find(str_from(cases[i].format));

                assert_non_null(f);
                for (size_t k = 0; cases[i].good[k]; k++)
                        if (!f->check(str_from(cases[i].good[k])))
                                fail_msg("%s refuses \"%s\"", f->name, cases[i].good[k]);
                for (size_t k = 0; cases[i].bad[k]; k++)
                        if (f->check(str_from(cases[i].bad[k])))
                                fail_msg("%s takes \"%s\"", f->name, cases[i].bad[k]);
        }
        assert_null(format_find(STR("colour")));
}

/* What ECMA-262 and PCRE2 read differently. */
static void test_ecma(void **state)
{
        static const struct {
                const char *pattern, *text;
                enum pattern_result want;
        } examples[] = {
                {"^\\d$", "7", PATTERN_YES},
                {"^\\d$", "\xd9\xa7", PATTERN_NO}, /* an Arabic-Indic digit */
                {"^\\w$", "\xc3\xa9", PATTERN_NO},
                {"^\\s$", "\xef\xbb\xbf", PATTERN_YES},
                {"^\\s$", "\xc2\xa0", PATTERN_YES},
                {"^\\S$", "\xc2\xa0", PATTERN_NO},
                {"^[\\s,]$", "\xe2\x80\x83", PATTERN_YES},
                {"^[\\s,]$", "f", PATTERN_NO},
                {"^a$", "a\n", PATTERN_NO},
                {"^.$", "\xf0\x9f\x98\x80", PATTERN_YES},
                {"^.$", "\n", PATTERN_NO},
                {"^\\u00e9$", "\xc3\xa9", PATTERN_YES},
                {"^\\x41$", "A", PATTERN_YES},
                {"^\\cC$", "\x03", PATTERN_YES},
                {"^[[:alpha:]$", ":", PATTERN_YES},
                {"^\\p{Lu}\\p{Lowercase_Letter}$", "\xc3\x89t", PATTERN_YES},
                {"", "", PATTERN_YES},
                {"b", "abc", PATTERN_YES},
        };
        struct pattern_run run = {0};

        for (size_t i = 0; i < ELEMENTS(examples); i++) {
                const struct pattern *p;
                char why[100];

                if (!pattern_compile(&arena, str_from(examples[i].pattern), why, sizeof why, &p))
                        fail_msg("%s: %s", examples[i].pattern, why);
                if (pattern_match(p, &run, str_from(examples[i].text)) != examples[i].want)
                        fail_msg("%s on \"%s\"", examples[i].pattern, examples[i].text);
        }
        pattern_run_finish(&run);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_formats),
                TEST(test_ecma),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
