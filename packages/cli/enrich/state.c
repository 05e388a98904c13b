/* The state file of an enrichment: JSON beside the output, replaced as a whole. See enrich.h. */
#include "enrich/enrich.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"

static struct str text_of(struct cli *cli, const struct json *v, const char *key)
{
        struct str s = json_member_text(v, key);

        return s.len ? str_dup(&cli->arena, s) : STR_NULL;
}

enum err state_open(struct cli *cli, struct str output, struct str purpose, struct state *ret,
                    bool *ret_resumed)
{
        struct state s = {.path = str_printf(&cli->arena, "%.*s.millrace-state", FMT(output)),
                          .purpose = purpose};
        const struct json *v = NULL;
        struct str text;

        *ret_resumed = false;
        if (cli_read_file(cli, s.path, 65536, &text) == OK &&
            json_parse(&cli->ctx, text, &v) == OK &&
            str_eq(json_member_text(v, "purpose"), purpose)) {
                s.run = text_of(cli, v, "run");
                s.import_id = text_of(cli, v, "importId");
                s.table_id = text_of(cli, v, "tableId");
                s.job_id = text_of(cli, v, "jobId");
                *ret_resumed = s.run.ptr != NULL;
        }
        ctx_clear(&cli->ctx);
        if (!s.run.ptr)
                s.run = crypto_token(&cli->arena, 12);
        *ret = s;
        return state_save(cli, ret);
}

enum err state_save(struct cli *cli, const struct state *s)
{
        char *path = str_to_c(&cli->arena, s->path);
        char *part = arena_printf(&cli->arena, "%s.new", path);
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &cli->arena, 65536);
        out_object(&o, NULL);
        out_str(&o, "purpose", s->purpose);
        out_str(&o, "run", s->run);
        out_str(&o, "importId", s->import_id);
        out_str(&o, "tableId", s->table_id);
        out_str(&o, "jobId", s->job_id);
        out_end_object(&o);
        FILE *f = fopen(part, "we");

        if (!f || fwrite(b.ptr, 1, b.len, f) != b.len || fflush(f) != 0 || fsync(fileno(f)) != 0 ||
            rename(part, path) != 0) {
                int reason = errno;

                if (f)
                        fclose(f);
                return fail(&cli->ctx, ERR_INTERNAL, "cannot write %s: %s", path, strerror(reason));
        }
        fclose(f);
        return OK;
}

void state_remove(struct cli *cli, const struct state *s)
{
        unlink(str_to_c(&cli->arena, s->path));
}
