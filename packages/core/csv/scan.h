/*
 * Finds the bytes that matter in CSV text, 64 at a time, as bit masks. Internal to core/csv. The
 * best variant for this CPU is picked at run time; the scalar one is the reference that tests
 * compare the others with.
 */
#ifndef MILLRACE_CORE_CSV_SCAN_H
#define MILLRACE_CORE_CSV_SCAN_H

#include "core.h"

/* Bit i stands for byte i of the block. */
struct csv_masks {
        uint64_t delimiter, quote, lf, cr;
        uint64_t odd; /* not zero: some byte is NUL or not ASCII */
};

/* `p` is readable for blocks * 64 bytes. */
typedef void csv_scan_fn(const char *p, size_t blocks, char delimiter, char quote,
                         struct csv_masks *ret);

csv_scan_fn csv_scan_scalar;
csv_scan_fn *csv_scan_best(void);

/* All variants that this CPU can run, for tests; returns how many. */
size_t csv_scan_variants(csv_scan_fn **ret, size_t room);

#endif
