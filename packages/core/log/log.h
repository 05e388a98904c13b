/*
 * Structured JSON log, one line an event: timestamp, level, message, service, then the fields.
 * debug and info go to stdout, warn and error to stderr; LOG_LEVEL sets the least level. Lines are
 * written with one write(2) each, so threads and processes may share the stream. core does not log
 * by itself except for this module. Never log credentials, tokens or personal data.
 *
 *   log_info("job started", LOG_STR("jobId", id), LOG_I64("cells", n));
 */
#ifndef MILLRACE_CORE_LOG_LOG_H
#define MILLRACE_CORE_LOG_LOG_H

#include "str/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_field {
        const char *key; /* NULL ends the list */
        enum { LOG_TEXT, LOG_NUMBER, LOG_REAL, LOG_TRUTH } kind;
        struct str text;
        int64_t number;
        double real;
};

#define LOG_STR(k, s)  ((struct log_field){.key = (k), .kind = LOG_TEXT, .text = (s)})
#define LOG_C(k, s)    ((struct log_field){.key = (k), .kind = LOG_TEXT, .text = str_from(s)})
#define LOG_I64(k, v)  ((struct log_field){.key = (k), .kind = LOG_NUMBER, .number = (v)})
#define LOG_F64(k, v)  ((struct log_field){.key = (k), .kind = LOG_REAL, .real = (v)})
#define LOG_BOOL(k, v) ((struct log_field){.key = (k), .kind = LOG_TRUTH, .number = (v)})

/* Call once at start, before threads. `service` must outlive the process's logging. */
void log_init(const char *service, enum log_level least);
bool log_level_parse(struct str name, enum log_level *ret);
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* The first field is a filler that log_write() skips: so a call may have no fields at all. */
#define log_at(level, message, ...)                                                    \
        do {                                                                           \
                if (log_enabled(level))                                                \
                        log_write((level), (message),                                  \
                                  (const struct log_field[]){                          \
                                          {.key = ""}, ##__VA_ARGS__, {.key = NULL}}); \
        } while (0)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
