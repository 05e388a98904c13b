/* Starting, signalling and reaping one program: see part.h. */
#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *part_state_name(enum part_state state)
{
        static const char *const names[] = {
                [PART_WAITING] = "waiting", [PART_STARTING] = "starting",
                [PART_READY] = "ready",     [PART_DONE] = "done",
                [PART_BACKOFF] = "backoff", [PART_STOPPING] = "stopping",
                [PART_STOPPED] = "stopped",
        };
        return names[state];
}

/* In the child: becomes the program. Never returns. */
_noreturn_ static void become(const struct part *part, const struct spec *spec, const char *notify,
                              int out, pid_t supervisor)
{
        static const int defaults[] = {SIGPIPE, SIGINT, SIGQUIT, SIGHUP, SIGTERM};
        sigset_t none;
        int null = open("/dev/null", O_RDONLY);

        setsid();
        prctl(PR_SET_PDEATHSIG, part->spec->death_signal);
        if (getppid() != supervisor)
                _exit(127);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (size_t i = 0; i < ELEMENTS(defaults); i++)
                signal(defaults[i], SIG_DFL);
        if (null >= 0)
                dup2(null, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        LIST_EACH (pair, &spec->env)
                putenv(*pair);
        LIST_EACH (pair, &part->spec->env)
                putenv(*pair);
        if (part->spec->ready == READY_NOTIFY)
                setenv("NOTIFY_SOCKET", notify, 1);
        else
                unsetenv("NOTIFY_SOCKET");
        execve(part->spec->argv.ptr[0], part->spec->argv.ptr, environ);
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", part->spec->argv.ptr[0], strerror(errno));
        _exit(127);
}

bool part_spawn(struct part *part, const struct spec *spec, const char *notify)
{
        int out[2];
        pid_t supervisor = getpid();

        if (pipe2(out, O_CLOEXEC) < 0)
                return false;
        pid_t pid = fork();

        if (pid == 0)
                become(part, spec, notify, out[1], supervisor);
        close(out[1]);
        if (pid < 0) {
                close(out[0]);
                return false;
        }
        fcntl(out[0], F_SETFL, O_NONBLOCK);
        part->pid = pid;
        part->out = out[0];
        part->started_ns = time_mono_ns();
        return true;
}

void part_signal(const struct part *part, int number)
{
        if (part->pid <= 0)
                return;
        if (number != SIGKILL || kill(-part->pid, SIGKILL) < 0)
                kill(part->pid, number);
}

bool part_reap(struct part *part, int *ret_status)
{
        siginfo_t info = {0};
        int status;

        if (part->pid <= 0 ||
            waitid(P_PID, (id_t)part->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
                return false;
        kill(-part->pid, SIGKILL);
        if (waitpid(part->pid, &status, 0) < 0)
                return false;
        if (WIFSIGNALED(status))
                snprintf(part->last_exit, sizeof(part->last_exit), "signal %d (%s)",
                         WTERMSIG(status), strsignal(WTERMSIG(status)));
        else
                snprintf(part->last_exit, sizeof(part->last_exit), "status %d",
                         WEXITSTATUS(status));
        part->pid = 0;
        *ret_status = status;
        return true;
}

bool part_drain(struct part *part)
{
        char data[65536];

        for (;;) {
                ssize_t n = read(part->out, data, sizeof(data));

                if (n > 0) {
                        plog_write(&part->log, data, (size_t)n);
                        if ((size_t)n < sizeof(data))
                                return true;
                        continue;
                }
                if (n < 0 && errno == EINTR)
                        continue;
                return n < 0 && errno == EAGAIN;
        }
}
