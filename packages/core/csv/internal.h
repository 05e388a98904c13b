/* What the files of core/csv share and nobody else needs: decoding to UTF-8, and a raw reader. */
#ifndef MILLRACE_CORE_CSV_INTERNAL_H
#define MILLRACE_CORE_CSV_INTERNAL_H

#include "csv/csv.h"

/* Turns one encoding into UTF-8 piece by piece; a zeroed one with its encoding set is ready. */
struct csv_decoder {
        enum csv_encoding encoding;
        bool have_byte;
        unsigned char byte; /* the first half of a UTF-16 unit */
        uint32_t high;      /* a high surrogate that waits for its other half, or 0 */
        bool lone;          /* some surrogate stood alone and became U+FFFD */
};

/* `out` has room for CSV_DECODE_ROOM(len) bytes; returns how many were written. */
#define CSV_DECODE_ROOM(len) ((len)*3 + 6)
size_t csv_decode(struct csv_decoder *d, const char *in, size_t len, char *out);
/* What is left at the end of the input: half units and surrogates become U+FFFD. */
size_t csv_decode_end(struct csv_decoder *d, char *out);

size_t csv_windows_1252(unsigned char c, char out[3]);

/* The encoding of a file's first bytes, and how many of them are a byte order mark. */
enum csv_encoding csv_sniff_encoding(struct str sample, size_t *ret_bom);

/* Takes UTF-8 with the dialect complete, looks for nothing. */
struct csv_reader *csv_reader_open_known(const struct csv_options *options);

#endif
