/*
 * CSV imports, in two steps: an upload is kept in a spool file and shown as a preview (what was
 * found: encoding, delimiter, columns, types, the first rows, faults by line); a commit says what
 * to make of it, and a background worker loads it.
 *
 * A load is one transaction, from the making of the table to the import's status "completed": it is
 * there as a whole or not at all. A process that dies in the middle leaves the import open; the
 * next worker that can see the spool file starts it again. While a worker loads, the transaction
 * holds an advisory lock on the import, so that nobody else does.
 *
 * Files are read through core/csv and never held in memory.
 */
#ifndef MILLRACE_FEATURES_IMPORT_IMPORT_H
#define MILLRACE_FEATURES_IMPORT_IMPORT_H

#include "base/route.h"

extern const struct router import_router;

struct importer;

/* The worker threads of this process. They end what they can on their own when app->stopping. */
_must_check_ enum err importer_open(struct ctx *ctx, struct app *app, struct importer **ret);
void importer_wake(struct importer *i);  /* accepts NULL: another process will look by itself */
void importer_stop(struct importer *i);  /* a load that runs is rolled back, to be resumed */
void importer_close(struct importer *i); /* accepts NULL */

#endif
