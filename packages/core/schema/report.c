/* Faults in plain English with their JSON pointers. */
#include "schema/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 2048 /* names are input too: a path may not be made arbitrarily long */

/* Cuts at `max` bytes, not inside a code point. */
static struct str cut(struct str s, size_t max)
{
        if (s.len <= max)
                return s;
        while (max && ((unsigned char)s.ptr[max] & 0xc0) == 0x80)
                max--;
        return str_slice(s, 0, max);
}

const char *show(struct shown *s, struct str name)
{
        struct buf b;
        struct str shorter = cut(name, 60);

        buf_init(&b, NULL, 1024);
        json_write_str(&b, shorter);
        struct str quoted = cut(buf_str(&b), sizeof s->text - 8);

        snprintf(s->text, sizeof s->text, "%.*s%s", FMT(quoted), shorter.len < name.len ? "…" : "");
        buf_finish(&b);
        return s->text;
}

const char *show_json(struct shown *s, const struct json *v)
{
        struct buf b;

        if (json_is_string(v))
                return show(s, json_get_str(v));
        if (json_is_object(v) || json_is_array(v)) {
                snprintf(s->text, sizeof s->text, "%s", json_is_array(v) ? "a list" : "an object");
                return s->text;
        }
        buf_init(&b, NULL, 1024);
        json_write(&b, v);
        snprintf(s->text, sizeof s->text, "%.*s", FMT(buf_str(&b)));
        buf_finish(&b);
        return s->text;
}

static void add_token(struct buf *b, struct str token)
{
        for (size_t i = 0; i < token.len; i++) {
                if (token.ptr[i] == '~')
                        buf_add(b, STR("~0"));
                else if (token.ptr[i] == '/')
                        buf_add(b, STR("~1"));
                else
                        buf_add_char(b, token.ptr[i]);
        }
}

#define PLACES_MAX 1200 /* deeper than eval() goes */

static struct str path_of(struct run *r, const struct place *at)
{
        const struct place **chain = mem_alloc(PLACES_MAX * sizeof *chain);
        size_t n = 0;
        struct buf b;

        for (; at && at->up && n < PLACES_MAX; at = at->up)
                chain[n++] = at;
        buf_init(&b, NULL, r->base.len + PATH_MAX_BYTES);
        buf_add(&b, r->base);
        while (n-- > 0) {
                buf_add_char(&b, '/');
                if (chain[n]->key.ptr)
                        add_token(&b, cut(chain[n]->key, PATH_MAX_BYTES / 2));
                else
                        buf_add_i64(&b, (int64_t)chain[n]->index);
        }
        struct str path = str_dup(r->ctx->arena, cut(buf_str(&b), PATH_MAX_BYTES));

        buf_finish(&b);
        mem_free(chain);
        return path;
}

/* "email", "tags[2]", or: the value. */
static void name_of(char *out, size_t size, const struct place *at)
{
        char index[80] = "";
        struct shown s;

        for (; at && at->up && !at->key.ptr; at = at->up) {
                char more[80];

                snprintf(more, sizeof more, "[%zu]%.50s", at->index, index);
                memcpy(index, more, sizeof index);
        }
        if (!at || !at->up) {
                snprintf(out, size, index[0] ? "item %s" : "the value", index);
                return;
        }
        show(&s, at->key);
        size_t n = strlen(s.text);

        if (index[0] && n > 2 && s.text[n - 1] == '"')
                snprintf(out, size, "%.*s%s\"", (int)n - 1, s.text, index);
        else
                snprintf(out, size, "%s%s", s.text, index);
}

static size_t depth_of(const struct place *at)
{
        size_t n = 0;

        for (; at; at = at->up)
                n++;
        return n;
}

bool report(struct run *r, const struct place *at, const char *rule, const char *fmt, ...)
{
        char text[400], name[200];
        va_list ap;

        if ((r->quiet && !r->reason) || r->stopped)
                return false;
        if (r->quiet && r->reason->rule)
                return false;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        name_of(name, sizeof name, at);
        if (r->quiet) {
                r->reason->rule = rule;
                r->reason->depth = depth_of(at);
                r->reason->predicate = strlen(name) + 1;
                snprintf(r->reason->text, sizeof r->reason->text, "%s %.*s", name,
                         FMT(cut(str_from(text), 150)));
                return false;
        }
        r->faults++;
        ctx_fault(r->ctx, path_of(r, at), rule, "%s %s", name, text);
        r->stopped = r->faults >= SCHEMA_FAULTS_MAX;
        return false;
}

bool report_limit(struct run *r, const struct place *at, const char *what)
{
        unsigned quiet = r->quiet;

        r->quiet = 0; /* also where only a match was asked for: the answer is unknown */
        report(r, at, "limit", "%s", what);
        r->quiet = quiet;
        r->stopped = true;
        return false;
}
