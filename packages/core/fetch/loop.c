/* The loop thread of core/fetch: epoll, timers, the inbox. See fetch.h and internal.h. */
#include "fetch/internal.h"

#include "task/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum watch { WATCH_CURL, WATCH_ARES, WATCH_WAKE, WATCH_TIMER };

static uint64_t watch_data(enum watch kind, int fd)
{
        return (uint64_t)kind << 32 | (uint32_t)fd;
}

void loop_watch(struct fetch_client *c, int fd, bool for_ares, bool in, bool out)
{
        struct epoll_event ev = {
                .events = (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0),
                .data.u64 = watch_data(for_ares ? WATCH_ARES : WATCH_CURL, fd),
        };

        if (!in && !out) {
                epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        } else if (epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT) {
                epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
        }
}

/* Binary heap of calls by timer_ns; call->timer is the place + 1. */
static void heap_put(struct fetch_client *c, size_t at, struct call *call)
{
        c->heap[at] = call;
        call->timer = at + 1;
}

static void heap_sift(struct fetch_client *c, size_t at)
{
        struct call *call = c->heap[at];

        for (size_t up; at > 0 && c->heap[up = (at - 1) / 2]->timer_ns > call->timer_ns; at = up)
                heap_put(c, at, c->heap[up]);
        for (;;) {
                size_t down = 2 * at + 1;

                if (down + 1 < c->heap_len && c->heap[down + 1]->timer_ns < c->heap[down]->timer_ns)
                        down++;
                if (down >= c->heap_len || c->heap[down]->timer_ns >= call->timer_ns)
                        break;
                heap_put(c, at, c->heap[down]);
                at = down;
        }
        heap_put(c, at, call);
}

void timer_clear(struct fetch_client *c, struct call *call)
{
        if (!call->timer)
                return;
        size_t at = call->timer - 1;
        struct call *last = c->heap[--c->heap_len];

        call->timer = 0;
        if (last != call) {
                heap_put(c, at, last);
                heap_sift(c, at);
        }
}

void timer_set(struct fetch_client *c, struct call *call, int64_t at_ns)
{
        if (!at_ns) {
                timer_clear(c, call);
                return;
        }
        call->timer_ns = at_ns;
        if (!call->timer) {
                if (c->heap_len == c->heap_cap) {
                        c->heap_cap = MAX_OF(c->heap_cap * 2, (size_t)256);
                        c->heap = mem_realloc(c->heap, c->heap_cap * sizeof *c->heap);
                }
                heap_put(c, c->heap_len++, call);
        }
        heap_sift(c, call->timer - 1);
}

void call_list_push(struct call_list *list, struct call *call)
{
        call->next = NULL;
        call->prev = list->last;
        if (list->last)
                list->last->next = call;
        else
                list->first = call;
        list->last = call;
}

void call_list_remove(struct call_list *list, struct call *call)
{
        if (call->prev)
                call->prev->next = call->next;
        else
                list->first = call->next;
        if (call->next)
                call->next->prev = call->prev;
        else
                list->last = call->prev;
        call->prev = call->next = NULL;
}

static void batch_unlink(struct call *call)
{
        if (call->batch_prev)
                call->batch_prev->batch_next = call->batch_next;
        else if (call->batch->live == call)
                call->batch->live = call->batch_next;
        if (call->batch_next)
                call->batch_next->batch_prev = call->batch_prev;
}

static void count(struct fetch_client *c, enum fetch_outcome outcome)
{
        if (outcome == FETCH_ANSWERED)
                c->answered++;
        else if (outcome == FETCH_REFUSED)
                c->refused++;
        else
                c->failed++;
}

void call_finish(struct fetch_client *c, struct call *call, enum fetch_outcome outcome,
                 const char *fmt, ...)
{
        struct fetch_batch *batch = call->batch;
        va_list ap;

        transfer_end(c, call);
        host_leave(c, call);
        timer_clear(c, call);
        batch_unlink(call);
        call->outcome = outcome;
        if (fmt) {
                char text[512];

                va_start(ap, fmt);
                vsnprintf(text, sizeof text, fmt, ap);
                va_end(ap);
                call->message = str_dup(&call->arena, str_from(text));
        }
        if (call->begun_ns)
                call->duration_us = (time_mono_ns() - call->begun_ns) / 1000;
        call->state = CALL_FINISHED;
        count(c, outcome);
        pthread_mutex_lock(&batch->lock);
        call_list_push(&batch->finished, call);
        batch->finished_count++;
        batch->running--;
        pthread_cond_broadcast(&batch->changed);
        pthread_mutex_unlock(&batch->lock);
}

static void call_arrive(struct fetch_client *c, struct call *call)
{
        int64_t now = time_mono_ns();

        call->batch_prev = NULL;
        call->batch_next = call->batch->live;
        if (call->batch_next)
                call->batch_next->batch_prev = call;
        call->batch->live = call;
        if (call->not_before_ns > now) {
                call->state = CALL_DELAYED;
                timer_set(c, call,
                          call->deadline_ns ? MIN_OF(call->deadline_ns, call->not_before_ns)
                                            : call->not_before_ns);
        } else {
                host_enqueue(c, call);
        }
}

static void batch_done_with(struct fetch_batch *batch)
{
        pthread_mutex_lock(&batch->lock);
        batch->commands--;
        pthread_cond_broadcast(&batch->changed);
        pthread_mutex_unlock(&batch->lock);
}

