/* The supervisor's event loop and decisions: see supervise.h. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "part.h"

#define PROBE_FIRST_NS   (5 * NS_PER_MS)
#define PROBE_MOST_NS    (200 * NS_PER_MS)
#define BACKOFF_FIRST_NS (100 * NS_PER_MS)
#define BACKOFF_MOST_NS  (30 * NS_PER_S)
#define STEADY_NS        (10 * NS_PER_S) /* a part that ran this long starts its pauses afresh */

enum stack_state { STACK_STARTING, STACK_UP, STACK_STOPPING };

struct supervisor {
        struct ctx *ctx;
        const struct spec *spec;
        LIST(struct part) parts;
        enum stack_state state;
        int64_t started_us;
        int epoll, signals, timer, notify;
        char notify_path[64]; /* abstract socket, as sd_notify writes it: @name */
        struct plog log;
        char *status_next; /* the status file is written here and then renamed */
        bool dirty;        /* the status file is out of date */
        bool failed;       /* the stack could not be started */
};

/* What an epoll event is about: the low bits say what, the rest which part. */
enum source { SRC_SIGNAL, SRC_TIMER, SRC_NOTIFY, SRC_OUTPUT, SRC_PROBE };

static bool watch(struct supervisor *s, int fd, uint32_t events, enum source source, size_t part)
{
        struct epoll_event event = {.events = events,
                                    .data.u64 = (uint64_t)source | (uint64_t)part << 8};

        return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ||
               (errno == EEXIST && epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &event) == 0);
}

/* One line about what happened: to standard output, for ./run, and with its time to supervise.log.
 */
static void _printf_(2, 3) tell(struct supervisor *s, const char *fmt, ...)
{
        char text[512], line[600];
        time_t now = time(NULL);
        struct tm tm;
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        dprintf(STDOUT_FILENO, "%s\n", text);
        gmtime_r(&now, &tm);
        int len = snprintf(line, sizeof(line), "%04d-%02d-%02dT%02d:%02d:%02dZ %s\n",
                           tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                           tm.tm_sec, text);
        if (len > 0 && (size_t)len < sizeof(line))
                plog_write(&s->log, line, (size_t)len);
}

static void set_state(struct supervisor *s, struct part *part, enum part_state state,
                      int64_t wake_ns)
{
        part->state = state;
        part->wake_ns = wake_ns;
        part->changed_us = time_wall_us();
        s->dirty = true;
}

/* The status file: `stack STATE PID SINCE`, then `part NAME STATE PID RESTARTS SINCE LAST-EXIT`. */
static void write_status(struct supervisor *s)
{
        static const char *const names[] = {"starting", "up", "stopping"};
        FILE *file = fopen(s->status_next, "we");

        s->dirty = false;
        if (!file)
                return;
        fprintf(file, "stack %s %d %lld\n", names[s->state], (int)getpid(),
                (long long)(s->started_us / 1000000));
        LIST_EACH (part, &s->parts)
                fprintf(file, "part %s %s %d %d %lld %s\n", part->spec->name,
                        part_state_name(part->state), (int)part->pid, part->restarts,
                        (long long)(part->changed_us / 1000000),
                        part->last_exit[0] ? part->last_exit : "-");
        if (fclose(file) == 0)
                (void)rename(s->status_next, s->spec->status_path);
}

static bool is_over(const struct part *part)
{
        return part->state == PART_READY || part->state == PART_DONE;
}

/* Stops the last part that still runs; the loop ends when there is none. Reverse order, one by one.
 */
static void stop_next(struct supervisor *s)
{
        for (size_t i = s->parts.len; i-- > 0;) {
                struct part *part = &s->parts.ptr[i];

                if (part->state == PART_STOPPING)
                        return;
                if (part->pid > 0) {
                        tell(s, "stopping %s", part->spec->name);
                        part_signal(part, part->spec->stop_signal);
                        set_state(s, part, PART_STOPPING,
                                  time_mono_ns() + part->spec->stop_seconds * NS_PER_S);
                        return;
                }
                if (part->state != PART_DONE && part->state != PART_STOPPED)
                        set_state(s, part, PART_STOPPED, 0);
        }
}

static void stop_all(struct supervisor *s)
{
        if (s->state == STACK_STOPPING)
                return;
        s->state = STACK_STOPPING;
        s->dirty = true;
        LIST_EACH (part, &s->parts) {
                probe_close(&part->probe);
                part->probe_ns = 0;
        }
        stop_next(s);
}

