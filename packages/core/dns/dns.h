/*
 * DNS questions for features: does this domain receive mail, does this name exist. Over c-ares,
 * with the ctx deadline. (core/fetch resolves for itself.)
 *
 * A resolver holds its settings and a bounded cache of answers (five minutes at most), behind its
 * own lock; any thread may use it. Each question runs on the asking thread.
 */
#ifndef MILLRACE_CORE_DNS_DNS_H
#define MILLRACE_CORE_DNS_DNS_H

#include "err/ctx.h"

struct dns_resolver;

/* `servers`: "addr[:port],…" (an IPv6 address with port in brackets); empty is the system's. */
_must_check_ enum err dns_open(struct ctx *ctx, struct str servers, struct dns_resolver **ret);
void dns_close(struct dns_resolver *r); /* accepts NULL */

enum dns_mail {
        DNS_MAIL_NO_DOMAIN, /* the name does not exist */
        DNS_MAIL_NONE, /* exists, but takes no mail: a null MX (RFC 7505), or no MX and no address
                        */
        DNS_MAIL_MX,   /* has MX records */
        DNS_MAIL_ADDRESS, /* no MX, but an address: mail goes there (RFC 5321 5.1) */
};

/*
 * How `domain` (ASCII) takes mail. ERR_UNAVAILABLE when no server answered or the answer was an
 * error that may pass, ERR_TIMEOUT at the deadline.
 */
_must_check_ enum err dns_mail(struct ctx *ctx, struct dns_resolver *r, struct str domain,
                               enum dns_mail *ret);

/* Whether the name has an IPv4 or IPv6 address. Errors as above. */
_must_check_ enum err dns_has_address(struct ctx *ctx, struct dns_resolver *r, struct str name,
                                      bool *ret);

#endif
