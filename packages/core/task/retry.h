/*
 * Retry policy: exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS
 * Architecture Blog 2015), heeding Retry-After. Pure functions: the same attempt and seed give the
 * same delay, so tests and restarted jobs repeat themselves.
 */
#ifndef MILLRACE_CORE_TASK_RETRY_H
#define MILLRACE_CORE_TASK_RETRY_H

#include "core.h"
#include "str/str.h"

struct retry_policy {
        int attempts;     /* in all, the first included */
        int64_t base_ms;  /* ceiling of the first delay; doubles each time */
        int64_t cap_ms;   /* ceiling of every delay; 0 is none */
        int64_t after_ms; /* longest Retry-After worth waiting for; 0 is any */
        bool exact;       /* no jitter: base, 2 base, 4 base, … */
};

/*
 * Nanoseconds to wait after failed attempt number `attempt` (1 is the first), or -1 to give up.
 * `retry_after_ms` is what the other side asked for, 0 when it did not: never waits less.
 */
int64_t retry_delay_ns(const struct retry_policy *p, int attempt, uint64_t seed,
                       int64_t retry_after_ms);

/* HTTP statuses that may pass by themselves: 408, 425, 429, 500, 502, 503, 504. */
bool retry_worth_status(int status);

/* Retry-After: seconds or an HTTP date (RFC 9110 10.2.3), to milliseconds from now; 0 if neither.
 */
int64_t retry_after_parse(struct str value, int64_t wall_now_us);

/* A seed from any text, for instance an idempotency key (FNV-1a). */
uint64_t retry_seed(struct str text);

#endif