static void give_up(struct supervisor *s, const struct part *part, const char *why)
{
        tell(s, "failed %s %s", part->spec->name, why);
        s->failed = true;
        stop_all(s);
}

static void back_off(struct supervisor *s, struct part *part)
{
        int64_t now = time_mono_ns(), pause = BACKOFF_FIRST_NS;

        if (now - part->started_ns >= STEADY_NS)
                part->failures = 0;
        for (int i = 0; i < part->failures && pause < BACKOFF_MOST_NS; i++)
                pause *= 2;
        pause = MIN_OF(pause, BACKOFF_MOST_NS);
        part->failures++;
        tell(s, "died %s %s; runs again in %.1f s", part->spec->name, part->last_exit,
             (double)pause / (double)NS_PER_S);
        set_state(s, part, PART_BACKOFF, now + pause);
}

static void became_ready(struct supervisor *s, struct part *part);

static void start_part(struct supervisor *s, struct part *part)
{
        size_t index = (size_t)(part - s->parts.ptr);

        tell(s, "starting %s", part->spec->name);
        if (!part_spawn(part, s->spec, s->notify_path) ||
            !watch(s, part->out, EPOLLIN, SRC_OUTPUT, index)) {
                snprintf(part->last_exit, sizeof(part->last_exit), "%s", strerror(errno));
                if (s->state == STACK_STARTING)
                        give_up(s, part, part->last_exit);
                else
                        back_off(s, part);
                return;
        }
        set_state(s, part, PART_STARTING, part->started_ns + part->spec->start_seconds * NS_PER_S);
        if (part->spec->ready == READY_AT_ONCE) {
                became_ready(s, part);
        } else if (part->spec->ready == READY_HTTP) {
                part->probe_pause_ns = PROBE_FIRST_NS;
                part->probe_ns = part->started_ns + PROBE_FIRST_NS;
        }
}

static bool may_start(const struct supervisor *s, const struct part *part)
{
        LIST_EACH (index, &part->spec->after) {
                if (!is_over(&s->parts.ptr[*index]))
                        return false;
        }
        return true;
}

/* Starts every part whose turn it is, and says so once all are ready. */
static void advance(struct supervisor *s)
{
        bool all = true;

        if (s->state != STACK_STARTING)
                return;
        LIST_EACH (part, &s->parts) {
                if (part->state == PART_WAITING && s->state == STACK_STARTING && may_start(s, part))
                        start_part(s, part);
                all = all && is_over(part);
        }
        if (all && s->state == STACK_STARTING) {
                s->state = STACK_UP;
                s->dirty = true;
                tell(s, "up");
        }
}

static void became_ready(struct supervisor *s, struct part *part)
{
        if (part->state != PART_STARTING)
                return;
        probe_close(&part->probe);
        part->probe_ns = 0;
        set_state(s, part, PART_READY, 0);
        tell(s, "ready %s %.2f", part->spec->name,
             (double)(time_mono_ns() - part->started_ns) / (double)NS_PER_S);
        advance(s);
}

static void close_output(struct supervisor *s, struct part *part)
{
        if (part->out < 0)
                return;
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, part->out, NULL);
        close(part->out);
        part->out = -1;
}

static void part_ended(struct supervisor *s, struct part *part, int status)
{
        if (part->out >= 0)
                part_drain(part);
        close_output(s, part);
        probe_close(&part->probe);
        part->probe_ns = 0;
        if (s->state == STACK_STOPPING) {
                tell(s, "stopped %s %s", part->spec->name, part->last_exit);
                set_state(s, part, PART_STOPPED, 0);
                stop_next(s);
                return;
        }
        if (part->spec->ready == READY_EXIT && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                set_state(s, part, PART_DONE, 0);
                tell(s, "ready %s %.2f", part->spec->name,
                     (double)(time_mono_ns() - part->started_ns) / (double)NS_PER_S);
                advance(s);
        } else if (s->state == STACK_STARTING && part->state == PART_STARTING) {
                set_state(s, part, PART_STOPPED, 0);
                give_up(s, part, part->last_exit);
        } else {
                back_off(s, part);
        }
}

