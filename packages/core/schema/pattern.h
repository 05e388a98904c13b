/*
 * Regular expressions in ECMA-262 syntax over PCRE2, with limits on what one match may cost.
 * A compiled pattern is immutable and thread-safe; a pattern_run belongs to one thread.
 */
#ifndef MILLRACE_CORE_SCHEMA_PATTERN_H
#define MILLRACE_CORE_SCHEMA_PATTERN_H

#include "str/str.h"

struct pattern;

enum pattern_result {
        PATTERN_NO,
        PATTERN_YES,
        PATTERN_LIMIT, /* took too much work: neither yes nor no */
};

/* What the matches of one validation share: scratch memory and the time they may take together. */
struct pattern_run {
        void *match_data, *match_context;
        int64_t spent_ns;
};

/* False when it is not a regular expression; then `why` says so. The pattern is arena memory. */
_must_check_ bool pattern_compile(struct arena *a, struct str text, char *why, size_t why_size,
                                  const struct pattern **ret);
struct str pattern_text(const struct pattern *p); /* as it was given */

/* Does it match anywhere in the text (as JSON Schema's `pattern` means it)? */
_must_check_ enum pattern_result pattern_match(const struct pattern *p, struct pattern_run *run,
                                               struct str text);
void pattern_run_finish(struct pattern_run *run); /* accepts a zeroed run */

#endif
