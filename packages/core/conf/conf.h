/*
 * Configuration from the environment, read once at start. A program describes its settings in one
 * table; conf_load() fills a plain struct and lists every fault at once instead of stopping at the
 * first. Strings live as long as the arena.
 */
#ifndef MILLRACE_CORE_CONF_CONF_H
#define MILLRACE_CORE_CONF_CONF_H

#include "err/ctx.h"

enum conf_type {
        CONF_TEXT,   /* struct str */
        CONF_INT,    /* int64_t within min..max */
        CONF_BOOL,   /* bool: 1/0, true/false, yes/no, on/off */
        CONF_SECRET, /* struct str, at least `min` bytes, never printed */
};

struct conf_entry {
        const char *name; /* environment variable; NULL ends the table */
        enum conf_type type;
        size_t offset;         /* into the struct */
        const char *otherwise; /* default as text; NULL: required */
        int64_t min, max;      /* CONF_INT range (both 0: any); CONF_TEXT/SECRET: min length */
        const char *help;      /* one line, for the README's table and `doctor` */
};

/* ERR_VALIDATION with ctx->faults naming each setting that is wrong or missing. */
_must_check_ enum err conf_load(struct ctx *ctx, const struct conf_entry *table, void *ret);

/* The table as Markdown rows: name, default, meaning. */
void conf_document(struct buf *b, const struct conf_entry *table);

#endif
