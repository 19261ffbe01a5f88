#!/bin/bash
# Looks after single daemons of the running testbed, also to make outages on purpose.
#   ctl.sh list | start NAME | stop NAME | kill NAME | pause NAME | continue NAME
# NAME as listed, e.g. alpha-slurmctld, alpha-slurmdbd, alpha-slurmd-hgx02, beta-sshd, mariadbd
. "$(dirname "$0")/settings.sh"
need_root
usage() { sed -n '2,4p' "$0" | cut -c3-; exit 2; }
pid_of() { cat "$ROOT/pids/$1" 2>/dev/null || die "no daemon $1; see ctl.sh list"; }
running() { local pid; pid=$(pid_of "$1"); alive "$pid" || die "$1 is down"; echo "$pid"; }

verb=${1:-} name=${2:-}
[ "$verb" = list ] || [ -n "$name" ] || usage
case $verb in
list)
    for file in "$ROOT"/pids/*; do
        [ -e "$file" ] || continue
        pid=$(cat "$file"); state=down; ! alive "$pid" || state=up
        grep -qs '^State:.T' "/proc/$pid/status" && state=paused
        printf '%-24s %7s %s\n' "${file##*/}" "$pid" "$state"
    done ;;
start)
    [ -x "$ROOT/cmds/$name" ] || die "no daemon $name; see ctl.sh list"
    if [ -e "$ROOT/pids/$name" ] && alive "$(cat "$ROOT/pids/$name")"; then exit 0; fi
    setsid "$ROOT/cmds/$name" >/dev/null 2>&1 </dev/null &
    echo $! > "$ROOT/pids/$name" ;;
stop)      # waits until it is gone; a daemon that ignores TERM for 10 s is killed
    pid=$(running "$name"); kill "$pid"
    for _ in {1..100}; do alive "$pid" || exit 0; sleep 0.1; done
    kill -KILL "$pid" ;;
kill)      kill -KILL "$(running "$name")" ;;
pause)     kill -STOP "$(running "$name")" ;;
continue)  kill -CONT "$(running "$name")" ;;
*)         usage ;;
esac
