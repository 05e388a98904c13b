/*
 * URLs to one canonical form. See egress.h. Follows the WHATWG URL standard where that is stricter
 * about hosts ("host parsing", "IPv4 parser") and refuses what it would repair: user info, control
 * characters, backslashes, percent signs in hosts.
 */
#include "fetch/egress.h"

#include <idn2.h>
#include <string.h>

#define URL_MAX  8192
#define HOST_MAX 253

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
        return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* One number of an IPv4 address: decimal, 0octal or 0xhex. */
static bool part_number(struct str s, uint64_t *ret)
{
        unsigned base = 10;
        uint64_t v = 0;

        if (s.len == 0 || s.len > 20)
                return false;
        if (s.len >= 2 && s.ptr[0] == '0') {
                base = (s.ptr[1] | 32) == 'x' ? 16 : 8;
                s = str_slice(s, base == 16 ? 2 : 1, s.len);
        }
        for (size_t i = 0; i < s.len; i++) {
                unsigned digit = is_digit(s.ptr[i]) ? (unsigned)(s.ptr[i] - '0')
                                                    : (unsigned)((s.ptr[i] | 32) - 'a' + 10);

                if (!is_hex(s.ptr[i]) || digit >= base || v > UINT32_MAX)
                        return false;
                v = v * base + digit;
        }
        *ret = v;
        return true;
}

/* A host whose last label is a number must be an IPv4 address, or it is nothing. */
static bool ends_in_number(struct str host)
{
        size_t from = host.len;

        while (from && host.ptr[from - 1] != '.')
                from--;
        struct str last = str_slice(host, from, host.len);
        bool digits = last.len > 0;

        for (size_t i = 0; i < last.len; i++)
                digits = digits && is_digit(last.ptr[i]);
        return digits || (last.len >= 2 && last.ptr[0] == '0' && (last.ptr[1] | 32) == 'x');
}

static bool parse_ipv4(struct str host, struct egress_addr *ret)
{
        uint64_t part[4] = {0}, last;
        struct str piece;
        int n = 0;

        while (str_split(&host, '.', &piece))
                if (n == 4 || !part_number(piece, &part[n++]))
                        return false;
        last = part[n - 1];
        for (int i = 0; i < n - 1; i++)
                if (part[i] > 255)
                        return false;
        if (last >= UINT64_C(1) << (8 * (5 - n)))
                return false;
        for (int i = 0; i < n - 1; i++)
                last |= part[i] << (24 - 8 * i);
        *ret = (struct egress_addr){.family = 4};
        for (int i = 0; i < 4; i++)
                ret->bytes[i] = (uint8_t)(last >> (24 - 8 * i));
        return true;
}

/* Letters, digits, hyphens and underscores, in labels of 1 to 63. */
static bool is_name(struct str host)
{
        struct str rest = host, label;

        if (host.len == 0 || host.len > HOST_MAX)
                return false;
        while (str_split(&rest, '.', &label)) {
                if (label.len == 0 || label.len > 63 || label.ptr[0] == '-' ||
                    label.ptr[label.len - 1] == '-')
                        return false;
                for (size_t i = 0; i < label.len; i++) {
                        char c = label.ptr[i];

                        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
                                return false;
                }
        }
        return true;
}

static bool is_ascii(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if ((unsigned char)s.ptr[i] >= 0x80)
                        return false;
        return true;
}

/* UTS 46 maps case, width and the ideographic full stops, so it comes before everything else. */
static enum err to_ascii(struct ctx *ctx, struct str host, struct str *ret)
{
        char *ascii = NULL;

