/* Counters and the /metrics answers, JSON and Prometheus text. See metrics.h. */
#include "features/operations/operations.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fetch/fetch.h"

static const double bounds_ms[] = {1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000};

struct metrics {
        int64_t requests[6]; /* by first digit of the status */
        int64_t duration_ns;
        int64_t buckets[ELEMENTS(bounds_ms) + 1];
};

struct metrics *metrics_open(void)
{
        return mem_alloc(sizeof(struct metrics));
}

void metrics_close(struct metrics *m)
{
        mem_free(m);
}

static void add(int64_t *counter, int64_t n)
{
        __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static int64_t get(const int64_t *counter)
{
        return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void metrics_request(struct metrics *m, int status, int64_t duration_ns)
{
        size_t class = status >= 100 && status < 600 ? (size_t)status / 100 : 0, b = 0;

        add(&m->requests[class], 1);
        add(&m->duration_ns, duration_ns);
        while (b < ELEMENTS(bounds_ms) && (double)duration_ns / 1e6 > bounds_ms[b])
                b++;
        add(&m->buckets[b], 1);
}

static int64_t rss_bytes(void)
{
        char text[128] = "";
        FILE *f = fopen("/proc/self/statm", "re");
        int64_t pages = 0;

        if (!f)
                return 0;
        if (fgets(text, sizeof text, f)) {
                struct str rest = str_from(text), skip, resident;

                if (str_split(&rest, ' ', &skip) && str_split(&rest, ' ', &resident) &&
                    !str_to_i64(resident, &pages))
                        pages = 0;
        }
        fclose(f);
        return pages * sysconf(_SC_PAGESIZE);
}

static int64_t total_requests(const struct metrics *m)
{
        int64_t n = 0;

        for (size_t i = 0; i < ELEMENTS(m->requests); i++)
                n += get(&m->requests[i]);
        return n;
}

void metrics_json(struct app *app, struct json_out *o)
{
        const struct metrics *m = app->metrics;
        struct db_stats db = db_stats(app->db);
        int64_t n = total_requests(m);

        out_object(o, "data");
        out_i64(o, "uptimeSeconds", (time_mono_ns() - app->started_ns) / NS_PER_S);
        out_object(o, "requests");
        out_i64(o, "total", n);
        out_i64(o, "clientErrors", get(&m->requests[4]));
        out_i64(o, "serverErrors", get(&m->requests[5]));
        out_double(o, "averageResponseMs", n ? (double)get(&m->duration_ns) / (double)n / 1e6 : 0);
        out_end_object(o);
        out_i64(o, "memoryBytes", rss_bytes());
        out_object(o, "database");
        out_i64(o, "connections", db.connections);
        out_i64(o, "busy", db.busy);
        out_i64(o, "waiting", db.waiting);
        out_i64(o, "queries", db.queries);
        out_i64(o, "failures", db.failures);
        out_end_object(o);
        if (app->fetch) {
                struct fetch_stats f = fetch_stats(app->fetch);

                out_object(o, "outbound");
                out_i64(o, "started", (int64_t)f.started);
                out_i64(o, "answered", (int64_t)f.answered);
                out_i64(o, "failed", (int64_t)f.failed);
                out_i64(o, "inFlight", (int64_t)f.in_flight);
                out_i64(o, "waiting", (int64_t)f.waiting);
                out_end_object(o);
        }
        out_end_object(o);
}

static void line(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
        buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name,
                   (long long)v);
}

void metrics_prometheus(struct app *app, struct buf *b)
{
        const struct metrics *m = app->metrics;
        struct db_stats db = db_stats(app->db);
        int64_t sum = 0;

        buf_add(b, STR("# HELP millrace_http_requests_total Requests answered.\n"
                       "# TYPE millrace_http_requests_total counter\n"));
        for (size_t i = 1; i < ELEMENTS(m->requests); i++)
                buf_printf(b, "millrace_http_requests_total{status=\"%zuxx\"} %lld\n", i,
                           (long long)get(&m->requests[i]));
        buf_add(b, STR("# HELP millrace_http_duration_seconds Time to answer.\n"
                       "# TYPE millrace_http_duration_seconds histogram\n"));
        for (size_t i = 0; i < ELEMENTS(bounds_ms); i++) {
                sum += get(&m->buckets[i]);
                buf_printf(b, "millrace_http_duration_seconds_bucket{le=\"%g\"} %lld\n",
                           bounds_ms[i] / 1000, (long long)sum);
        }
        sum += get(&m->buckets[ELEMENTS(bounds_ms)]);
        buf_printf(b, "millrace_http_duration_seconds_bucket{le=\"+Inf\"} %lld\n", (long long)sum);
        buf_printf(b, "millrace_http_duration_seconds_sum %.6f\n",
                   (double)get(&m->duration_ns) / 1e9);
        buf_printf(b, "millrace_http_duration_seconds_count %lld\n", (long long)sum);
        line(b, "millrace_memory_bytes", "gauge", "Resident memory.", rss_bytes());
        line(b, "millrace_database_connections", "gauge", "Open connections.", db.connections);
        line(b, "millrace_database_busy", "gauge", "Connections in use.", db.busy);
        line(b, "millrace_database_waiting", "gauge", "Requests waiting for one.", db.waiting);
        line(b, "millrace_database_queries_total", "counter", "Statements run.", db.queries);
        line(b, "millrace_database_failures_total", "counter", "Statements failed.", db.failures);
        if (app->fetch) {
                struct fetch_stats f = fetch_stats(app->fetch);

                line(b, "millrace_outbound_started_total", "counter", "Outbound calls started.",
                     (int64_t)f.started);
                line(b, "millrace_outbound_failed_total", "counter", "Outbound calls failed.",
                     (int64_t)f.failed);
                line(b, "millrace_outbound_in_flight", "gauge", "Outbound calls in flight.",
                     (int64_t)f.in_flight);
        }
}
