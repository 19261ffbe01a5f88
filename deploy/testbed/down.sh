#!/bin/bash
# Stops the testbed: the pids that up.sh recorded and whatever runs inside the clusters' mount namespaces.
#   down.sh           stop, keep the files (logs) for a look
#   down.sh --purge   stop, remove all files
. "$(dirname "$0")/settings.sh"
need_root
P=$ROOT/pids

# A pid file may be stale and its number reused: only processes that carry our mark, or our path, are ours.
ours() {
    grep -qsF "slurmfleet-testbed:$ROOT/" "/proc/$1/mountinfo" || grep -qsF "$ROOT/" "/proc/$1/cmdline"
}
signal_all() {           # signal_all SIGNAL PID...
    local signal=$1 pid; shift
    for pid in "$@"; do ! ours "$pid" || kill "-$signal" "$pid" 2>/dev/null || true; done
}
end() {                  # end PID...: CONT and TERM, up to 8 s of patience, then KILL
    [ $# -gt 0 ] || return 0
    signal_all TERM "$@"; signal_all CONT "$@"
    local pid left; left=("$@")
    for _ in {1..80}; do
        local still=()
        for pid in "${left[@]}"; do if alive "$pid" && ours "$pid"; then still+=("$pid"); fi; done
        left=("${still[@]}")
        [ ${#left[@]} -gt 0 ] || return 0
        sleep 0.1
    done
    signal_all KILL "${left[@]}"
}
end_daemons() {          # end_daemons PIDFILE...: those that exist
    local file pids=()
    for file in "$@"; do [ ! -e "$file" ] || pids+=("$(cat "$file")"); done
    end "${pids[@]}"
    rm -f "$@"
}

end_daemons "$P"/*-sshd* "$P"/*-slurmd-* "$P"/*-slurmctld
end_daemons "$P"/*-slurmdbd
# What is left inside the namespaces: job steps, the jobs' own processes, login sessions.
for cluster in $ALL_CLUSTERS; do
    cluster_settings "$cluster"
    holder=$(cat "$P/$cluster-ns" 2>/dev/null || true)
    for file in $(grep -lsF " $C_MARK " /proc/[0-9]*/mountinfo); do
        pid=${file#/proc/}; pid=${pid%/mountinfo}
        [ "$pid" = "$holder" ] || [ "$pid" = "$(cat "$P/$cluster-munged" 2>/dev/null || true)" ] || kill -KILL "$pid" 2>/dev/null || true
    done
    for node in $C_NODES; do         # memory cgroups that task/cgroup made
        group=/sys/fs/cgroup/memory/slurm_${node%%:*}
        for _ in 1 2 3 4 5; do
            [ -d "$group" ] || break
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
        done
    done
done
end_daemons "$P"/*-munged "$P"/mariadbd
end_daemons "$P"/*-ns
rmdir "$P" 2>/dev/null || true
[ "${1:-}" != --purge ] || rm -rf --one-file-system "$ROOT"
echo "testbed: stopped"
