/* millrace csv cat FILE: any CSV as clean CSV or JSON Lines, in constant memory. */
#include "cli.h"
#include "csv/csv.h"
#include "csv/write.h"

#include <string.h>

#define OUT_FLUSH ((size_t)256 << 10)

struct cat {
        struct cli *cli;
        struct csv_reader *reader;
        bool jsonl;
        struct buf out;
        struct csv_writer writer;
        str_list names; /* of the columns, for JSON */
        int64_t limit, problems;
        bool done;
};

static void flush(struct cat *c)
{
        fwrite(c->out.ptr, 1, c->out.len, stdout);
        buf_reset(&c->out);
}

static bool taken(const struct cat *c, struct str name)
{
        LIST_EACH (n, &c->names)
                if (str_eq(*n, name))
                        return true;
        return false;
}

/* A name for the column that no other has: the header's, or column_N. */
static void add_name(struct cat *c, struct str header)
{
        struct arena *a = &c->cli->arena;
        struct str base =
                header.len ? str_dup(a, header) : str_printf(a, "column_%zu", c->names.len + 1);
        struct str name = base;

        for (int n = 2; taken(c, name); n++)
                name = str_printf(a, "%.*s_%d", FMT(base), n);
        LIST_PUSH(a, &c->names, name);
}

static void put_json(struct cat *c, const struct csv_row *row)
{
        struct json_out o = {.buf = &c->out};
        size_t count = MAX_OF(row->count, row->width);

        while (c->names.len < count)
                add_name(c, STR_NULL);
        out_object(&o, NULL);
        for (size_t i = 0; i < count; i++) {
                out_key_str(&o, c->names.ptr[i]);
                out_str(&o, NULL, row->cells[i].ptr ? row->cells[i] : STR(""));
        }
        out_end_object(&o);
        buf_add_char(&c->out, '\n');
}

/* The first ten are named, the others counted. */
static void note_problem(struct cat *c, struct ctx *ctx, const struct csv_row *row)
{
        if (++c->problems <= 10)
                cli_note(c->cli, "line %lld: %.*s", (long long)row->line,
                         FMT(csv_row_problem(ctx->arena, row)));
}

static enum err on_row(void *user, struct ctx *ctx, const struct csv_row *row)
{
        struct cat *c = user;

        if (c->done)
                return OK;
        if (row->flags)
                note_problem(c, ctx, row);
        if (row->header && c->jsonl) {
                for (size_t i = 0; i < row->count; i++)
                        add_name(c, row->cells[i]);
                return OK;
        }
        if (c->jsonl)
                put_json(c, row);
        else
                csv_write_row(&c->writer, row->cells, MAX_OF(row->count, row->width));
        if (c->out.len >= OUT_FLUSH)
                flush(c);
        c->done = c->limit && !row->header && row->index >= c->limit;
        return OK;
}

static enum err parse_options(struct cli *cli, struct csv_options *o, struct cat *c)
{
        struct str format = cli_text(cli, "format"), delimiter = cli_text(cli, "delimiter");
        struct str encoding = cli_text(cli, "encoding");

        if (str_eq_c(delimiter, "tab") || str_eq_c(delimiter, "\\t"))
                delimiter = STR("\t");
        if (format.ptr && !str_eq_c(format, "csv") && !str_eq_c(format, "jsonl"))
                return fail(&cli->ctx, ERR_VALIDATION, "--format must be csv or jsonl");
        if (delimiter.ptr && (delimiter.len != 1 || (unsigned char)delimiter.ptr[0] > 126 ||
                              strchr("\"\r\n", delimiter.ptr[0])))
                return fail(&cli->ctx, ERR_VALIDATION,
                            "--delimiter must be one ASCII character, or \"tab\"");
        if (encoding.ptr && !csv_encoding_parse(encoding, &o->dialect.encoding))
                return fail(&cli->ctx, ERR_VALIDATION,
                            "--encoding must be utf-8, utf-16le, utf-16be or windows-1252");
        o->dialect.delimiter = delimiter.ptr ? delimiter.ptr[0] : '\0';
        o->dialect.header = cli_has(cli, "no-header") ? CSV_HEADER_NO
                            : cli_has(cli, "header")  ? CSV_HEADER_YES
                                                      : CSV_HEADER_AUTO;
        c->jsonl = str_eq_c(format, "jsonl");
        c->writer.crlf = cli_has(cli, "crlf");
        c->writer.formula_safe = cli_has(cli, "formula-safe");
        return cli_number(cli, "limit", 0, 1, INT64_MAX, &c->limit);
}

static enum err copy_all(struct cat *c, FILE *in)
{
        while (!c->done) {
                size_t room;
                char *space = csv_reader_space(c->reader, &room);
                size_t n = fread(space, 1, room, in);

                if (n == 0)
                        return csv_reader_finish(&c->cli->ctx, c->reader);
                TRY(csv_reader_commit(&c->cli->ctx, c->reader, n));
        }
        return OK;
}

static void put_dialect(struct cat *c)
{
        const struct csv_dialect *d = csv_reader_dialect(c->reader);
        char delimiter[4] = {d->delimiter, '\0'};

        cli_note(c->cli, "delimiter %s, %s, %s, %s, %lld rows",
                 d->delimiter == '\t' ? "tab" : delimiter, csv_encoding_name(d->encoding),
                 csv_newline_name(d->newline),
                 d->header == CSV_HEADER_YES ? "with header" : "no header",
                 (long long)csv_reader_rows(c->reader));
}

enum err command_csv_cat(struct cli *cli)
{
        struct cat c = {.cli = cli};
        struct csv_options o = {.row = on_row, .user = &c};
        _cleanup_(cli_closep) FILE *in = NULL;

        cli->status = EXIT_USAGE;
        TRY(parse_options(cli, &o, &c));
        TRY(cli_open(cli, cli->operands.ptr[0], &in));
        cli->status = EXIT_FINE;
        buf_init(&c.out, NULL, SIZE_MAX / 4);
        c.writer.out = &c.out;
        c.reader = csv_reader_open(&o);
        enum err e = copy_all(&c, in);

        if (e == OK) {
                flush(&c);
                if (c.problems > 10)
                        cli_note(cli, "… and %lld more rows that are not quite right",
                                 (long long)c.problems - 10);
                if (cli_has(cli, "verbose"))
                        put_dialect(&c);
        }
        csv_reader_close(c.reader);
        buf_finish(&c.out);
        return e;
}