static void obey(struct fetch_client *c, struct command *cmd)
{
        struct fetch_batch *batch = cmd->batch;

        switch (cmd->kind) {
        case COMMAND_CALL: call_arrive(c, cmd->call); break;
        case COMMAND_CANCEL:
                while (batch->live)
                        call_finish(c, batch->live, FETCH_CANCELLED, "cancelled");
                batch_done_with(batch);
                break;
        case COMMAND_RESUME:
                for (struct call *call = batch->live; call; call = call->batch_next)
                        if (call->paused && call->easy) {
                                call->paused = false;
                                curl_easy_pause(call->easy, CURLPAUSE_CONT);
                        }
                batch_done_with(batch);
                break;
        }
}

/* False when the client is being closed. */
static bool take_inbox(struct fetch_client *c)
{
        pthread_mutex_lock(&c->lock);
        struct command *cmd = c->inbox;
        bool ending = c->ending;

        c->inbox = NULL;
        c->inbox_last = &c->inbox;
        pthread_mutex_unlock(&c->lock);
        while (cmd) {
                struct command *next = cmd->next;

                obey(c, cmd);
                mem_free(cmd);
                cmd = next;
        }
        return !ending;
}

static void call_due(struct fetch_client *c, struct call *call, int64_t now)
{
        timer_clear(c, call);
        if (call->state == CALL_DELAYED && (!call->deadline_ns || call->deadline_ns > now))
                host_enqueue(c, call);
        else if (call->state == CALL_LOOKUP)
                call_finish(c, call, FETCH_TIMED_OUT, "%.*s did not resolve in time",
                            FMT(call->url.host));
        else
                call_finish(c, call, FETCH_TIMED_OUT,
                            call->state == CALL_RUNNING ? "no complete answer in time"
                                                        : "the deadline passed in line");
}

static void run_timers(struct fetch_client *c)
{
        int64_t now = time_mono_ns();
        int running;

        while (c->heap_len && c->heap[0]->timer_ns <= now)
                call_due(c, c->heap[0], now);
        if (c->curl_ns && c->curl_ns <= now) {
                c->curl_ns = 0;
                curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        if (c->lookups)
                ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static int64_t next_due(struct fetch_client *c, int64_t now)
{
        int64_t due = c->heap_len ? c->heap[0]->timer_ns : INT64_MAX;
        struct timeval tv;

        if (c->curl_ns)
                due = MIN_OF(due, c->curl_ns);
        if (c->lookups && ares_timeout(c->ares, NULL, &tv))
                due = MIN_OF(due, now + tv.tv_sec * NS_PER_S + tv.tv_usec * 1000 + 1);
        return due;
}

/* How long epoll may wait, in ms: 0 when something is due, else -1 with the timer armed. */
static int arm(struct fetch_client *c)
{
        int64_t now = time_mono_ns(), due = next_due(c, now);
        struct itimerspec t = {0};

        if (due <= now)
                return 0;
        if (due != c->armed_ns) {
                if (due != INT64_MAX)
                        t.it_value = (struct timespec){due / NS_PER_S, due % NS_PER_S};
                timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
                c->armed_ns = due;
        }
        return -1;
}

static void on_event(struct fetch_client *c, const struct epoll_event *ev)
{
        int fd = (int)(ev->data.u64 & UINT32_MAX), running;
        bool in = ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP);
        bool out = ev->events & (EPOLLOUT | EPOLLERR | EPOLLHUP);
        uint64_t ignored;

        switch ((enum watch)(ev->data.u64 >> 32)) {
        case WATCH_CURL:
                curl_multi_socket_action(c->multi, fd,
                                         (in ? CURL_CSELECT_IN : 0) | (out ? CURL_CSELECT_OUT : 0),
                                         &running);
                break;
        case WATCH_ARES:
                ares_process_fd(c->ares, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
                break;
        case WATCH_TIMER: c->armed_ns = 0; /* fall through */
        case WATCH_WAKE:
                if (read(fd, &ignored, sizeof ignored) < 0)
                        break; /* EAGAIN: somebody was quicker, nothing is lost */
        }
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *client, void *ignored)
{
        loop_watch(client, fd, false, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
                   what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
        return 0;
}

static int on_curl_timer(CURLM *multi, long ms, void *client)
{
        struct fetch_client *c = client;

        c->curl_ns = ms < 0 ? 0 : time_mono_ns() + ms * NS_PER_MS;
        return 0;
}

static void loop_open(struct fetch_client *c)
{
        struct epoll_event wake = {.events = EPOLLIN,
                                   .data.u64 = watch_data(WATCH_WAKE, c->wake_fd)};
        struct epoll_event timer = {.events = EPOLLIN,
                                    .data.u64 = watch_data(WATCH_TIMER, c->timer_fd)};

        epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->wake_fd, &wake);
        epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->timer_fd, &timer);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        /* Connections kept: those in use and as many idle ones as one busy host needs. */
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)MAX_OF(c->config.inflight_max, 64));
}

void *loop_thread(void *client)
{
        struct fetch_client *c = client;
        struct epoll_event events[256];
        sigset_t all;

        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        loop_open(c);
        for (;;) {
                int n = epoll_wait(c->epoll_fd, events, ELEMENTS(events), arm(c));

                for (int i = 0; i < n; i++)
                        on_event(c, &events[i]);
                if (!take_inbox(c))
                        break;
                run_timers(c);
                transfer_harvest(c);
                host_pump(c);
        }
        return NULL;
}
