/*
 * The types every module of Millrace shares: integers, attributes and the cleanup helpers.
 *
 * packages/core is the C library below everything else. It knows nothing of tables, providers or
 * credits. Its modules each have one header; include the one you need.
 */
#ifndef MILLRACE_CORE_H
#define MILLRACE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(fn)        __attribute__((cleanup(fn)))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))
#define _must_check_         __attribute__((warn_unused_result))
#define _unused_             __attribute__((unused))
#define _noreturn_           __attribute__((noreturn))

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define MIN_OF(a, b)    ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)    ((a) > (b) ? (a) : (b))

/* Monotonic time in nanoseconds, and the wall clock in microseconds since 1970-01-01 UTC. */
int64_t time_mono_ns(void);
int64_t time_wall_us(void);

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

#endif
