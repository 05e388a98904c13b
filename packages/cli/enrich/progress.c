/* How far a job is, in one line. See enrich.h. */
#include "enrich/enrich.h"

#define BAR_CELLS 24

struct str number_text(struct arena *a, int64_t n)
{
        char digits[32];
        struct buf b;
        int len = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));

        buf_init(&b, a, 64);
        if (n < 0)
                buf_add_char(&b, '-');
        for (int i = 0; i < len; i++) {
                if (i && (len - i) % 3 == 0)
                        buf_add_char(&b, ',');
                buf_add_char(&b, digits[i]);
        }
        return buf_str(&b);
}

static void add_bar(struct buf *b, const struct progress *p)
{
        int64_t full = p->cells ? p->done * BAR_CELLS / p->cells : BAR_CELLS;

        for (int i = 0; i < BAR_CELLS; i++)
                buf_add_c(b, i < full ? "█" : "░");
        buf_add_char(b, ' ');
}

static void add_time_left(struct buf *b, const struct progress *p)
{
        if (p->done >= p->cells || p->done == 0 || p->elapsed_ms < 500)
                return;
        int64_t left = (p->cells - p->done) * (p->elapsed_ms / 10) / p->done / 100;

        if (left >= 3600)
                buf_printf(b, "  %lld:%02lld:%02lld left", (long long)(left / 3600),
                           (long long)(left / 60 % 60), (long long)(left % 60));
        else
                buf_printf(b, "  %lld:%02lld left", (long long)(left / 60), (long long)(left % 60));
}

struct str progress_line(struct arena *a, const struct progress *p, bool bar, int columns)
{
        struct buf b;

        buf_init(&b, a, 4096);
        if (bar && columns >= 100)
                add_bar(&b, p);
        buf_printf(&b, "%3lld %%  %.*s/%.*s cells",
                   (long long)(p->cells ? p->done * 100 / p->cells : 100),
                   FMT(number_text(a, p->done)), FMT(number_text(a, p->cells)));
        if (p->elapsed_ms > 0)
                buf_printf(&b, "  %lld/s", (long long)(p->done * 1000 / p->elapsed_ms));
        buf_printf(&b, "  %.*s found", FMT(number_text(a, p->found)));
        if (p->asked)
                buf_printf(&b, " (%lld %%)", (long long)(p->found * 100 / p->asked));
        buf_printf(&b, "  %.*s credit%s", FMT(number_text(a, p->credits)),
                   p->credits == 1 ? "" : "s");
        add_time_left(&b, p);
        return buf_str(&b);
}
