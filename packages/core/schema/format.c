/*
 * Formats by the standards that JSON Schema 2020-12 (validation, section 7.3) names: RFC 3339
 * (date, time, duration), RFC 5321 (e-mail), RFC 1123 (host name), RFC 2673 and 4291 (addresses),
 * RFC 3986 (URI), RFC 4122 (UUID), RFC 6901 (JSON pointer), ECMA-262 (regular expressions).
 */
#include "schema/format.h"
#include "schema/pattern.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alpha(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
        return is_alpha(c) || is_digit(c);
}

/* `count` digits at offset `at`; -1 when they are not there. */
static int number_at(struct str s, size_t at, size_t count)
{
        int v = 0;

        if (at + count > s.len)
                return -1;
        for (size_t i = at; i < at + count; i++) {
                if (!is_digit(s.ptr[i]))
                        return -1;
                v = v * 10 + (s.ptr[i] - '0');
        }
        return v;
}

static bool check_date(struct str s)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-')
                return false;
        int y = number_at(s, 0, 4), m = number_at(s, 5, 2), d = number_at(s, 8, 2);

        if (y < 0 || m < 1 || m > 12 || d < 1)
                return false;
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

        return d <= days[m - 1] + (m == 2 && leap);
}

static bool check_time(struct str s)
{
        int h = number_at(s, 0, 2), m = number_at(s, 3, 2), sec = number_at(s, 6, 2), offset = 0;
        size_t i = 8;

        if (s.len < 9 || s.ptr[2] != ':' || s.ptr[5] != ':' || h < 0 || h > 23 || m < 0 || m > 59 ||
            sec < 0 || sec > 60)
                return false;
        if (s.ptr[i] == '.') {
                size_t from = ++i;

                while (i < s.len && is_digit(s.ptr[i]))
                        i++;
                if (i == from || i == s.len)
                        return false;
        }
        if (s.ptr[i] == 'Z' || s.ptr[i] == 'z') {
                if (i + 1 != s.len)
                        return false;
        } else {
                int oh = number_at(s, i + 1, 2), om = number_at(s, i + 4, 2);

                if ((s.ptr[i] != '+' && s.ptr[i] != '-') || i + 6 != s.len || s.ptr[i + 3] != ':' ||
                    oh < 0 || oh > 23 || om < 0 || om > 59)
                        return false;
                offset = (oh * 60 + om) * (s.ptr[i] == '-' ? -1 : 1);
        }
        if (sec < 60)
                return true;
        int utc = (h * 60 + m - offset + 2 * 1440) % 1440; /* leap seconds end a UTC day */

        return utc == 1439;
}

static bool check_date_time(struct str s)
{
        return s.len > 11 && (s.ptr[10] == 'T' || s.ptr[10] == 't') &&
               check_date(str_slice(s, 0, 10)) && check_time(str_slice(s, 11, s.len));
}

/*
 * Takes digits each followed by the next of `units`: units may start anywhere but then follow each
 * other without a gap (RFC 3339, appendix A). Gives the new offset, 0 when there was none.
 */
static size_t duration_part(struct str s, size_t i, const char *units)
{
        const char *next = NULL;

        for (;;) {
                size_t from = i;

                while (i < s.len && is_digit(s.ptr[i]))
                        i++;
                if (i == from)
                        return next ? i : 0;
                const char *unit = i < s.len ? strchr(units, s.ptr[i]) : NULL;

                if (!unit || !*unit || (next && unit != next))
                        return 0;
                next = unit + 1;
                i++;
        }
}

static bool check_duration(struct str s)
{
        size_t i = 1;

        if (s.len < 3 || s.ptr[0] != 'P')
                return false;
        if (s.ptr[s.len - 1] == 'W')
                return duration_part(s, 1, "W") == s.len;
        if (s.ptr[i] != 'T') {
                i = duration_part(s, i, "YMD");
                if (i == 0)
                        return false;
        }
        if (i == s.len)
                return true;
        return s.ptr[i] == 'T' && duration_part(s, i + 1, "HMS") == s.len;
}

static bool check_hostname(struct str s)
{
        struct str rest = s, label;

        if (s.len == 0 || s.len > 253)
                return false;
        while (str_split(&rest, '.', &label)) {
                if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
                    label.ptr[label.len - 1] == '-')
                        return false;
                for (size_t i = 0; i < label.len; i++)
                        if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-')
                                return false;
        }
        return true;
}

