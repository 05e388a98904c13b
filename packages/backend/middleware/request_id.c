/* requestId: takes a well-formed X-Request-Id of the caller, or makes one. */
#include "middleware/call.h"

#include "crypto/crypto.h"

static bool well_formed(struct str s)
{
        if (s.len < 8 || s.len > 100)
                return false;
        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];
                bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';

                if (!ok)
                        return false;
        }
        return true;
}

enum err mw_request_id(struct call *c)
{
        struct str given = req_header(c->req, "X-Request-Id");

        c->ctx->request_id = well_formed(given) ? given : crypto_token(c->ctx->arena, 16);
        reply_header(c->reply, "X-Request-Id", c->ctx->request_id);
        return OK;
}
