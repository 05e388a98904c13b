/* The string formats that JSON Schema's `format` asserts. Immutable, thread-safe. */
#ifndef MILLRACE_CORE_SCHEMA_FORMAT_H
#define MILLRACE_CORE_SCHEMA_FORMAT_H

#include "str/str.h"

struct format {
        const char *name; /* the keyword's value */
        const char *what; /* "an e-mail address" */
        bool (*check)(struct str text);
};

const struct format *format_find(struct str name); /* NULL: not one of ours */

#endif