/* Children are reaped by id, and then whatever orphan was handed to us as their subreaper. */
static void reap(struct supervisor *s)
{
        int status;

        LIST_EACH (part, &s->parts) {
                if (part_reap(part, &status))
                        part_ended(s, part, status);
        }
        for (;;) {
                siginfo_t info = {0};

                if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
                        return;
                LIST_EACH (part, &s->parts) {
                        if (part->pid == info.si_pid)
                                return; /* ended just now: another SIGCHLD is waiting for it */
                }
                waitpid(info.si_pid, NULL, WNOHANG);
        }
}

static void on_signal(struct supervisor *s)
{
        struct signalfd_siginfo info;

        while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                if (info.ssi_signo == SIGCHLD)
                        reap(s);
                else
                        stop_all(s);
        }
}

static void on_notify(struct supervisor *s)
{
        char data[1024], control[CMSG_SPACE(sizeof(struct ucred))];

        for (;;) {
                struct iovec iov = {.iov_base = data, .iov_len = sizeof(data) - 1};
                struct msghdr message = {.msg_iov = &iov,
                                         .msg_iovlen = 1,
                                         .msg_control = control,
                                         .msg_controllen = sizeof(control)};
                ssize_t n = recvmsg(s->notify, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
                struct ucred who = {0};

                if (n < 0)
                        return;
                data[n] = '\0';
                for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
                        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
                                memcpy(&who, CMSG_DATA(c), sizeof(who));
                }
                if (strncmp(data, "READY=1", 7) != 0 && !strstr(data, "\nREADY=1"))
                        continue;
                LIST_EACH (part, &s->parts) {
                        if (part->pid > 0 && part->pid == who.pid &&
                            part->spec->ready == READY_NOTIFY)
                                became_ready(s, part);
                }
        }
}

static void probe_outcome(struct supervisor *s, struct part *part, enum probe_result result)
{
        if (result == PROBE_PENDING) {
                if (watch(s, part->probe.fd, probe_events(&part->probe), SRC_PROBE,
                          (size_t)(part - s->parts.ptr)))
                        return;
                result = PROBE_NOT_READY;
        }
        probe_close(&part->probe);
        if (result == PROBE_READY) {
                became_ready(s, part);
                return;
        }
        part->probe_ns = time_mono_ns() + part->probe_pause_ns;
        part->probe_pause_ns = MIN_OF(part->probe_pause_ns * 2, PROBE_MOST_NS);
}

static void on_deadline(struct supervisor *s, struct part *part)
{
        part->wake_ns = 0;
        if (part->state == PART_BACKOFF) {
                part->restarts++;
                start_part(s, part);
        } else if (part->state == PART_STOPPING) {
                tell(s, "killing %s: it did not end within %d s", part->spec->name,
                     part->spec->stop_seconds);
                part_signal(part, SIGKILL);
        } else if (part->state == PART_STARTING) {
                char why[80];

                snprintf(why, sizeof(why), "not ready within %d s", part->spec->start_seconds);
                if (s->state == STACK_STARTING) {
                        give_up(s, part, why);
                } else {
                        tell(s, "killing %s: %s", part->spec->name, why);
                        part_signal(part, SIGKILL);
                }
        }
}

static void on_timer(struct supervisor *s)
{
        uint64_t count;
        int64_t now = time_mono_ns();

        (void)!read(s->timer, &count, sizeof(count));
        LIST_EACH (part, &s->parts) {
                if (part->wake_ns && part->wake_ns <= now)
                        on_deadline(s, part);
                if (part->probe_ns && part->probe_ns <= now) {
                        part->probe_ns = 0;
                        probe_outcome(s, part, probe_start(&part->probe, part->spec));
                }
        }
}

