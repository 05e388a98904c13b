/* What counts as the same domain, address or link, before a question is asked or hashed. */
#include "features/provider/definition.h"

#include <idn2.h>
#include <libpsl.h>
#include <string.h>
#include "text/fold.h"

static const char *const freemail[] = {
        "gmail.com",    "googlemail.com", "outlook.com", "hotmail.com", "live.com",
        "msn.com",      "yahoo.com",      "yahoo.co.uk", "yahoo.fr",    "yahoo.de",
        "ymail.com",    "icloud.com",     "me.com",      "mac.com",     "aol.com",
        "gmx.de",       "gmx.net",        "gmx.at",      "gmx.ch",      "gmx.com",
        "web.de",       "t-online.de",    "freenet.de",  "mail.com",    "mail.ru",
        "yandex.ru",    "yandex.com",     "proton.me",   "pm.me",       "protonmail.com",
        "tutanota.com", "zoho.eu",        "orange.fr",   "wanadoo.fr",  "free.fr",
        "laposte.net",  "libero.it",      "bluewin.ch",  "qq.com",      "163.com",
        "126.com",      "naver.com",
};

bool normal_is_freemail(struct str domain)
{
        for (size_t i = 0; i < ELEMENTS(freemail); i++)
                if (str_eq_nocase(domain, str_from(freemail[i])))
                        return true;
        return false;
}

/* The host inside a URL, address or bare name. */
static struct str host_part(struct str s)
{
        size_t scheme = str_find(s, STR("://")), at;

        if (scheme != SIZE_MAX)
                s = str_slice(s, scheme + 3, s.len);
        else if (str_starts(s, STR("//")))
                s = str_slice(s, 2, s.len);
        for (size_t i = 0; i < s.len; i++)
                if (strchr("/?#\\", s.ptr[i]))
                        s.len = i;
        while ((at = str_find_char(s, '@')) != SIZE_MAX)
                s = str_slice(s, at + 1, s.len);
        if ((at = str_find_char(s, ':')) != SIZE_MAX)
                s.len = at;
        while (s.len && s.ptr[s.len - 1] == '.')
                s.len--;
        return s;
}

/* Letters, digits and inner hyphens, labels of 1..63, 253 in all, at least one dot, no number last.
 */
static bool valid_host(struct str host)
{
        struct str rest = host, label = STR_NULL;
        size_t labels = 0;

        if (!host.len || host.len > 253)
                return false;
        while (str_split(&rest, '.', &label)) {
                if (!label.len || label.len > 63 || label.ptr[0] == '-' ||
                    label.ptr[label.len - 1] == '-')
                        return false;
                for (size_t i = 0; i < label.len; i++) {
                        char c = label.ptr[i];

                        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
                                return false;
                }
                labels++;
        }
        return labels > 1 && !(label.ptr[0] >= '0' && label.ptr[0] <= '9');
}

static bool to_ascii(struct arena *a, struct str host, struct str *ret)
{
        char *out = NULL;
        int rc;

        if (!host.len || host.len > 1000 || memchr(host.ptr, 0, host.len))
                return false;
        rc = idn2_to_ascii_8z(str_to_c(a, host), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
        if (rc != IDN2_OK)
                return false;
        *ret = str_lower(a, str_from(out));
        idn2_free(out);
        return true;
}

bool normal_domain(struct arena *a, struct str text, struct str *ret)
{
        struct str host = STR_NULL;

        if (!to_ascii(a, host_part(str_trim(text)), &host))
                return false;
        if (str_starts(host, STR("www.")) &&
            str_find_char(str_slice(host, 4, 253), '.') != SIZE_MAX)
                host = str_slice(host, 4, host.len);
        if (!valid_host(host))
                return false;
        *ret = host;
        return true;
}

/* RFC 5321 dot-string: atoms of allowed characters parted by single dots. */
static const char *local_fault(struct str local)
{
        if (!local.len)
                return "there is nothing before the @";
        if (local.len > 64)
                return "the part before the @ is longer than 64 bytes";
        for (size_t i = 0; i < local.len; i++) {
                unsigned char c = (unsigned char)local.ptr[i];
                bool dot = c == '.';

                if (dot && (i == 0 || i + 1 == local.len || local.ptr[i - 1] == '.'))
                        return "a dot stands where none may";
                if (c <= ' ' || c == 127 || (c < 128 && strchr("()<>[]:;@\\,\"", c)))
                        return "a character is not allowed before the @";
        }
        return NULL;
}

bool normal_email(struct arena *a, struct str text, struct str *ret, const char **ret_why)
{
        struct str s = str_trim(text), local, domain = STR_NULL;
        size_t at = SIZE_MAX;
        const char *why;

        for (size_t i = 0; i < s.len; i++)
                if (s.ptr[i] == '@')
                        at = i;
        if (at == SIZE_MAX) {
                *ret_why = "there is no @";
                return false;
        }
        local = str_slice(s, 0, at);
        why = local_fault(local);
        if (!why && (str_find_char(s, ' ') != SIZE_MAX ||
                     !normal_domain(a, str_slice(s, at + 1, s.len), &domain)))
                why = "the part after the @ is no domain";
        if (!why && local.len + 1 + domain.len > 254)
                why = "it is longer than 254 bytes";
        if (why) {
                *ret_why = why;
                return false;
        }
        /* normal_domain() takes "www." off, which an address must keep */
        if (!to_ascii(a, str_slice(s, at + 1, s.len), &domain) || !valid_host(domain)) {
                *ret_why = "the part after the @ is no domain";
                return false;
        }
        *ret = str_printf(a, "%.*s@%.*s", FMT(text_casefold(a, local)), FMT(domain));
        return true;
}

bool normal_url(struct arena *a, struct str text, struct str *ret)
{
        struct str s = str_trim(text), host = STR_NULL;
        bool has_scheme = str_find(s, STR("://")) != SIZE_MAX;

        if (s.len > 2048 || !normal_domain(a, s, &host))
                return false;
        for (size_t i = 0; i < s.len; i++)
                if ((unsigned char)s.ptr[i] <= ' ')
                        return false;
        if (has_scheme && !str_eq_nocase(str_slice(s, 0, 7), STR("http://")) &&
            !str_eq_nocase(str_slice(s, 0, 8), STR("https://")))
                return false;
        *ret = has_scheme ? str_dup(a, s) : str_printf(a, "https://%.*s", FMT(s));
        return true;
}

struct str normal_registrable(struct arena *a, struct str host)
{
        const psl_ctx_t *psl = psl_builtin();
        const char *found;

        found = psl ? psl_registrable_domain(psl, str_to_c(a, host)) : NULL;
        return found ? str_dup(a, str_from(found)) : STR_NULL;
}