static bool check_ipv4(struct str s)
{
        struct str rest = s, part;
        int parts = 0;

        while (str_split(&rest, '.', &part)) {
                int v = part.len <= 3 && part.len ? number_at(part, 0, part.len) : -1;

                if (v < 0 || v > 255 || (part.len > 1 && part.ptr[0] == '0'))
                        return false;
                parts++;
        }
        return parts == 4;
}

static bool check_ipv6(struct str s)
{
        char text[INET6_ADDRSTRLEN];
        struct in6_addr addr;
        size_t dot = str_find_char(s, '.');

        if (s.len == 0 || s.len >= sizeof text || memchr(s.ptr, '\0', s.len))
                return false;
        if (dot != SIZE_MAX) { /* strict about the IPv4 at the end */
                while (dot > 0 && s.ptr[dot - 1] != ':')
                        dot--;
                if (!check_ipv4(str_slice(s, dot, s.len)))
                        return false;
        }
        memcpy(text, s.ptr, s.len);
        text[s.len] = '\0';
        return inet_pton(AF_INET6, text, &addr) == 1;
}

static bool email_local_quoted(struct str s)
{
        for (size_t i = 1; i + 1 < s.len; i++) {
                if (s.ptr[i] == '\\')
                        i++;
                else if (s.ptr[i] == '"')
                        return false;
                if (i + 1 >= s.len || s.ptr[i] < ' ' || s.ptr[i] > '~')
                        return false;
        }
        return s.len >= 2 && s.ptr[s.len - 1] == '"';
}

static bool email_local(struct str s)
{
        struct str rest = s, atom;

        if (s.len == 0 || s.len > 64)
                return false;
        if (s.ptr[0] == '"')
                return email_local_quoted(s);
        while (str_split(&rest, '.', &atom)) {
                if (atom.len == 0)
                        return false;
                for (size_t i = 0; i < atom.len; i++)
                        if (!is_alnum(atom.ptr[i]) &&
                            (atom.ptr[i] == '\0' || !strchr("!#$%&'*+-/=?^_`{|}~", atom.ptr[i])))
                                return false;
        }
        return true;
}

static bool check_email(struct str s)
{
        const char *at = s.len ? memrchr(s.ptr, '@', s.len) : NULL;

        if (!at || s.len > 254)
                return false;
        struct str local = {s.ptr, (size_t)(at - s.ptr)};
        struct str domain = str_slice(s, local.len + 1, s.len);

        if (!email_local(local))
                return false;
        if (domain.len < 2 || domain.ptr[0] != '[')
                return check_hostname(domain);
        if (domain.ptr[domain.len - 1] != ']')
                return false;
        domain = str_slice(domain, 1, domain.len - 2);
        if (domain.len > 5 && str_eq_nocase(str_slice(domain, 0, 5), STR("IPv6:")))
                return check_ipv6(str_slice(domain, 5, domain.len));
        return check_ipv4(domain);
}

/* Only unreserved, sub-delims, percent-encoded bytes and those in `more`. */
static bool uri_chars(struct str s, const char *more)
{
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];

                if (c == '%') {
                        if (i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2]))
                                return false;
                        i += 2;
                } else if (c == '\0' ||
                           (!is_alnum(c) && !strchr("-._~!$&'()*+,;=", c) && !strchr(more, c))) {
                        return false;
                }
        }
        return true;
}

static bool uri_host_literal(struct str s)
{
        if (s.len > 1 && (s.ptr[0] == 'v' || s.ptr[0] == 'V')) {
                size_t dot = str_find_char(s, '.');

                for (size_t i = 1; i < dot && i < s.len; i++)
                        if (!is_hex(s.ptr[i]))
                                return false;
                return dot != SIZE_MAX && dot > 1 && dot + 1 < s.len &&
                       uri_chars(str_slice(s, dot + 1, s.len), ":") &&
                       str_find_char(s, '%') == SIZE_MAX;
        }
        return check_ipv6(s);
}

