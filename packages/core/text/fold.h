/*
 * Text made comparable: what a person would call the same word becomes the same bytes. Any thread.
 */
#ifndef MILLRACE_CORE_TEXT_FOLD_H
#define MILLRACE_CORE_TEXT_FOLD_H

#include "str/str.h"

/* Unicode case folding and composed form (NFC). Bytes that are not UTF-8 become U+FFFD. */
struct str text_casefold(struct arena *a, struct str s);

/*
 * Case folded, accents taken off, every run of what is neither letter nor digit made one space,
 * none at the ends: "Société (Générale)" gives "societe generale".
 */
struct str text_fold(struct arena *a, struct str s);

/* White space runs to one space, none at the ends; control characters and NUL count as such. */
struct str text_tidy(struct arena *a, struct str s);

/* First letter of each word upper case, the rest lower: "mountain view" gives "Mountain View". */
struct str text_titlecase(struct arena *a, struct str s);

#endif
