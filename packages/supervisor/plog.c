/* Log files with rotation by size: see plog.h. */
#include "plog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_file(struct plog *log)
{
        struct stat st;

        log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (log->fd < 0)
                return false;
        log->size = fstat(log->fd, &st) == 0 ? (size_t)st.st_size : 0;
        return true;
}

bool plog_open(struct plog *log, char *path, size_t bytes, int keep)
{
        *log = (struct plog){.path = path, .fd = -1, .bytes = bytes, .keep = keep};
        return open_file(log);
}

void plog_close(struct plog *log)
{
        if (log->path && log->fd >= 0)
                close(log->fd);
        log->fd = -1;
}

/* NAME.log.4 becomes NAME.log.5, …, NAME.log becomes NAME.log.1. */
static void rotate(struct plog *log)
{
        char from[PATH_MAX], to[PATH_MAX];

        plog_close(log);
        for (int i = log->keep; i >= 1; i--) {
                snprintf(to, sizeof(to), "%s.%d", log->path, i);
                if (i > 1)
                        snprintf(from, sizeof(from), "%s.%d", log->path, i - 1);
                else
                        snprintf(from, sizeof(from), "%s", log->path);
                (void)rename(from, to);
        }
        open_file(log);
}

static void append(struct plog *log, const char *data, size_t len)
{
        while (len && log->fd >= 0) {
                ssize_t n = write(log->fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                log->size += (size_t)n;
                data += n;
                len -= (size_t)n;
        }
}

/* How much of `data` still goes into the present file: up to the last newline that fits, else the
 * first one. */
static size_t share(const struct plog *log, const char *data, size_t len)
{
        size_t room = log->bytes > log->size ? log->bytes - log->size : 0;
        const char *newline = memrchr(data, '\n', MIN_OF(room, len));

        if (!newline)
                newline = memchr(data, '\n', len);
        return newline ? (size_t)(newline - data) + 1 : 0;
}

void plog_write(struct plog *log, const char *data, size_t len)
{
        while (log->size + len > log->bytes && log->fd >= 0) {
                size_t head = share(log, data, len);

                if (!head)
                        break;
                append(log, data, head);
                rotate(log);
                data += head;
                len -= head;
        }
        append(log, data, len);
}
