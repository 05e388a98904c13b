/*
 * millrace-supervise: runs the parts of a Millrace stack as a specification says; ./run starts it.
 *
 * usage: millrace-supervise [--with-parent] SPEC
 *
 * Events go to standard output, one a line: `starting NAME`, `ready NAME SECONDS`, `up`,
 * `died NAME HOW; …`, `failed NAME WHY`, `stopping NAME`, `stopped NAME HOW`, `down`, `locked PID`.
 * With --with-parent it stops everything when the process that started it is gone. It leaves the
 * terminal's session, so that Ctrl-C reaches only that process, which decides what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervise.h"

static bool read_file(struct ctx *ctx, const char *path, struct str *ret)
{
        struct buf text;
        char data[4096];
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return false;
        buf_init(&text, ctx->arena, 1 << 20);
        while ((n = read(fd, data, sizeof(data))) > 0)
                buf_add_mem(&text, data, (size_t)n);
        close(fd);
        *ret = buf_str(&text);
        return n == 0 && !buf_full(&text);
}

int main(int argc, char **argv)
{
        _cleanup_(arena_finish) struct arena arena;
        struct ctx ctx;
        struct spec spec;
        struct str text;
        bool with_parent = argc > 2 && strcmp(argv[1], "--with-parent") == 0;
        pid_t parent = getppid();

        if (argc != (with_parent ? 3 : 2) || argv[argc - 1][0] == '-') {
                fprintf(stderr, "usage: millrace-supervise [--with-parent] SPEC\n");
                return EXIT_USAGE;
        }
        if (with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
                return EXIT_FAILED;
        (void)setsid();
        arena_init(&arena, 64 << 20);
        ctx_init(&ctx, &arena);
        if (!read_file(&ctx, argv[argc - 1], &text)) {
                fprintf(stderr, "cannot read %s: %s\n", argv[argc - 1], strerror(errno));
                return EXIT_USAGE;
        }
        if (spec_parse(&ctx, text, &spec) != OK) {
                fprintf(stderr, "%s: %.*s\n", argv[argc - 1], FMT(ctx.message));
                return EXIT_USAGE;
        }
        return supervise(&ctx, &spec);
}
