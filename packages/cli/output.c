/* What commands print. See cli.h. */
#include "cli.h"

#include <stdarg.h>

void cli_put_data(struct cli *cli, struct str data)
{
        printf("{\"success\":%s,\"data\":%.*s,\"error\":null}\n",
               cli->status == EXIT_FINE ? "true" : "false", FMT(data));
}

void cli_fault_json(struct json_out *o, const struct fault *f)
{
        out_object(o, NULL);
        out_str(o, "path", f->path);
        out_str(o, "rule", f->rule);
        out_str(o, "message", f->message);
        out_end_object(o);
}

static void put_error_json(struct cli *cli, enum err e)
{
        struct buf b;
        struct json_out o = {.buf = &b};

        buf_init(&b, &cli->arena, 16 << 20);
        out_object(&o, NULL);
        out_bool(&o, "success", false);
        out_null(&o, "data");
        out_object(&o, "error");
        out_c(&o, "code", err_code(e));
        out_str(&o, "message", cli->ctx.message);
        if (cli->ctx.faults.len) {
                out_array(&o, "details");
                LIST_EACH (f, &cli->ctx.faults)
                        cli_fault_json(&o, f);
                out_end_array(&o);
        }
        out_end_object(&o);
        out_end_object(&o);
        printf("%.*s\n", FMT(buf_str(&b)));
}

void cli_put_fault(struct str where, const struct fault *f)
{
        cli_print("%.*s%s%.*s%s%.*s\n", FMT(where), where.len ? ": " : "", FMT(f->path),
                  f->path.len ? ": " : "", FMT(f->message));
}

enum exit_status cli_put_error(struct cli *cli, enum err e)
{
        if (cli->json) {
                put_error_json(cli, e);
        } else {
                fprintf(stderr, "millrace: %.*s\n", FMT(cli->ctx.message));
                LIST_EACH (f, &cli->ctx.faults)
                        fprintf(stderr, "  %.*s%s%.*s\n", FMT(f->path), f->path.len ? ": " : "",
                                FMT(f->message));
        }
        if (cli->status != EXIT_FINE)
                return cli->status;
        switch (e) {
        case ERR_UNAVAILABLE:
        case ERR_TIMEOUT: return EXIT_UNREACHABLE;
        case ERR_CANCELLED: return EXIT_INTERRUPTED;
        default: return EXIT_FAULTS;
        }
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vfprintf(stderr, fmt, ap);
        va_end(ap);
        fputc('\n', stderr);
}

void cli_print(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
}

enum err command_version(struct cli *cli)
{
        if (cli->json)
                cli_put_data(cli, STR("{\"version\":\"" MILLRACE_VERSION "\"}"));
        else
                cli_print("millrace %s\n", MILLRACE_VERSION);
        return OK;
}
