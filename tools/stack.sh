# shellcheck shell=bash
# The running stack: where its state lies, who it runs as, its private cluster, its secrets, and the specification that
# the supervisor gets. Sourced by run after tools/lib.sh.

PG_BIN=/usr/lib/postgresql/15/bin
SERVICE_USER=millrace

# as_service CMD...: runs CMD as the user that the stack runs as.
as_service()
{
        if [ "$(id -u)" -ne 0 ]; then
                "$@"
        else
                setpriv --reuid "$SERVICE_USER" --regid "$SERVICE_USER" --clear-groups --inh-caps=-all -- \
                        env HOME="$STATE_DIR" "$@"
        fi
}

# short_hash TEXT: eight digits that tell checkouts or states apart.
short_hash() { printf '%s' "$1" | sha256sum | cut -c 1-8; }

# choose_state: STATE_DIR, RUN_DIR and STAGED. As root the service user must be able to reach the state and the built
# files; below a closed folder such as /root it can't, and then both go to /var/lib/millrace.
choose_state()
{
        [ -z "${RUN_DIR:-}" ] || return 0
        STAGED=''
        if [ "$(id -u)" -eq 0 ]; then
                if ! id "$SERVICE_USER" >/dev/null 2>&1; then
                        say "Making the system user $SERVICE_USER: PostgreSQL refuses to run as root"
                        useradd --system --user-group --home-dir /nonexistent --no-create-home \
                                --shell /usr/sbin/nologin "$SERVICE_USER" ||
                                fail "useradd $SERVICE_USER" "Make that system user by hand, or run as a normal user."
                fi
                mkdir -p "$STATE_DIR"
                if ! as_service test -x "$ROOT" -a -x "$STATE_DIR"; then
                        [ -z "${MILLRACE_STATE_DIR:-}" ] || as_service test -x "$STATE_DIR" ||
                                fail "the user $SERVICE_USER cannot reach $STATE_DIR" \
                                        "Set MILLRACE_STATE_DIR to a folder below one that everybody may enter."
                        STAGED=1
                        if [ -z "${MILLRACE_STATE_DIR:-}" ]; then
                                STATE_DIR=/var/lib/millrace/$(short_hash "$ROOT")
                                note "the user $SERVICE_USER cannot reach $ROOT: the state lies in $STATE_DIR"
                        fi
                fi
        fi
        RUN_DIR=$STATE_DIR/run
        # A unix socket's path has room for 107 bytes.
        if [ "$(printf '%s/.s.PGSQL.5432.lock' "$RUN_DIR" | wc -c)" -gt 107 ]; then
                RUN_DIR=/tmp/millrace-$(id -u)-$(short_hash "$STATE_DIR")
                note "the path of $STATE_DIR is too long for unix sockets: they lie in $RUN_DIR"
        fi
}

# make_state: the folders, owned by the service user, closed to others.
make_state()
{
        local dir
        mkdir -p "$STATE_DIR" || fail "cannot make $STATE_DIR" "Set MILLRACE_STATE_DIR to a folder that you can write."
        for dir in "$RUN_DIR" "$STATE_DIR/log" "$STATE_DIR/secrets" "$STATE_DIR/redis" \
                "$STATE_DIR/spool" "$STATE_DIR/imports"; do
                if ! mkdir -p "$dir" || ! chmod 700 "$dir"; then
                        fail "cannot make $dir: it belongs to $(stat -c %U "$STATE_DIR")" \
                                "Run as that user, or set MILLRACE_STATE_DIR to another folder."
                fi
                [ "$(id -u)" -ne 0 ] || chown "$SERVICE_USER:$SERVICE_USER" "$dir"
        done
        [ -O "$RUN_DIR" ] || [ "$(id -u)" -eq 0 ] ||
                fail "$RUN_DIR belongs to $(stat -c %U "$RUN_DIR")" "Run as that user, or remove the folder."
        # So that bin/millrace, which looks below the checkout, finds a state that lies elsewhere.
        if [ -n "$STAGED" ] && [ "$STATE_DIR" != "$ROOT/var" ]; then
                for dir in run log secrets; do ln -sfn "$STATE_DIR/$dir" "$ROOT/var/$dir"; done
        fi
}

