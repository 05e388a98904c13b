/* Templates: text with {{input_key}} in it. */
#include "features/provider/definition.h"

#include <string.h>

static bool key_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_key(struct str s)
{
        for (size_t i = 0; i < s.len; i++)
                if (!key_char(s.ptr[i]))
                        return false;
        return s.len > 0;
}

static void add_part(struct ctx *ctx, struct template *t, struct str text, bool key)
{
        if (text.len)
                LIST_PUSH(ctx->arena, &t->parts, ((struct template_part){text, key}));
}

enum err template_compile(struct ctx *ctx, struct str text, struct template *ret)
{
        struct template t = {0};
        struct str rest = text;

        for (;;) {
                size_t open = str_find(rest, STR("{{")), close;
                struct str key;

                if (open == SIZE_MAX)
                        break;
                close = str_find(rest, STR("}}"));
                if (close == SIZE_MAX || close < open)
                        return fail(ctx, ERR_VALIDATION, "unbalanced braces in \"%.*s\"",
                                    FMT(text));
                key = str_trim(str_slice(rest, open + 2, close - open - 2));
                if (!is_key(key))
                        return fail(ctx, ERR_VALIDATION, "\"{{%.*s}}\" is no input key", FMT(key));
                add_part(ctx, &t, str_slice(rest, 0, open), false);
                add_part(ctx, &t, key, true);
                rest = str_slice(rest, close + 2, rest.len);
        }
        if (str_find(rest, STR("}}")) != SIZE_MAX)
                return fail(ctx, ERR_VALIDATION, "unbalanced braces in \"%.*s\"", FMT(text));
        add_part(ctx, &t, rest, false);
        *ret = t;
        return OK;
}

bool template_ready(const struct template *t, const struct provider_inputs *in)
{
        LIST_EACH (part, &t->parts)
                if (part->is_key && !provider_inputs_get(in, part->text).len)
                        return false;
        return true;
}

void percent_encode(struct buf *b, struct str s)
{
        static const char hex[] = "0123456789ABCDEF";

        for (size_t i = 0; i < s.len; i++) {
                unsigned char c = (unsigned char)s.ptr[i];

                if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c && strchr("-._~", c))) {
                        buf_add_char(b, (char)c);
                } else {
                        buf_add_char(b, '%');
                        buf_add_char(b, hex[c >> 4]);
                        buf_add_char(b, hex[c & 15]);
                }
        }
}

void template_render(struct buf *b, const struct template *t, const struct provider_inputs *in,
                     enum template_escape escape)
{
        LIST_EACH (part, &t->parts) {
                struct str text = part->is_key ? provider_inputs_get(in, part->text) : part->text;

                if (part->is_key && escape == ESCAPE_URL)
                        percent_encode(b, text);
                else
                        buf_add(b, text);
        }
}
