/* Encodings of CSV files: finding out which, and decoding to UTF-8. See csv.h and internal.h. */
#include "csv/internal.h"

#include <string.h>

/* Unicode of the bytes 0x80..0x9f; the five that Windows leaves open are controls (WHATWG). */
static const uint16_t windows_1252_high[32] = {
        0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

static size_t put(uint32_t c, char *out)
{
        if (c < 0x80) {
                out[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char)(0xc0 | c >> 6);
                out[1] = (char)(0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char)(0xe0 | c >> 12);
                out[1] = (char)(0x80 | (c >> 6 & 0x3f));
                out[2] = (char)(0x80 | (c & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 0x3f));
        out[2] = (char)(0x80 | (c >> 6 & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        return 4;
}

size_t csv_windows_1252(unsigned char c, char out[3])
{
        return put(c >= 0x80 && c < 0xa0 ? windows_1252_high[c - 0x80] : c, out);
}

/* Length of the plain ASCII run at the front, eight bytes at a time. */
static size_t ascii_run(const char *p, size_t len)
{
        size_t i = 0;
        uint64_t word;

        for (; i + 8 <= len; i += 8) {
                memcpy(&word, p + i, 8);
                if (word & UINT64_C(0x8080808080808080))
                        break;
        }
        while (i < len && !(p[i] & 0x80))
                i++;
        return i;
}

static size_t decode_windows_1252(const char *in, size_t len, char *out)
{
        char *to = out;

        while (len) {
                size_t run = ascii_run(in, len);

                memcpy(to, in, run);
                to += run;
                in += run;
                len -= run;
                if (len) {
                        to += csv_windows_1252((unsigned char)*in, to);
                        in++;
                        len--;
                }
        }
        return (size_t)(to - out);
}

static size_t put_unit(struct csv_decoder *d, uint32_t unit, char *out)
{
        char *to = out;

        if (d->high && unit >= 0xdc00 && unit < 0xe000) {
                to += put(0x10000 + ((d->high - 0xd800) << 10) + (unit - 0xdc00), to);
                d->high = 0;
                return (size_t)(to - out);
        }
        if (d->high) {
                to += put(0xfffd, to);
                d->lone = true;
                d->high = 0;
        }
        if (unit >= 0xd800 && unit < 0xdc00) {
                d->high = unit;
        } else if (unit >= 0xdc00 && unit < 0xe000) {
                to += put(0xfffd, to);
                d->lone = true;
        } else {
                to += put(unit, to);
        }
        return (size_t)(to - out);
}

static size_t decode_utf16(struct csv_decoder *d, const char *in, size_t len, char *out)
{
        const bool le = d->encoding == CSV_UTF16LE;
        char *to = out;

        for (size_t i = 0; i < len; i++) {
                unsigned char second = (unsigned char)in[i];

                if (!d->have_byte) {
                        d->byte = second;
                        d->have_byte = true;
                        continue;
                }
                d->have_byte = false;
                to += put_unit(
                        d, le ? d->byte | (uint32_t)second << 8 : (uint32_t)d->byte << 8 | second,
                        to);
        }
        return (size_t)(to - out);
}

size_t csv_decode(struct csv_decoder *d, const char *in, size_t len, char *out)
{
        switch (d->encoding) {
        case CSV_WINDOWS_1252: return decode_windows_1252(in, len, out);
        case CSV_UTF16LE:
        case CSV_UTF16BE: return decode_utf16(d, in, len, out);
        case CSV_ENCODING_AUTO:
        case CSV_UTF8: break;
        }
        if (len)
                memcpy(out, in, len);
        return len;
}

size_t csv_decode_end(struct csv_decoder *d, char *out)
{
        if (!d->have_byte && !d->high)
                return 0;
        d->have_byte = false;
        d->high = 0;
        d->lone = true;
        return put(0xfffd, out);
}

bool csv_utf8_valid(struct str s, bool cut)
{
        const unsigned char *p = (const unsigned char *)s.ptr;

        for (size_t i = 0; i < s.len;) {
                i += ascii_run(s.ptr + i, s.len - i);
                if (i == s.len)
                        break;
                size_t n = str_utf8_len(p + i, s.len - i);

                if (n == 0) /* a lead byte within the last three may have lost its rest */
                        return cut && s.len - i < 4 && p[i] >= 0xc2 && p[i] <= 0xf4;
                i += n;
        }
        return true;
}

/* Western text in UTF-16 has a zero in one half of nearly every unit. */
static enum csv_encoding utf16_by_zeros(struct str s)
{
        size_t n = MIN_OF(s.len, (size_t)4096) & ~(size_t)1, even = 0, odd = 0;

        for (size_t i = 0; i < n; i += 2) {
                even += s.ptr[i] == 0;
                odd += s.ptr[i + 1] == 0;
        }
        if (n >= 4 && odd * 10 >= n / 2 * 4 && even * 20 <= n / 2)
                return CSV_UTF16LE;
        if (n >= 4 && even * 10 >= n / 2 * 4 && odd * 20 <= n / 2)
                return CSV_UTF16BE;
        return CSV_ENCODING_AUTO;
}

enum csv_encoding csv_sniff_encoding(struct str sample, size_t *ret_bom)
{
        *ret_bom = 0;
        if (str_starts(sample, STR("\xef\xbb\xbf"))) {
                *ret_bom = 3;
                return CSV_UTF8;
        }
        if (str_starts(sample, STR("\xff\xfe")) || str_starts(sample, STR("\xfe\xff"))) {
                *ret_bom = 2;
                return sample.ptr[0] == '\xff' ? CSV_UTF16LE : CSV_UTF16BE;
        }
        enum csv_encoding e = utf16_by_zeros(sample);

        if (e != CSV_ENCODING_AUTO)
                return e;
        return csv_utf8_valid(sample, true) ? CSV_UTF8 : CSV_WINDOWS_1252;
}

const char *csv_encoding_name(enum csv_encoding e)
{
        switch (e) {
        case CSV_UTF8: return "UTF-8";
        case CSV_UTF16LE: return "UTF-16LE";
        case CSV_UTF16BE: return "UTF-16BE";
        case CSV_WINDOWS_1252: return "windows-1252";
        case CSV_ENCODING_AUTO: break;
        }
        return "auto";
}

bool csv_encoding_parse(struct str name, enum csv_encoding *ret)
{
        static const struct {
                const char *name;
                enum csv_encoding encoding;
        } names[] = {
                {"auto", CSV_ENCODING_AUTO},
                {"utf-8", CSV_UTF8},
                {"utf8", CSV_UTF8},
                {"utf-16", CSV_UTF16LE},
                {"utf-16le", CSV_UTF16LE},
                {"utf-16be", CSV_UTF16BE},
                {"windows-1252", CSV_WINDOWS_1252},
                {"cp1252", CSV_WINDOWS_1252},
                {"iso-8859-1", CSV_WINDOWS_1252},
                {"latin1", CSV_WINDOWS_1252},
                {"latin-1", CSV_WINDOWS_1252},
        };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                if (str_eq_nocase(name, str_from(names[i].name))) {
                        *ret = names[i].encoding;
                        return true;
                }
        }
        return false;
}

const char *csv_newline_name(enum csv_newline n)
{
        static const char *const names[] = {"", "LF", "CRLF", "CR"};

        return names[n];
}
