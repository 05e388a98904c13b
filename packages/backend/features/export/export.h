/*
 * Export of a table as CSV or JSON Lines, streamed: rows are read in keyset order in batches whose
 * size follows from the size of the rows, so memory stays constant; between batches no connection
 * to the database is held, so a slow reader costs nobody anything. A row that changes meanwhile is
 * exported as it is when its batch is read.
 */
#ifndef MILLRACE_FEATURES_EXPORT_EXPORT_H
#define MILLRACE_FEATURES_EXPORT_EXPORT_H

#include "base/route.h"

extern const struct router export_router;

#endif