static void arm_timer(struct supervisor *s)
{
        struct itimerspec at = {0};
        int64_t next = 0;

        LIST_EACH (part, &s->parts) {
                if (part->wake_ns && (!next || part->wake_ns < next))
                        next = part->wake_ns;
                if (part->probe_ns && (!next || part->probe_ns < next))
                        next = part->probe_ns;
        }
        at.it_value.tv_sec = next / NS_PER_S;
        at.it_value.tv_nsec = next % NS_PER_S;
        timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void on_event(struct supervisor *s, uint64_t what)
{
        size_t index = (size_t)(what >> 8);
        struct part *part = index < s->parts.len ? &s->parts.ptr[index] : NULL;

        switch ((enum source)(what & 0xff)) {
        case SRC_SIGNAL: on_signal(s); break;
        case SRC_TIMER: on_timer(s); break;
        case SRC_NOTIFY: on_notify(s); break;
        case SRC_OUTPUT:
                if (part && part->out >= 0 && !part_drain(part))
                        close_output(s, part);
                break;
        case SRC_PROBE:
                if (part && part->probe.open)
                        probe_outcome(s, part, probe_advance(&part->probe, part->spec));
                break;
        }
}

static bool all_ended(const struct supervisor *s)
{
        LIST_EACH (part, &s->parts) {
                if (part->pid > 0)
                        return false;
        }
        return true;
}

static void loop(struct supervisor *s)
{
        while (s->state != STACK_STOPPING || !all_ended(s)) {
                struct epoll_event events[16];

                if (s->dirty)
                        write_status(s);
                arm_timer(s);
                int n = epoll_wait(s->epoll, events, (int)ELEMENTS(events), -1);

                for (int i = 0; i < n; i++)
                        on_event(s, events[i].data.u64);
        }
}

/* Takes the lock; on failure says who holds it. The descriptor stays open until the process ends.
 */
static bool take_lock(struct supervisor *s)
{
        char holder[32] = "";
        int fd = open(s->spec->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

        if (fd < 0) {
                dprintf(STDOUT_FILENO, "failed lock %s: %s\n", s->spec->lock_path, strerror(errno));
                return false;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                (void)!pread(fd, holder, sizeof(holder) - 1, 0);
                holder[strcspn(holder, "\n")] = '\0';
                dprintf(STDOUT_FILENO, "locked %s\n", holder);
                close(fd);
                return false;
        }
        return ftruncate(fd, 0) == 0 && dprintf(fd, "%d\n", (int)getpid()) > 0;
}

static bool open_notify(struct supervisor *s)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int yes = 1;

        s->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int len = snprintf(s->notify_path, sizeof(s->notify_path), "@millrace-supervise-%d",
                           (int)getpid());

        memcpy(address.sun_path + 1, s->notify_path + 1, (size_t)len - 1);
        return s->notify >= 0 &&
               setsockopt(s->notify, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) == 0 &&
               bind(s->notify, (struct sockaddr *)&address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)) == 0;
}

static bool open_descriptors(struct supervisor *s)
{
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        s->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
        s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        return s->epoll >= 0 && s->signals >= 0 && s->timer >= 0 && open_notify(s) &&
               watch(s, s->signals, EPOLLIN, SRC_SIGNAL, 0) &&
               watch(s, s->timer, EPOLLIN, SRC_TIMER, 0) &&
               watch(s, s->notify, EPOLLIN, SRC_NOTIFY, 0);
}

static bool open_logs(struct supervisor *s)
{
        char *path = arena_printf(s->ctx->arena, "%s/supervise.log", s->spec->log_dir);

        if (!plog_open(&s->log, path, s->spec->log_bytes, s->spec->log_keep))
                return false;
        LIST_EACH (spec, &s->spec->parts) {
                struct part *part = LIST_ADD(s->ctx->arena, &s->parts);

                part->spec = spec;
                part->out = -1;
                path = arena_printf(s->ctx->arena, "%s/%s.log", s->spec->log_dir, spec->name);
                if (!plog_open(&part->log, path, s->spec->log_bytes, s->spec->log_keep))
                        return false;
        }
        return true;
}

int supervise(struct ctx *ctx, const struct spec *spec)
{
        struct supervisor s = {.ctx = ctx, .spec = spec, .started_us = time_wall_us()};

        s.status_next = arena_printf(ctx->arena, "%s.new", spec->status_path);
        if (!take_lock(&s))
                return EXIT_LOCKED;
        if (!open_logs(&s) || !open_descriptors(&s)) {
                dprintf(STDOUT_FILENO, "failed supervisor %s\n", strerror(errno));
                return EXIT_FAILED;
        }
        advance(&s);
        loop(&s);
        tell(&s, "down");
        (void)unlink(spec->status_path);
        LIST_EACH (part, &s.parts)
                plog_close(&part->log);
        plog_close(&s.log);
        close(s.notify);
        close(s.timer);
        close(s.signals);
        close(s.epoll);
        return s.failed ? EXIT_FAILED : EXIT_STOPPED;
}
