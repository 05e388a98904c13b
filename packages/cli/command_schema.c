/*
 * millrace schema validate SCHEMA.json DOC.json…: a document is one JSON value, or JSON Lines,
 * which are read line by line in constant memory.
 */
#include "cli.h"
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX ((size_t)1 << 30)

struct check {
        struct cli *cli;
        const struct schema *schema;
        struct json_out *o; /* under --json: the list of documents */
        int64_t valid, invalid;
};

/* Prints what became of one value; `line` 0: the whole file. */
static void put_verdict(struct check *k, struct str file, int64_t line, const struct ctx *c)
{
        bool ok = c->err == OK;
        struct str where =
                line ? str_printf(c->arena, "%.*s:%lld", FMT(file), (long long)line) : file;

        k->valid += ok;
        k->invalid += !ok;
        if (!k->o) {
                LIST_EACH (f, &c->faults)
                        cli_put_fault(where, f);
                return;
        }
        if (ok && line)
                return; /* of many lines only the faulty ones are listed */
        out_object(k->o, NULL);
        out_str(k->o, "file", file);
        if (line)
                out_i64(k->o, "line", line);
        out_bool(k->o, "valid", ok);
        out_array(k->o, "faults");
        LIST_EACH (f, &c->faults)
                cli_fault_json(k->o, f);
        out_end_array(k->o);
        out_end_object(k->o);
}

/* Parses and validates one text in an arena of its own. */
static void check_text(struct check *k, struct str file, int64_t line, struct str text)
{
        struct arena a;
        struct ctx c;
        const struct json *v;

        arena_init(&a, SIZE_MAX / 2);
        ctx_init(&c, &a);
        if (json_parse(&c, text, &v) != OK)
                ctx_fault(&c, STR(""), "json", "%.*s", FMT(c.message));
        else if (schema_validate(&c, k->schema, v, STR("")) != OK)
                c.err = ERR_VALIDATION;
        put_verdict(k, file, line, &c);
        arena_finish(&a);
}

static bool is_json(struct str text)
{
        struct arena a;
        struct ctx c;
        const struct json *v;

        arena_init(&a, SIZE_MAX / 2);
        ctx_init(&c, &a);
        bool ok = json_parse(&c, text, &v) == OK;

        arena_finish(&a);
        return ok;
}

struct lines {
        FILE *file;
        char *text;
        size_t cap;
        int64_t number;
};

static void lines_finish(struct lines *l)
{
        free(l->text);
        cli_closep(&l->file);
}

/* The next line that is not blank; false at the end. */
static bool lines_next(struct lines *l, struct str *ret)
{
        for (;;) {
                ssize_t n = getline(&l->text, &l->cap, l->file);

                if (n < 0)
                        return false;
                l->number++;
                *ret = str_trim((struct str){l->text, (size_t)n});
                if (ret->len)
                        return true;
        }
}

/* When the first line is a whole JSON value and another follows, the file is JSON Lines. */
static enum err check_file(struct check *k, struct str path)
{
        _cleanup_(lines_finish) struct lines l = {0};
        struct buf first;
        struct str line = STR_NULL;

        TRY(cli_open(k->cli, path, &l.file));
        buf_init(&first, &k->cli->arena, DOCUMENT_MAX);
        if (lines_next(&l, &line))
                buf_add(&first, line);
        int64_t number = l.number;
        bool more = lines_next(&l, &line);

        if (cli_has(k->cli, "lines") || (more && is_json(buf_str(&first)))) {
                if (number)
                        check_text(k, path, number, buf_str(&first));
                for (; more; more = lines_next(&l, &line))
                        check_text(k, path, l.number, line);
                return OK;
        }
        for (; more; more = lines_next(&l, &line)) {
                buf_add_char(&first, '\n');
                buf_add(&first, line);
        }
        if (buf_full(&first))
                return fail(&k->cli->ctx, ERR_TOO_LARGE, "%.*s is larger than %zu bytes", FMT(path),
                            DOCUMENT_MAX);
        check_text(k, path, 0, first.ptr ? buf_str(&first) : STR(""));
        return OK;
}

static enum err check_files(struct check *k)
{
        for (size_t i = 1; i < k->cli->operands.len; i++)
                TRY(check_file(k, k->cli->operands.ptr[i]));
        return OK;
}

static void put_summary(struct check *k, struct buf *documents)
{
        struct cli *cli = k->cli;

        if (k->invalid)
                cli->status = EXIT_FAULTS;
        if (k->o) {
                cli_put_data(cli,
                             str_printf(&cli->arena,
                                        "{\"valid\":%lld,\"invalid\":%lld,\"documents\":[%.*s]}",
                                        (long long)k->valid, (long long)k->invalid,
                                        FMT(buf_str(documents))));
                return;
        }
        if (cli->operands.len == 1)
                cli_note(cli, "the schema is fine");
        else
                cli_note(cli, "%lld valid, %lld invalid", (long long)k->valid,
                         (long long)k->invalid);
}

enum err command_schema_validate(struct cli *cli)
{
        struct str text;
        struct schema *schema = NULL;
        struct buf documents;
        struct json_out o = {.buf = &documents};
        struct check k = {.cli = cli, .o = cli->json ? &o : NULL};

        cli->status = EXIT_USAGE; /* until the schema and the files are known to be there */
        TRY(cli_read_file(cli, cli->operands.ptr[0], DOCUMENT_MAX, &text));
        TRY(schema_compile_text(&cli->ctx, text, &schema));
        k.schema = schema;
        buf_init(&documents, &cli->arena, DOCUMENT_MAX);
        buf_add_c(&documents, "");
        enum err e = check_files(&k);

        schema_close(schema);
        TRY(e);
        cli->status = EXIT_FINE;
        put_summary(&k, &documents);
        return OK;
}
