/*
 * In-memory counters of this process: requests by status class, errors, durations as a histogram.
 * Thread-safe, lock-free; owned by struct app.
 */
#ifndef MILLRACE_FEATURES_OPERATIONS_METRICS_H
#define MILLRACE_FEATURES_OPERATIONS_METRICS_H

#include "core.h"

struct metrics;

struct metrics *metrics_open(void);
void metrics_close(struct metrics *m); /* accepts NULL */
void metrics_request(struct metrics *m, int status, int64_t duration_ns);

#endif
