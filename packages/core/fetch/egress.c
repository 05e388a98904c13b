/*
 * Egress guard: which addresses may be connected to, and the allow list. See egress.h; URLs are in
 * url.c. Ranges: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and successors).
 */
#include "fetch/egress.h"

#include <arpa/inet.h>
#include <string.h>

struct range {
        struct egress_addr addr;
        uint8_t bits;
        const char *why;
};

/* IPv4 that is not global unicast, or must not be reached although it is. */
static const struct range closed4[] = {
        {{4, {0}}, 8, "unspecified"},
        {{4, {10}}, 8, "private"},
        {{4, {100, 64}}, 10, "shared (carrier-grade NAT)"},
        {{4, {127}}, 8, "loopback"},
        {{4, {168, 63, 129, 16}}, 32, "a cloud metadata service"},
        {{4, {169, 254}}, 16, "link-local"},
        {{4, {172, 16}}, 12, "private"},
        {{4, {192, 0, 0}}, 24, "reserved for protocols"},
        {{4, {192, 0, 2}}, 24, "for documentation"},
        {{4, {192, 88, 99}}, 24, "a 6to4 relay"},
        {{4, {192, 168}}, 16, "private"},
        {{4, {198, 18}}, 15, "for benchmarks"},
        {{4, {198, 51, 100}}, 24, "for documentation"},
        {{4, {203, 0, 113}}, 24, "for documentation"},
        {{4, {224}}, 4, "multicast"},
        {{4, {240}}, 4, "reserved"},
};

/* IPv6 is closed but for 2000::/3; these name the reason, or close parts of 2000::/3. */
static const struct range closed6[] = {
        {{6, {[15] = 1}}, 128, "loopback"},
        {{6, {0}}, 128, "unspecified"},
        {{6, {[10] = 0xff, 0xff}}, 96, "IPv4-mapped"},
        {{6, {0}}, 96, "IPv4-compatible"},
        {{6, {0, 0x64, 0xff, 0x9b}}, 96, "NAT64"},
        {{6, {0, 0x64, 0xff, 0x9b, 0, 1}}, 48, "NAT64"},
        {{6, {1}}, 64, "discard-only"},
        {{6, {0x20, 0x01, 0, 0}}, 32, "Teredo"},
        {{6, {0x20, 0x01, 0x0d, 0xb8}}, 32, "for documentation"},
        {{6, {0x20, 0x01}}, 23, "reserved for protocols"},
        {{6, {0x20, 0x02}}, 16, "6to4"},
        {{6, {0x3f, 0xff}}, 20, "for documentation"},
        {{6, {0x3f, 0xfe}}, 16, "reserved"},
        {{6, {0xfc}}, 7, "unique local"},
        {{6, {0xfe, 0x80}}, 10, "link-local"},
        {{6, {0xfe, 0xc0}}, 10, "site-local"},
        {{6, {0xff}}, 8, "multicast"},
};
static const struct range global6 = {{6, {0x20}}, 3, NULL};

struct rule {
        bool is_range;
        struct range range;
        struct str host; /* canonical, with port, when not a range */
        uint16_t port;
};

struct egress_policy {
        LIST(struct rule) rules;
};

static bool within(const struct range *r, const struct egress_addr *addr)
{
        int whole = r->bits / 8, rest = r->bits % 8;

        if (r->addr.family != addr->family ||
            memcmp(r->addr.bytes, addr->bytes, (size_t)whole) != 0)
                return false;
        return rest == 0 || (r->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest) == 0;
}

static const char *closed(const struct egress_addr *addr)
{
        const struct range *list = addr->family == 4 ? closed4 : closed6;
        size_t n = addr->family == 4 ? ELEMENTS(closed4) : ELEMENTS(closed6);

        for (size_t i = 0; i < n; i++)
                if (within(&list[i], addr))
                        return list[i].why;
        if (addr->family == 4 || (addr->family == 6 && within(&global6, addr)))
                return NULL;
        return "reserved";
}

