/* Reading files and standard input. See cli.h. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum err cli_open(struct cli *cli, struct str path, FILE **ret)
{
        struct stat st;

        if (str_eq_c(path, "-")) {
                *ret = stdin;
                return OK;
        }
        FILE *f = fopen(str_to_c(&cli->arena, path), "rbe");

        if (f && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
                fclose(f);
                errno = EISDIR;
                f = NULL;
        }
        if (!f)
                return fail(&cli->ctx, ERR_NOT_FOUND, "cannot read %.*s: %s", FMT(path),
                            strerror(errno));
        *ret = f;
        return OK;
}

void cli_closep(FILE **f)
{
        if (*f && *f != stdin)
                fclose(*f);
}

enum err cli_read_file(struct cli *cli, struct str path, size_t max, struct str *ret)
{
        _cleanup_(cli_closep) FILE *f = NULL;
        struct buf b;

        TRY(cli_open(cli, path, &f));
        buf_init(&b, &cli->arena, max);
        for (;;) {
                if (!buf_reserve(&b, MIN_OF(max - b.len, (size_t)65536)) || b.len == max)
                        return fail(&cli->ctx, ERR_TOO_LARGE, "%.*s is larger than %zu bytes",
                                    FMT(path), max);
                size_t n = fread(b.ptr + b.len, 1, MIN_OF(max - b.len, (size_t)65536), f);

                if (n == 0)
                        break;
                b.len += n;
                b.ptr[b.len] = '\0';
        }
        if (ferror(f))
                return fail(&cli->ctx, ERR_NOT_FOUND, "cannot read %.*s: %s", FMT(path),
                            strerror(errno));
        *ret = b.ptr ? buf_str(&b) : STR("");
        return OK;
}