# stage: PROGRAMS and WEB_DIR, copied beside the state when the service user can't reach the checkout.
stage()
{
        PROGRAMS=$BIN_DIR WEB_DIR=${MILLRACE_WEB_DIR:-$ROOT/packages/web/dist}
        [ -n "$STAGED" ] || return 0
        local path
        mkdir -p "$STATE_DIR/stage/bin"
        for path in "$BIN_DIR"/*; do
                cmp -s "$path" "$STATE_DIR/stage/bin/${path##*/}" ||
                        install -m 755 "$path" "$STATE_DIR/stage/bin/${path##*/}"
        done
        PROGRAMS=$STATE_DIR/stage/bin
        if [ -d "$WEB_DIR" ]; then
                rm -rf "$STATE_DIR/stage/web"
                cp -R "$WEB_DIR" "$STATE_DIR/stage/web"
                chmod -R a+rX "$STATE_DIR/stage/web"
                WEB_DIR=$STATE_DIR/stage/web
        fi
}

# secret FILE: the hex key in secrets/FILE, made when it is missing.
secret()
{
        local file=$STATE_DIR/secrets/$1
        if [ ! -s "$file" ]; then
                (umask 077; head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$file.new") && mv "$file.new" "$file"
                [ "$(id -u)" -ne 0 ] || chown "$SERVICE_USER:$SERVICE_USER" "$file"
        fi
        cat "$file"
}

# ensure_cluster: a private PostgreSQL 15 cluster with an empty database `millrace`, made once.
ensure_cluster()
{
        local data=$STATE_DIR/pg log=$STATE_DIR/log/initdb.log
        if [ -f "$data/PG_VERSION" ]; then
                [ "$(cat "$data/PG_VERSION")" = 15 ] ||
                        fail "$data is a PostgreSQL $(cat "$data/PG_VERSION") cluster" "Millrace runs PostgreSQL 15."
                return 0
        fi
        say "Making the private PostgreSQL cluster in $data"
        rm -rf "$data.new"
        mkdir -m 700 "$data.new"
        [ "$(id -u)" -ne 0 ] || chown "$SERVICE_USER:$SERVICE_USER" "$data.new"
        (cd / && logged "$log" as_service "$PG_BIN/initdb" -D "$data.new" -U millrace -A trust -E UTF8 \
                --locale=C.UTF-8 --no-instructions) ||
                fail "initdb (log: $log)" "Is the disk full? df -h $STATE_DIR"
        (cd / && echo 'CREATE DATABASE millrace' |
                as_service "$PG_BIN/postgres" --single -D "$data.new" postgres >>"$log" 2>&1) ||
                fail "making the database (log: $log)" "Is the disk full? df -h $STATE_DIR"
        mv "$data.new" "$data"
}

# settings: exports what the programs are to know; what the user set stays.
settings()
{
        PORT=${MILLRACE_PORT:-3000} SANDBOX_PORT=${MILLRACE_SANDBOX_PORT:-3900}
        [[ $PORT =~ ^[0-9]+$ && $PORT -ge 1 && $PORT -le 65535 ]] ||
                fail "MILLRACE_PORT is not a port: $PORT" "Set it to a number from 1 to 65535."
        [[ $SANDBOX_PORT =~ ^[0-9]+$ && $SANDBOX_PORT -le 65535 ]] ||
                fail "MILLRACE_SANDBOX_PORT is not a port: $SANDBOX_PORT" "Set it to a number up to 65535; 0 turns the sandbox off."
        OWN_DATABASE='' OWN_REDIS=''
        if [ -z "${MILLRACE_DATABASE_URL:-}" ]; then
                OWN_DATABASE=1
                MILLRACE_DATABASE_URL="postgresql:///millrace?host=$RUN_DIR&user=millrace"
        fi
        if [ -z "${MILLRACE_REDIS_URL:-}" ]; then
                OWN_REDIS=1
                MILLRACE_REDIS_URL="unix://$RUN_DIR/redis.sock"
        fi
        BIND=${MILLRACE_BIND:-127.0.0.1}
        MILLRACE_URL=${MILLRACE_URL:-http://localhost:$PORT}
        if [ "$SANDBOX_PORT" -ne 0 ] && [ -z "${MILLRACE_SANDBOX_URL:-}" ]; then
                MILLRACE_SANDBOX_URL=http://127.0.0.1:$SANDBOX_PORT
        fi
        export MILLRACE_DATABASE_URL MILLRACE_REDIS_URL MILLRACE_URL MILLRACE_SANDBOX_URL=${MILLRACE_SANDBOX_URL:-}
        export MILLRACE_STATE_DIR=$STATE_DIR MILLRACE_PORT=$PORT MILLRACE_SANDBOX_PORT=$SANDBOX_PORT MILLRACE_BIND=$BIND
}

# keys: the two secrets, made at the first start.
keys()
{
        if [ -z "${MILLRACE_MASTER_KEY:-}" ]; then MILLRACE_MASTER_KEY=$(secret master.key); fi
        if [ -z "${MILLRACE_SERVICE_KEY:-}" ]; then MILLRACE_SERVICE_KEY=$(secret service.key); fi
        if [ -z "$MILLRACE_MASTER_KEY" ] || [ -z "$MILLRACE_SERVICE_KEY" ]; then
                fail "the keys in $STATE_DIR/secrets cannot be read or made" "Run as the user that owns them."
        fi
        export MILLRACE_MASTER_KEY MILLRACE_SERVICE_KEY
}

# check_port PORT SETTING: fails when another program listens there.
check_port()
{
        local found holder
        found=$(ss -Hltnp "sport = :$1" 2>/dev/null) || return 0
        [ -n "$found" ] || return 0
        holder=$(sed -n 's/.*users:((\(.*\))).*/\1/p' <<<"$found" | head -n 1)
        fail "port $1 is taken${holder:+ by $holder}" \
                "Stop that program, or set $2 to another port (in the environment or in $ROOT/.env)."
}

# memory_mb: the machine's memory.
memory_mb() { awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo; }

spec_postgres()
{
        local total shared setting
        total=$(memory_mb)
        shared=$((total / 8))
        [ "$shared" -ge 64 ] || shared=64
        [ "$shared" -le 1024 ] || shared=1024
        printf 'part postgres\nexec %s/postgres\narg -D\narg %s\n' "$PG_BIN" "$STATE_DIR/pg"
        for setting in "listen_addresses=" "unix_socket_directories=$RUN_DIR" "unix_socket_permissions=0700" \
                "max_connections=100" "shared_buffers=${shared}MB" "effective_cache_size=$((total / 2))MB" \
                "maintenance_work_mem=128MB" "work_mem=16MB" "max_wal_size=2GB" "wal_compression=on" \
                "random_page_cost=1.1" "jit=off" "fsync=on" "log_line_prefix=%m [%p] " "log_min_duration_statement=1000"; do
                printf 'arg -c\narg %s\n' "$setting"
        done
        printf 'ready notify\nstart-seconds 120\nstop INT 60\ndeath INT\n'
}

spec_redis()
{
        local arg
        printf 'part redis\nexec %s\n' "$(command -v redis-server)"
        for arg in --port 0 --unixsocket "$RUN_DIR/redis.sock" --unixsocketperm 700 --supervised systemd \
                --daemonize no --dir "$STATE_DIR/redis" --save '' --appendonly no \
                --maxmemory 128mb --maxmemory-policy allkeys-lru; do
                printf 'arg %s\n' "$arg"
        done
        printf 'ready notify\nstop TERM 15\ndeath TERM\n'
}

# write_spec: RUN_DIR/spec, what the supervisor runs.
write_spec()
{
        local probe=$BIND needs=migrate
        case $probe in 0.0.0.0 | ::) probe=127.0.0.1 ;; esac
        {
                printf 'lock %s/supervise.lock\nstatus %s/status\nlog-dir %s/log\n' "$RUN_DIR" "$RUN_DIR" "$STATE_DIR"
                printf 'env MILLRACE_WEB_DIR=%s\n' "$WEB_DIR"
                if [ -n "$OWN_DATABASE" ]; then spec_postgres; fi
                if [ -n "$OWN_REDIS" ]; then spec_redis && needs+=' redis'; fi
                if [ "$SANDBOX_PORT" -ne 0 ]; then
                        printf 'part sandbox\nexec %s/millrace-sandbox\n' "$PROGRAMS"
                        printf 'ready http 127.0.0.1 %s /_sandbox/health\nstop TERM 10\n' "$SANDBOX_PORT"
                fi
                printf 'part migrate\nexec %s/millrace\narg migrate\narg up\nready exit\nstart-seconds 600\n' "$PROGRAMS"
                [ -z "$OWN_DATABASE" ] || echo 'after postgres'
                printf 'part millraced\nexec %s/millraced\nafter %s\n' "$PROGRAMS" "$needs"
                printf 'ready http %s %s /api/v1/readiness\nstop TERM 30\n' "$probe" "$PORT"
        } >"$RUN_DIR/spec"
}

# running_pid: the supervisor's process id while it runs; fails otherwise.
running_pid()
{
        local lock=${RUN_DIR:-/nonexistent}/supervise.lock
        [ -f "$lock" ] || return 1
        ! flock -n "$lock" true 2>/dev/null || return 1
        cat "$lock"
}
