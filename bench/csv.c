/*
 * How fast the CSV reader is: reads a file with every cell handed over and says bytes and cells a
 * second of processor time, and the memory used.
 *
 * usage: csv-bench FILE [ROUNDS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "csv/csv.h"

struct tally {
        size_t cells, bytes;
};

static enum err count_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct tally *t = user;

        t->cells += row->count;
        for (size_t i = 0; i < row->count; i++)
                t->bytes += row->cells[i].len;
        return OK;
}

static double cpu_seconds(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static enum err read_once(struct ctx *ctx, int fd, struct tally *t, int64_t *ret_bytes)
{
        struct csv_reader *r = csv_reader_open(&(struct csv_options){.row = count_row, .user = t});
        enum err e = OK;
        ssize_t n = 1;

        *ret_bytes = 0;
        while (e == OK && n > 0) {
                size_t room;
                char *p = csv_reader_space(r, &room);

                n = read(fd, p, room);
                *ret_bytes += n > 0 ? n : 0;
                if (n > 0)
                        e = csv_reader_commit(ctx, r, (size_t)n);
        }
        if (e == OK)
                e = csv_reader_finish(ctx, r);
        csv_reader_close(r);
        return e;
}

int main(int argc, char **argv)
{
        int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
        int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
        struct arena arena;
        struct rusage usage;
        struct ctx ctx;

        if (fd < 0) {
                fprintf(stderr, "usage: %s FILE [ROUNDS]\n", argv[0]);
                return 2;
        }
        arena_init(&arena, 1 << 20);
        ctx_init(&ctx, &arena);
        for (int i = 0; i < rounds; i++) {
                struct tally t = {0};
                double start = cpu_seconds();
                int64_t bytes;

                lseek(fd, 0, SEEK_SET);
                if (read_once(&ctx, fd, &t, &bytes) != OK) {
                        fprintf(stderr, "%.*s\n", FMT(ctx.message));
                        return 1;
                }
                double s = cpu_seconds() - start;

                getrusage(RUSAGE_SELF, &usage);
                printf("%.3f s  %.2f GB/s  %.0f M cells/s  %zu cells  %ld KiB\n", s,
                       (double)bytes / s / 1e9, (double)t.cells / s / 1e6, t.cells,
                       usage.ru_maxrss);
        }
        arena_finish(&arena);
        close(fd);
        return 0;
}
