/* Structured JSON log. See log.h. */
#include "log/log.h"

#include "json/json.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384

/* Written once by log_init() before threads start, read-only afterwards. */
static const char *service_name = "millrace";
static enum log_level least_level = LOG_LEVEL_INFO;

static const char *const names[] = {"debug", "info", "warn", "error"};

void log_init(const char *service, enum log_level least)
{
        service_name = service;
        least_level = least;
}

bool log_level_parse(struct str name, enum log_level *ret)
{
        for (size_t i = 0; i < ELEMENTS(names); i++)
                if (str_eq_c(name, names[i])) {
                        *ret = (enum log_level)i;
                        return true;
                }
        return false;
}

bool log_enabled(enum log_level level)
{
        return level >= least_level;
}

static void write_all(int fd, const char *p, size_t n)
{
        while (n) {
                ssize_t done = write(fd, p, n);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done <= 0)
                        return; /* nowhere left to report to */
                p += done;
                n -= (size_t)done;
        }
}

static void timestamp(char *out, size_t size)
{
        int64_t us = time_wall_us();
        time_t s = (time_t)(us / 1000000);
        struct tm tm;
        char date[32];

        gmtime_r(&s, &tm);
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(out, size, "%s.%03dZ", date, (int)(us / 1000 % 1000));
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
        struct buf b;
        struct json_out o = {.buf = &b};
        char at[48];

        timestamp(at, sizeof at);
        buf_init(&b, NULL, LINE_MAX_BYTES);
        out_object(&o, NULL);
        out_c(&o, "timestamp", at);
        out_c(&o, "level", names[level]);
        out_c(&o, "message", message);
        out_c(&o, "service", service_name);
        for (const struct log_field *f = fields + 1; f->key; f++) {
                size_t len = b.len;
                bool comma = o.comma;

                switch (f->kind) {
                case LOG_TEXT: out_str(&o, f->key, str_slice(f->text, 0, 4096)); break;
                case LOG_NUMBER: out_i64(&o, f->key, f->number); break;
                case LOG_REAL: out_double(&o, f->key, f->real); break;
                case LOG_TRUTH: out_bool(&o, f->key, f->number != 0); break;
                }
                if (buf_full(&b)) { /* drop the field that does not fit, keep valid JSON */
                        b.len = len;
                        b.full = false;
                        o.comma = comma;
                        break;
                }
        }
        b.max += 8;
        out_end_object(&o);
        buf_add_char(&b, '\n');
        write_all(level >= LOG_LEVEL_WARN ? STDERR_FILENO : STDOUT_FILENO, b.ptr, b.len);
        buf_finish(&b);
}
