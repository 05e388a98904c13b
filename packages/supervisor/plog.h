/*
 * The log file of one part: append-only, rotated by size to NAME.log.1 … NAME.log.N, newest first.
 * Rotation happens between lines. Errors of the disk are swallowed: a full disk must not stop the
 * stack. One thread.
 */
#ifndef MILLRACE_SUPERVISOR_PLOG_H
#define MILLRACE_SUPERVISOR_PLOG_H

#include "core.h"

struct plog {
        char *path;
        int fd;
        size_t size;  /* of the file now */
        size_t bytes; /* rotate when larger */
        int keep;     /* old files kept */
};

/* `path` must outlive the log. Returns false, with errno, when the file can't be opened. */
bool plog_open(struct plog *log, char *path, size_t bytes, int keep);
void plog_close(struct plog *log);
void plog_write(struct plog *log, const char *data, size_t len);

#endif