        if (is_ascii(host)) {
                *ret = str_lower(ctx->arena, host);
                return OK;
        }
        if (idn2_to_ascii_8z(str_to_c(ctx->arena, host), &ascii,
                             IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
                return fail(ctx, ERR_VALIDATION, "the URL's host is not a valid name");
        *ret = str_lower(ctx->arena, str_from(ascii));
        idn2_free(ascii);
        return OK;
}

static enum err parse_host(struct ctx *ctx, struct str text, struct egress_url *u)
{
        if (text.len && text.ptr[0] == '[') {
                if (text.len < 4 || text.ptr[text.len - 1] != ']' ||
                    !egress_addr_parse(str_slice(text, 1, text.len - 2), &u->addr) ||
                    u->addr.family != 6)
                        return fail(ctx, ERR_VALIDATION, "the URL's IPv6 address is not valid");
                u->literal = true;
                u->host = egress_addr_text(ctx->arena, &u->addr);
                return OK;
        }
        if (text.len == 0 || text.len > 1024)
                return fail(ctx, ERR_VALIDATION, "the URL has no valid host");
        TRY(to_ascii(ctx, text, &u->host));
        if (u->host.len > 1 && u->host.ptr[u->host.len - 1] == '.')
                u->host.len--;
        if (!is_name(u->host))
                return fail(ctx, ERR_VALIDATION, "the URL's host is not a valid name");
        if (ends_in_number(u->host)) {
                if (!parse_ipv4(u->host, &u->addr))
                        return fail(ctx, ERR_VALIDATION, "the URL's host is not a valid address");
                u->literal = true;
                u->host = egress_addr_text(ctx->arena, &u->addr);
        }
        return OK;
}

static enum err parse_authority(struct ctx *ctx, struct str text, struct egress_url *u)
{
        struct str host = text, port = STR_NULL;
        size_t bracket = str_find_char(text, ']');
        size_t colon = bracket == SIZE_MAX ? str_find_char(text, ':') : bracket + 1;
        int64_t number = u->https ? 443 : 80;

        if (str_find_char(text, '@') != SIZE_MAX)
                return fail(ctx, ERR_VALIDATION, "the URL must not carry a user name or password");
        if (colon != SIZE_MAX && colon < text.len) {
                if (text.ptr[colon] != ':')
                        return fail(ctx, ERR_VALIDATION, "the URL's host is not valid");
                host = str_slice(text, 0, colon);
                port = str_slice(text, colon + 1, text.len);
        }
        if (port.len && (!is_digit(port.ptr[0]) || !str_to_i64(port, &number) || number < 1 ||
                         number > UINT16_MAX))
                return fail(ctx, ERR_VALIDATION, "the URL's port is not valid");
        u->port = (uint16_t)number;
        return parse_host(ctx, host, u);
}

/* Path and query; bytes that may not stand there are percent-encoded, the fragment is dropped. */
static struct str canonical_target(struct arena *a, struct str rest)
{
        static const char digits[] = "0123456789ABCDEF";
        struct buf b;

        buf_init(&b, a, 3 * URL_MAX + 1);
        if (rest.len == 0 || rest.ptr[0] != '/')
                buf_add_char(&b, '/');
        for (size_t i = 0; i < rest.len && rest.ptr[i] != '#'; i++) {
                unsigned char c = (unsigned char)rest.ptr[i];

                if (c > 0x20 && c < 0x7f && !strchr("\"<>`{}|^", c)) {
                        buf_add_char(&b, (char)c);
                } else {
                        buf_add_char(&b, '%');
                        buf_add_char(&b, digits[c >> 4]);
                        buf_add_char(&b, digits[c & 15]);
                }
        }
        return buf_str(&b);
}

static bool has_forbidden(struct str url)
{
        for (size_t i = 0; i < url.len; i++) {
                unsigned char c = (unsigned char)url.ptr[i];

                if (c < 0x20 || c == 0x7f || c == '\\')
                        return true;
        }
        return false;
}

static void compose(struct arena *a, struct egress_url *u)
{
        const char *scheme = u->https ? "https" : "http";
        bool six = u->literal && u->addr.family == 6;
        bool usual = u->port == (u->https ? 443 : 80);
        struct str host = six ? str_printf(a, "[%.*s]", FMT(u->host)) : u->host;

        u->origin = str_printf(a, "%s://%.*s:%u", scheme, FMT(host), u->port);
        u->url = usual ? str_printf(a, "%s://%.*s%.*s", scheme, FMT(host), FMT(u->target))
                       : str_printf(a, "%.*s%.*s", FMT(u->origin), FMT(u->target));
}

enum err egress_url_parse(struct ctx *ctx, struct str url, struct egress_url *ret)
{
        struct egress_url u = {0};
        struct str rest;
        size_t end = 0;

        if (url.len > URL_MAX || has_forbidden(url))
                return fail(ctx, ERR_VALIDATION, "the URL is too long or has forbidden characters");
        url = str_trim(url);
        u.https = str_eq_nocase(str_slice(url, 0, 8), STR("https://"));
        if (!u.https && !str_eq_nocase(str_slice(url, 0, 7), STR("http://")))
                return fail(ctx, ERR_VALIDATION, "the URL must begin with https:// or http://");
        rest = str_slice(url, u.https ? 8 : 7, url.len);
        while (end < rest.len && !strchr("/?#", rest.ptr[end]))
                end++;
        TRY(parse_authority(ctx, str_slice(rest, 0, end), &u));
        u.target = canonical_target(ctx->arena, str_slice(rest, end, rest.len));
        compose(ctx->arena, &u);
        *ret = u;
        return OK;
}
