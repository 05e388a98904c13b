/* The CSV that is to be enriched. See enrich.h. */
#include "enrich/enrich.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"

#define INPUT_MAX ((off_t)2 << 30)

static enum err map_file(struct cli *cli, struct str path, struct str *ret)
{
        struct stat st;
        int fd = open(str_to_c(&cli->arena, path), O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fstat(fd, &st) != 0) {
                int reason = errno;

                if (fd >= 0)
                        close(fd);
                return fail(&cli->ctx, ERR_NOT_FOUND, "cannot read %.*s: %s", FMT(path),
                            strerror(reason));
        }
        if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > INPUT_MAX) {
                close(fd);
                return fail(&cli->ctx, ERR_VALIDATION, "%.*s %s", FMT(path),
                            !S_ISREG(st.st_mode) ? "is not a file"
                            : st.st_size == 0    ? "is empty"
                                                 : "is larger than 2 GB");
        }
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        close(fd);
        if (p == MAP_FAILED)
                return fail(&cli->ctx, ERR_INTERNAL, "cannot map %.*s: %s", FMT(path),
                            strerror(errno));
        *ret = (struct str){p, (size_t)st.st_size};
        return OK;
}

enum err input_rows(struct cli *cli, const struct input *in, csv_row_fn *fn, void *user)
{
        const struct csv_options options = {.dialect = in->dialect, .row = fn, .user = user};
        _cleanup_(csv_reader_closep) struct csv_reader *r = csv_reader_open(&options);
        struct str rest = in->data;

        while (rest.len) {
                struct str piece = str_slice(rest, 0, (size_t)1 << 18);

                TRY(csv_reader_push(&cli->ctx, r, piece));
                rest = str_slice(rest, piece.len, rest.len);
        }
        return csv_reader_finish(&cli->ctx, r);
}

struct scan {
        struct cli *cli;
        struct input *in;
};

static void add_column(struct scan *s, struct str header)
{
        struct arena *a = &s->cli->arena;
        struct str name = str_trim(header);

        name = name.len ? str_dup(a, name) : str_printf(a, "Column %zu", s->in->headers.len + 1);
        LIST_PUSH(a, &s->in->headers, name);
        LIST_PUSH(a, &s->in->empty, s->in->rows);
}

static enum err scan_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct scan *s = user;
        struct input *in = s->in;

        if (row->header) {
                for (size_t i = 0; i < row->count; i++)
                        add_column(s, row->cells[i]);
                return OK;
        }
        while (in->headers.len < row->count)
                add_column(s, STR_NULL);
        in->rows++;
        for (size_t i = 0; i < in->headers.len; i++)
                in->empty.ptr[i] += i >= row->count || str_trim(row->cells[i]).len == 0;
        return OK;
}

/* What each column holds; of two that claim the same field the surer one, then the first. */
static void recognise(struct cli *cli, struct input *in)
{
        double *scores = arena_alloc_array(&cli->arena, in->headers.len, sizeof *scores);

        for (size_t i = 0; i < in->headers.len; i++) {
                const struct field *f = field_find_by_alias(in->headers.ptr[i], &scores[i]);

                for (size_t k = 0; f && k < i; k++) {
                        if (in->known.ptr[k] != f)
                                continue;
                        if (scores[k] >= scores[i])
                                f = NULL;
                        else
                                in->known.ptr[k] = NULL;
                }
                LIST_PUSH(&cli->arena, &in->known, f);
        }
}

enum err input_open(struct cli *cli, struct str path, struct input *ret)
{
        struct input in = {.path = path};
        struct scan s = {cli, &in};

        TRY(map_file(cli, path, &in.data));
        csv_sniff(str_slice(in.data, 0, CSV_SAMPLE), in.data.len <= CSV_SAMPLE,
                  &(struct csv_dialect){0}, &in.dialect);
        enum err e = input_rows(cli, &in, scan_row, &s);

        if (e == OK && in.rows == 0)
                e = fail(&cli->ctx, ERR_VALIDATION, "%.*s has no rows", FMT(path));
        if (e != OK) {
                input_close(&in);
                return e;
        }
        in.hash = crypto_sha256_hex(&cli->arena, in.data);
        recognise(cli, &in);
        *ret = in;
        return OK;
}

void input_close(struct input *in)
{
        if (in->data.ptr)
                munmap((void *)(uintptr_t)in->data.ptr, in->data.len);
        in->data = STR_NULL;
}

size_t input_column(const struct input *in, struct str key)
{
        for (size_t i = 0; i < in->known.len; i++)
                if (in->known.ptr[i] && str_eq_c(key, in->known.ptr[i]->key))
                        return i;
        return SIZE_MAX;
}
