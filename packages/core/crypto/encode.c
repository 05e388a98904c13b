/* hex, base64 and base64url. See crypto.h. RFC 4648; decoders accept the canonical form only. */
#include "crypto/crypto.h"

static const char plain64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct str crypto_hex(struct arena *a, struct str data)
{
        static const char digits[] = "0123456789abcdef";
        char *out = arena_alloc(a, data.len * 2 + 1);

        for (size_t i = 0; i < data.len; i++) {
                out[2 * i] = digits[(uint8_t)data.ptr[i] >> 4];
                out[2 * i + 1] = digits[(uint8_t)data.ptr[i] & 15];
        }
        return (struct str){out, data.len * 2};
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 32);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool crypto_hex_decode(struct arena *a, struct str text, struct str *ret)
{
        if (text.len % 2)
                return false;
        char *out = arena_alloc(a, text.len / 2 + 1);

        for (size_t i = 0; i < text.len; i += 2) {
                int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

                if (high < 0 || low < 0)
                        return false;
                out[i / 2] = (char)(high << 4 | low);
        }
        *ret = (struct str){out, text.len / 2};
        return true;
}

static struct str encode64(struct arena *a, struct str data, const char *alphabet, bool pad)
{
        char *out = arena_alloc(a, (data.len + 2) / 3 * 4 + 1), *p = out;
        const uint8_t *in = (const uint8_t *)data.ptr;

        for (size_t i = 0; i < data.len; i += 3) {
                size_t left = data.len - i;
                uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                             (left > 2 ? in[i + 2] : 0);

                *p++ = alphabet[v >> 18];
                *p++ = alphabet[v >> 12 & 63];
                if (left > 1 || pad)
                        *p++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
                if (left > 2 || pad)
                        *p++ = left > 2 ? alphabet[v & 63] : '=';
        }
        return (struct str){out, (size_t)(p - out)};
}

static int value64(char c, const char *alphabet)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

static bool decode64(struct arena *a, struct str text, const char *alphabet, struct str *ret)
{
        char *out = arena_alloc(a, text.len / 4 * 3 + 4), *p = out;
        uint32_t v = 0;
        int bits = 0;

        if (text.len % 4 == 1)
                return false;
        for (size_t i = 0; i < text.len; i++) {
                int digit = value64(text.ptr[i], alphabet);

                if (digit < 0)
                        return false;
                v = v << 6 | (uint32_t)digit;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        *p++ = (char)(v >> bits & 255);
                }
        }
        if (v & ((1U << bits) - 1)) /* bits left over must be zero: one text for each value */
                return false;
        *ret = (struct str){out, (size_t)(p - out)};
        return true;
}

struct str crypto_base64(struct arena *a, struct str data)
{
        return encode64(a, data, plain64, true);
}

struct str crypto_base64url(struct arena *a, struct str data)
{
        return encode64(a, data, url64, false);
}

bool crypto_base64_decode(struct arena *a, struct str text, struct str *ret)
{
        if (text.len % 4)
                return false;
        for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
                text.len--;
        return decode64(a, text, plain64, ret);
}

bool crypto_base64url_decode(struct arena *a, struct str text, struct str *ret)
{
        return decode64(a, text, url64, ret);
}
