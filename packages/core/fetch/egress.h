/*
 * Egress guard: which URLs and addresses this installation may send a request to. A URL is brought
 * into one canonical form before anything is decided about it, and that form is what goes out, so
 * that no two parsers can disagree. An address is checked after name resolution and is the address
 * that is connected to.
 *
 * Refused unless allow-listed: everything that is not global unicast by the IANA special-purpose
 * registries (loopback, private, link-local, CGNAT, multicast, unspecified, reserved,
 * documentation, benchmarking, IPv4-mapped and -compatible, 6to4, Teredo, NAT64, unique local) and
 * the cloud metadata services that have other addresses. An allow rule for IPv4 never covers IPv6
 * forms of it.
 *
 * A policy is immutable after parsing; any thread.
 */
#ifndef MILLRACE_CORE_FETCH_EGRESS_H
#define MILLRACE_CORE_FETCH_EGRESS_H

#include "err/ctx.h"

struct egress_addr {
        uint8_t family;    /* 4 or 6 */
        uint8_t bytes[16]; /* network order; the first 4 for IPv4 */
};

struct egress_url {
        struct str url;    /* canonical, without fragment; what to request */
        struct str origin; /* "https://host:port", always with the port */
        struct str host;   /* lower-case ASCII; IPv6 without brackets */
        struct str target; /* path and query */
        uint16_t port;
        bool https;
        bool literal; /* the host is the address `addr` */
        struct egress_addr addr;
};

struct egress_policy;

/*
 * `allow`: comma- or space-separated CIDRs (10.0.0.0/8, fd00::/8), addresses, host:port or
 * [IPv6]:port. ERR_VALIDATION names what is neither. The policy lives in the arena.
 */
_must_check_ enum err egress_policy_parse(struct ctx *ctx, struct str allow,
                                          const struct egress_policy **ret);

/*
 * Parses and canonicalises: http and https only; decimal, octal, hex and short IPv4 forms become
 * dotted; IDN becomes ASCII (UTS 46); one trailing dot goes. ERR_VALIDATION: user info, zone ids,
 * percent signs or forbidden characters in the host, port 0, control characters, backslashes,
 * anything over 8192 bytes.
 */
_must_check_ enum err egress_url_parse(struct ctx *ctx, struct str url, struct egress_url *ret);

/* NULL when the address may be connected to, else why not, for a message. */
const char *egress_refusal(const struct egress_policy *policy, struct str host, uint16_t port,
                           const struct egress_addr *addr);

/*
 * What can be said without resolving: for checking a URL when it is saved. It is checked again,
 * with its addresses, whenever it is used.
 */
_must_check_ enum err egress_url_check(struct ctx *ctx, const struct egress_policy *policy,
                                       struct str url);

bool egress_addr_parse(struct str text, struct egress_addr *ret); /* dotted IPv4 or IPv6 */
struct str egress_addr_text(struct arena *a, const struct egress_addr *addr);

#endif
