#!/bin/bash
# Runs PostgreSQL 17 with TimescaleDB (apache edition) from the Debian 13 root, on loopback, with throw-away data.
#   timescale.sh up      prints a DSN (empty data each time)
#   timescale.sh down    stops it, removes the data
# SLURMFLEET_TESTBED_TIMESCALE_PORT (7454) moves it. Anyone on this machine may log in: trust, 127.0.0.1 only.
. "$(dirname "$0")/settings.sh"
need_root
PORT=${SLURMFLEET_TESTBED_TIMESCALE_PORT:-7454}
DIR=$ROOT-timescale-$PORT
BIN=/usr/lib/postgresql/17/bin

ours() { alive "$1" && grep -qsF "$DIR" "/proc/$1/cmdline"; }
down() {
    local pid; pid=$(cat "$DIR/pid" 2>/dev/null || true)
    if [ -n "$pid" ] && ours "$pid"; then
        kill -INT "$pid"                              # fast shutdown: sessions are cut
        for _ in {1..80}; do ours "$pid" || break; sleep 0.1; done
        ! ours "$pid" || kill -QUIT "$pid"
    fi
    rm -rf --one-file-system "$DIR"
}
# in_trixie COMMAND...: becomes it, as user postgres in the root, in a mount namespace that ends with it.
# shellcheck disable=SC2016
in_trixie() {
    exec unshare --mount --propagation private setsid bash -euc '
        base=$1 dir=$2; shift 2
        for m in proc dev; do mount --rbind "/$m" "$base/$m"; done
        mkdir -p "$base$dir"; mount --bind "$dir" "$base$dir"
        exec chroot --userspec=postgres:postgres "$base" "$@"' bash "$TRIXIE" "$DIR" "$@"
}
up() {
    [ -x "$TRIXIE$BIN/postgres" ] || die "no PostgreSQL in $TRIXIE: run install.sh first"
    down
    mkdir -p "$DIR/data"
    local owner; owner=$(grep '^postgres:' "$TRIXIE/etc/passwd" | cut -d: -f3,4)
    chown "$owner" "$DIR/data"; chmod 700 "$DIR/data"
    (in_trixie "$BIN/initdb" -D "$DIR/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 --no-sync) > "$DIR/initdb.log" 2>&1 ||
        { cat "$DIR/initdb.log" >&2; die "initdb failed"; }
    cat >> "$DIR/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = ''
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timezone = 'UTC'
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
    echo "host all all 127.0.0.1/32 trust" > "$DIR/data/pg_hba.conf"
    (in_trixie "$BIN/postgres" -D "$DIR/data") > "$DIR/log" 2>&1 </dev/null &
    echo $! > "$DIR/pid"
    (until_ok 20 grep -q 'ready to accept connections' "$DIR/log") || { cat "$DIR/log" >&2; down; exit 1; }
    echo "postgresql://postgres@127.0.0.1:$PORT/postgres"
}
case ${1:-} in up) up ;; down) down ;; *) sed -n '2,5p' "$0" | cut -c3-; exit 2 ;; esac
