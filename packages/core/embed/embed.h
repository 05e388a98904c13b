/*
 * Files that tools/embed.py turned into C at build time, so that a program needs no data folder.
 * A list ends with a NULL name. The text is NUL-terminated behind its length.
 */
#ifndef MILLRACE_CORE_EMBED_EMBED_H
#define MILLRACE_CORE_EMBED_EMBED_H

#include "str/str.h"

struct embedded_file {
        const char *name; /* as given to embed.py: the path below its --base */
        struct str text;
};

/* The file of that name, or STR_NULL. */
static inline struct str embedded_text(const struct embedded_file *list, const char *name)
{
        for (; list->name; list++)
                if (str_eq_c(str_from(list->name), name))
                        return list->text;
        return STR_NULL;
}

#endif
