/* Parses the supervisor's specification: one directive a line, `#` comments, `part NAME` opens a
 * part. */
#include "spec.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>

struct parser {
        struct ctx *ctx;
        struct spec *spec;
        struct part_spec *part; /* the one being described, NULL before the first */
        int line;
};

static enum err bad(struct parser *p, const char *what, struct str value)
{
        return fail(p->ctx, ERR_VALIDATION, "line %d: %s: %.*s", p->line, what, FMT(value));
}

static char *text(struct parser *p, struct str value)
{
        return str_to_c(p->ctx->arena, value);
}

/* Takes the next word off the front of *rest. */
static struct str word(struct str *rest)
{
        struct str found = STR_NULL;

        *rest = str_trim(*rest);
        if (!str_split(rest, ' ', &found))
                return STR_NULL;
        *rest = rest->ptr ? str_trim(*rest) : STR("");
        return found;
}

static enum err parse_number(struct parser *p, struct str value, int64_t least, int64_t most,
                             int64_t *ret)
{
        int64_t n = 0;

        if (!str_to_i64(value, &n) || n < least || n > most)
                return bad(p, "not a number in range", value);
        *ret = n;
        return OK;
}

static enum err parse_signal(struct parser *p, struct str value, int *ret)
{
        static const struct {
                const char *name;
                int number;
        } signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"KILL", SIGKILL}};

        for (size_t i = 0; i < ELEMENTS(signals); i++) {
                if (str_eq_c(value, signals[i].name)) {
                        *ret = signals[i].number;
                        return OK;
                }
        }
        return bad(p, "not TERM, INT, QUIT or KILL", value);
}

static enum err parse_ready(struct parser *p, struct str rest)
{
        struct str kind = word(&rest);

        if (str_eq_c(kind, "notify")) {
                p->part->ready = READY_NOTIFY;
                return OK;
        }
        if (str_eq_c(kind, "exit")) {
                p->part->ready = READY_EXIT;
                return OK;
        }
        if (!str_eq_c(kind, "http"))
                return bad(p, "ready is notify, exit or http HOST PORT PATH", kind);
        struct str host = word(&rest);
        int64_t port = 0;

        if (inet_pton(AF_INET, text(p, host), &p->part->host) != 1)
                return bad(p, "not an IPv4 address", host);
        TRY(parse_number(p, word(&rest), 1, 65535, &port));
        p->part->port = (uint16_t)port;
        p->part->path = text(p, rest);
        p->part->ready = READY_HTTP;
        return OK;
}

static enum err parse_after(struct parser *p, struct str rest)
{
        for (struct str name = word(&rest); name.len; name = word(&rest)) {
                size_t found = p->spec->parts.len;

                for (size_t i = 0; i + 1 < p->spec->parts.len; i++) {
                        if (str_eq_c(name, p->spec->parts.ptr[i].name))
                                found = i;
                }
                if (found == p->spec->parts.len)
                        return bad(p, "after names no earlier part", name);
                LIST_PUSH(p->ctx->arena, &p->part->after, found);
        }
        return OK;
}

static enum err parse_stop(struct parser *p, struct str rest)
{
        int64_t seconds = 0;

        TRY(parse_signal(p, word(&rest), &p->part->stop_signal));
        TRY(parse_number(p, word(&rest), 1, 3600, &seconds));
        p->part->stop_seconds = (int)seconds;
        return OK;
}

static enum err parse_part(struct parser *p, struct str rest)
{
        LIST_EACH (other, &p->spec->parts) {
                if (str_eq_c(rest, other->name))
                        return bad(p, "a second part of this name", rest);
        }
        if (!rest.len || str_find_char(rest, '/') != SIZE_MAX)
                return bad(p, "not a part's name", rest);
        p->part = LIST_ADD(p->ctx->arena, &p->spec->parts);
        p->part->name = text(p, rest);
        p->part->start_seconds = 60;
        p->part->stop_signal = SIGTERM;
        p->part->stop_seconds = 10;
        p->part->death_signal = SIGKILL;
        return OK;
}

static enum err parse_common(struct parser *p, struct str key, struct str rest)
{
        int64_t n = 0;

        if (str_eq_c(key, "lock")) {
                p->spec->lock_path = text(p, rest);
        } else if (str_eq_c(key, "status")) {
                p->spec->status_path = text(p, rest);
        } else if (str_eq_c(key, "log-dir")) {
                p->spec->log_dir = text(p, rest);
        } else if (str_eq_c(key, "log-bytes")) {
                TRY(parse_number(p, rest, 1024, INT64_C(1) << 40, &n));
                p->spec->log_bytes = (size_t)n;
        } else if (str_eq_c(key, "log-keep")) {
                TRY(parse_number(p, rest, 1, 100, &n));
                p->spec->log_keep = (int)n;
        } else if (str_eq_c(key, "env")) {
                LIST_PUSH(p->ctx->arena, &p->spec->env, text(p, rest));
        } else {
                return bad(p, "no such directive before the first part", key);
        }
        return OK;
}

static enum err parse_of_part(struct parser *p, struct str key, struct str rest)
{
        int64_t n = 0;

        if (str_eq_c(key, "exec") || str_eq_c(key, "arg")) {
                if (str_eq_c(key, "exec") != (p->part->argv.len == 0))
                        return bad(p, "exec comes once, and before arg", rest);
                LIST_PUSH(p->ctx->arena, &p->part->argv, text(p, rest));
        } else if (str_eq_c(key, "env")) {
                LIST_PUSH(p->ctx->arena, &p->part->env, text(p, rest));
        } else if (str_eq_c(key, "after")) {
                return parse_after(p, rest);
        } else if (str_eq_c(key, "ready")) {
                return parse_ready(p, rest);
        } else if (str_eq_c(key, "start-seconds")) {
                TRY(parse_number(p, rest, 1, 3600, &n));
                p->part->start_seconds = (int)n;
        } else if (str_eq_c(key, "stop")) {
                return parse_stop(p, rest);
        } else if (str_eq_c(key, "death")) {
                return parse_signal(p, rest, &p->part->death_signal);
        } else {
                return bad(p, "no such directive of a part", key);
        }
        return OK;
}

static enum err check_complete(struct parser *p)
{
        if (!p->spec->lock_path || !p->spec->status_path || !p->spec->log_dir)
                return bad(p, "lock, status and log-dir are needed", STR(""));
        if (!p->spec->parts.len)
                return bad(p, "no part", STR(""));
        LIST_EACH (part, &p->spec->parts) {
                if (!part->argv.len)
                        return bad(p, "a part without exec", str_from(part->name));
                LIST_PUSH(p->ctx->arena, &part->argv, NULL);
        }
        return OK;
}

enum err spec_parse(struct ctx *ctx, struct str input, struct spec *ret)
{
        struct spec spec = {.log_bytes = 10 << 20, .log_keep = 5};
        struct parser p = {.ctx = ctx, .spec = &spec};
        struct str line;

        while (str_split(&input, '\n', &line)) {
                p.line++;
                line = str_trim(line);
                if (!line.len || line.ptr[0] == '#')
                        continue;
                struct str rest = line, key = word(&rest);

                if (str_eq_c(key, "part"))
                        TRY(parse_part(&p, rest));
                else if (p.part)
                        TRY(parse_of_part(&p, key, rest));
                else
                        TRY(parse_common(&p, key, rest));
        }
        TRY(check_complete(&p));
        *ret = spec;
        return OK;
}
