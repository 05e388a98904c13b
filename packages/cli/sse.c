/*
 * The text/event-stream format (WHATWG HTML, section 9.2.6), in pieces of any size. Lines end in
 * LF, CRLF or CR; a blank line ends an event.
 */
#include "api.h"

#include <stdio.h>
#include <string.h>

#define EVENT_MAX ((size_t)32 << 20)

void sse_init(struct sse *s)
{
        *s = (struct sse){0};
        buf_init(&s->line, NULL, EVENT_MAX);
        buf_init(&s->data, NULL, EVENT_MAX);
}

void sse_finish(struct sse *s)
{
        buf_finish(&s->line);
        buf_finish(&s->data);
}

static bool dispatch(struct sse *s)
{
        bool more = true;

        if (s->data.len) {
                struct str data = buf_str(&s->data);

                data.len -= data.ptr[data.len - 1] == '\n';
                more = s->on_event(s->arg, s->event[0] ? str_from(s->event) : STR("message"), data);
        }
        s->event[0] = '\0';
        buf_reset(&s->data);
        return more;
}

static bool take_line(struct sse *s)
{
        struct str line = buf_str(&s->line);
        size_t colon = str_find_char(line, ':');
        struct str field = str_slice(line, 0, MIN_OF(colon, line.len));
        struct str value = colon == SIZE_MAX ? STR("") : str_slice(line, colon + 1, line.len);

        if (line.len == 0)
                return dispatch(s);
        if (str_starts(value, STR(" ")))
                value = str_slice(value, 1, value.len);
        if (str_eq_c(field, "event")) {
                snprintf(s->event, sizeof s->event, "%.*s", FMT(value));
        } else if (str_eq_c(field, "id")) {
                snprintf(s->id, sizeof s->id, "%.*s", FMT(value));
        } else if (str_eq_c(field, "data")) {
                buf_add(&s->data, value);
                buf_add_char(&s->data, '\n');
        }
        return true;
}

bool sse_push(struct sse *s, struct str piece)
{
        for (size_t i = 0; i < piece.len; i++) {
                char c = piece.ptr[i];

                if (c == '\n' && s->after_cr) { /* the second half of CRLF */
                        s->after_cr = false;
                        continue;
                }
                s->after_cr = c == '\r';
                if (c != '\n' && c != '\r') {
                        buf_add_char(&s->line, c);
                        continue;
                }
                bool more = take_line(s);

                buf_reset(&s->line);
                if (!more)
                        return false;
        }
        return true;
}