static bool uri_authority(struct str s)
{
        const char *at = s.len ? memrchr(s.ptr, '@', s.len) : NULL;

        if (at) {
                size_t n = (size_t)(at - s.ptr);

                if (!uri_chars(str_slice(s, 0, n), ":"))
                        return false;
                s = str_slice(s, n + 1, s.len);
        }
        size_t host = s.len;

        if (s.len && s.ptr[0] == '[') {
                size_t end = str_find_char(s, ']');

                if (end == SIZE_MAX || !uri_host_literal(str_slice(s, 1, end - 1)))
                        return false;
                host = end + 1;
                if (host < s.len && s.ptr[host] != ':')
                        return false;
        } else {
                size_t colon = str_find_char(s, ':');

                host = colon == SIZE_MAX ? s.len : colon;
                if (!uri_chars(str_slice(s, 0, host), ""))
                        return false;
        }
        for (size_t i = host + 1; i < s.len; i++)
                if (!is_digit(s.ptr[i]))
                        return false;
        return true;
}

/* Length of "scheme:" with its colon, 0 when there is none. */
static size_t uri_scheme(struct str s)
{
        for (size_t i = 0; i < s.len; i++) {
                if (s.ptr[i] == ':')
                        return i ? i + 1 : 0;
                if (!is_alpha(s.ptr[i]) &&
                    (i == 0 || (!is_digit(s.ptr[i]) && !strchr("+-.", s.ptr[i]))))
                        return 0;
        }
        return 0;
}

static bool uri_rest(struct str s, bool has_scheme)
{
        size_t hash = str_find_char(s, '#');

        if (hash != SIZE_MAX) {
                if (!uri_chars(str_slice(s, hash + 1, s.len), ":@/?"))
                        return false;
                s = str_slice(s, 0, hash);
        }
        size_t query = str_find_char(s, '?');

        if (query != SIZE_MAX) {
                if (!uri_chars(str_slice(s, query + 1, s.len), ":@/?"))
                        return false;
                s = str_slice(s, 0, query);
        }
        if (str_starts(s, STR("//"))) {
                s = str_slice(s, 2, s.len);
                size_t slash = str_find_char(s, '/');

                if (!uri_authority(str_slice(s, 0, slash == SIZE_MAX ? s.len : slash)))
                        return false;
                s = slash == SIZE_MAX ? STR("") : str_slice(s, slash, s.len);
        } else if (!has_scheme) { /* a colon in the first segment would read as a scheme */
                size_t colon = str_find_char(s, ':'), slash = str_find_char(s, '/');

                if (colon < slash)
                        return false;
        }
        return uri_chars(s, ":@/");
}

static bool check_uri(struct str s)
{
        size_t scheme = uri_scheme(s);

        return scheme && uri_rest(str_slice(s, scheme, s.len), true);
}

static bool check_uri_reference(struct str s)
{
        return check_uri(s) || uri_rest(s.ptr ? s : STR(""), false);
}

static bool check_uuid(struct str s)
{
        if (s.len != 36)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? s.ptr[i] != '-' : !is_hex(s.ptr[i]))
                        return false;
        }
        return true;
}

static bool check_json_pointer(struct str s)
{
        if (s.len && s.ptr[0] != '/')
                return false;
        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] == '~' &&
                    (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1')))
                        return false;
        return true;
}

static bool check_regex(struct str s)
{
        struct arena a;
        const struct pattern *p;
        char why[8];

        arena_init(&a, SIZE_MAX / 2);
        bool ok = pattern_compile(&a, s, why, sizeof why, &p);

        arena_finish(&a);
        return ok;
}

static const struct format formats[] = {
        {"date-time", "a date and time such as 2026-01-31T12:00:00Z", check_date_time},
        {"date", "a date such as 2026-01-31", check_date},
        {"time", "a time with its zone such as 12:00:00Z", check_time},
        {"duration", "an ISO 8601 duration such as P1DT2H", check_duration},
        {"email", "an e-mail address", check_email},
        {"hostname", "a host name", check_hostname},
        {"ipv4", "an IPv4 address", check_ipv4},
        {"ipv6", "an IPv6 address", check_ipv6},
        {"uri", "an absolute URI such as https://example.com/", check_uri},
        {"uri-reference", "a URI or a relative reference", check_uri_reference},
        {"uuid", "a UUID", check_uuid},
        {"json-pointer", "a JSON pointer such as /a/0", check_json_pointer},
        {"regex", "a regular expression", check_regex},
};

const struct format *format_find(struct str name)
{
        for (size_t i = 0; i < ELEMENTS(formats); i++)
                if (str_eq_c(name, formats[i].name))
                        return &formats[i];
        return NULL;
}
