/* Security headers on every answer. */
#include "middleware/call.h"

enum err mw_headers(struct call *c)
{
        static const char *const headers[][2] = {
                {"Content-Security-Policy",
                 "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
                 "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' "
                 "data:; "
                 "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
                 "form-action 'self'; frame-ancestors 'none'"},
                {"Cross-Origin-Opener-Policy", "same-origin"},
                {"Cross-Origin-Resource-Policy", "same-origin"},
                {"Origin-Agent-Cluster", "?1"},
                {"Referrer-Policy", "no-referrer"},
                {"X-Content-Type-Options", "nosniff"},
                {"X-DNS-Prefetch-Control", "off"},
                {"X-Frame-Options", "DENY"},
                {"X-Permitted-Cross-Domain-Policies", "none"},
                {"X-XSS-Protection", "0"},
        };

        for (size_t i = 0; i < ELEMENTS(headers); i++)
                reply_header(c->reply, headers[i][0], str_from(headers[i][1]));
        if (str_starts(c->app->settings.url, STR("https://")))
                reply_header(c->reply, "Strict-Transport-Security",
                             STR("max-age=15552000; includeSubDomains"));
        reply_header(c->reply, "Cache-Control", STR("no-store"));
        return OK;
}
