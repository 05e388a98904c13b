/*
 * Fuzz target of the URL canonicaliser: a URL it accepts has one canonical form, libcurl reads the
 * same host and port out of it, and a numeric host never comes out as a name.
 */
#include "fetch/egress.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void agrees_with_curl(struct arena *a, const struct egress_url *u)
{
        CURLU *c = curl_url();
        char *host = NULL, *port = NULL, *user = NULL;

        assert(c && curl_url_set(c, CURLUPART_URL, str_to_c(a, u->url), 0) == CURLUE_OK);
        assert(curl_url_get(c, CURLUPART_HOST, &host, 0) == CURLUE_OK);
        assert(curl_url_get(c, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK);
        assert(curl_url_get(c, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
        bool six = u->literal && u->addr.family == 6;
        struct str got = six ? str_slice(str_from(host), 1, strlen(host) - 2) : str_from(host);

        assert(str_eq(got, u->host));
        assert(str_eq(str_from(port), str_printf(a, "%u", u->port)));
        curl_free(host);
        curl_free(port);
        curl_url_cleanup(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct arena a;
        struct ctx ctx;
        struct egress_url u, again;
        struct egress_addr addr;

        arena_init(&a, 16 << 20);
        ctx_init(&ctx, &a);
        if (egress_url_parse(&ctx, (struct str){(const char *)data, size}, &u) == OK) {
                assert(egress_url_parse(&ctx, u.url, &again) == OK);
                assert(str_eq(u.url, again.url) && u.port == again.port && u.https == again.https);
                assert(str_eq(u.host, again.host) && u.literal == again.literal);
                assert(u.literal || !egress_addr_parse(u.host, &addr));
                agrees_with_curl(&a, &u);
        }
        arena_finish(&a);
        return 0;
}