static bool allowed(const struct egress_policy *policy, struct str host, uint16_t port,
                    const struct egress_addr *addr)
{
        LIST_EACH (rule, &policy->rules) {
                if (rule->is_range ? within(&rule->range, addr)
                                   : rule->port == port && str_eq(rule->host, host))
                        return true;
        }
        return false;
}

const char *egress_refusal(const struct egress_policy *policy, struct str host, uint16_t port,
                           const struct egress_addr *addr)
{
        const char *why = closed(addr);

        return why && allowed(policy, host, port, addr) ? NULL : why;
}

bool egress_addr_parse(struct str text, struct egress_addr *ret)
{
        struct egress_addr a = {0};
        char tmp[INET6_ADDRSTRLEN] = {0};

        if (text.len == 0 || text.len >= sizeof tmp || memchr(text.ptr, 0, text.len))
                return false;
        memcpy(tmp, text.ptr, text.len);
        a.family = memchr(text.ptr, ':', text.len) ? 6 : 4;
        if (inet_pton(a.family == 6 ? AF_INET6 : AF_INET, tmp, a.bytes) != 1)
                return false;
        *ret = a;
        return true;
}

struct str egress_addr_text(struct arena *a, const struct egress_addr *addr)
{
        char tmp[INET6_ADDRSTRLEN];

        if (!inet_ntop(addr->family == 6 ? AF_INET6 : AF_INET, addr->bytes, tmp, sizeof tmp))
                return STR("?");
        return str_dup(a, str_from(tmp));
}

static bool parse_range(struct str text, struct range *ret)
{
        struct str address;
        int64_t bits;

        if (!str_split(&text, '/', &address) || !egress_addr_parse(address, &ret->addr))
                return false;
        ret->bits = ret->addr.family == 4 ? 32 : 128;
        if (text.ptr) {
                if (!str_to_i64(text, &bits) || bits < 0 || bits > ret->bits)
                        return false;
                ret->bits = (uint8_t)bits;
        }
        return true;
}

static enum err parse_rule(struct ctx *ctx, struct str text, struct rule *ret)
{
        struct egress_url url;

        if (parse_range(text, &ret->range)) {
                ret->is_range = true;
                return OK;
        }
        bool plain = str_find(text, STR("/")) == SIZE_MAX && str_find_char(text, '@') == SIZE_MAX &&
                     text.len && text.ptr[text.len - 1] >= '0' && text.ptr[text.len - 1] <= '9' &&
                     str_find_char(text, ':') != SIZE_MAX;

        if (!plain ||
            egress_url_parse(ctx, str_printf(ctx->arena, "http://%.*s/", FMT(text)), &url))
                return fail(ctx, ERR_VALIDATION,
                            "\"%.*s\" is neither a CIDR, an address nor host:port", FMT(text));
        ret->host = str_dup(ctx->arena, url.host);
        ret->port = url.port;
        return OK;
}

enum err egress_policy_parse(struct ctx *ctx, struct str allow, const struct egress_policy **ret)
{
        struct egress_policy *p = arena_new(ctx->arena, struct egress_policy);
        struct str part, word;

        while (str_split(&allow, ',', &part))
                while (str_split(&part, ' ', &word)) {
                        word = str_trim(word);
                        if (word.len)
                                TRY(parse_rule(ctx, word, LIST_ADD(ctx->arena, &p->rules)));
                }
        *ret = p;
        return OK;
}

enum err egress_url_check(struct ctx *ctx, const struct egress_policy *policy, struct str url)
{
        struct egress_url u;

        TRY(egress_url_parse(ctx, url, &u));
        const char *why = u.literal ? egress_refusal(policy, u.host, u.port, &u.addr) : NULL;

        if (why)
                return fail(ctx, ERR_VALIDATION, "%.*s is %s and may not be called", FMT(u.host),
                            why);
        return OK;
}
