/* The database's migrations, embedded at build time from the .sql files beside this header. */
#ifndef MILLRACE_MIGRATIONS_H
#define MILLRACE_MIGRATIONS_H

#include "db/db.h"

extern const struct db_migration migrations[];
extern const size_t migrations_count;

#endif
