/*
 * The known name that an unknown one was most probably meant to be: optimal string alignment
 * distance (insertions, deletions, substitutions, swapped neighbours) of at most 2 bytes.
 */
#include "schema/run.h"

#include <string.h>

#define NAME_MAX_BYTES 40
#define NAMES_MAX      200

static size_t least(size_t a, size_t b, size_t c)
{
        return MIN_OF(MIN_OF(a, b), c);
}

static size_t distance(struct str a, struct str b)
{
        unsigned char rows[3][NAME_MAX_BYTES + 1];

        for (size_t k = 0; k <= b.len; k++)
                rows[0][k] = (unsigned char)k;
        for (size_t i = 1; i <= a.len; i++) {
                unsigned char *row = rows[i % 3], *above = rows[(i + 2) % 3];
                const unsigned char *two_above = rows[(i + 1) % 3];

                row[0] = (unsigned char)i;
                for (size_t k = 1; k <= b.len; k++) {
                        size_t d = least(above[k] + 1u, row[k - 1] + 1u,
                                         above[k - 1] + (a.ptr[i - 1] == b.ptr[k - 1] ? 0u : 1u));

                        if (i > 1 && k > 1 && a.ptr[i - 1] == b.ptr[k - 2] &&
                            a.ptr[i - 2] == b.ptr[k - 1])
                                d = MIN_OF(d, two_above[k - 2] + (size_t)1);
                        row[k] = (unsigned char)d;
                }
        }
        return rows[a.len % 3][b.len];
}

struct str suggest_name(const struct map *known, struct str name)
{
        struct str best = STR_NULL;
        size_t limit = name.len < 5 ? 1 : 2;

        if (name.len < 3 || name.len > NAME_MAX_BYTES || known->len > NAMES_MAX)
                return STR_NULL;
        for (size_t i = 0; i < known->size; i++) {
                struct str key = known->slots[i].key;

                if (!known->slots[i].value || key.len > NAME_MAX_BYTES ||
                    key.len + limit < name.len || name.len + limit < key.len)
                        continue;
                size_t d = distance(name, key);

                /* of two equally near ones the first in byte order, so that the answer is stable */
                if (d < limit || (d == limit && (!best.ptr || str_cmp(key, best) < 0))) {
                        limit = d;
                        best = key;
                }
        }
        return best;
}
