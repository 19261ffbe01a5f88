# Names, ports and paths of the testbed; sourced by its scripts, never run.
# shellcheck shell=bash disable=SC2034
#
# alpha  the Slurm that this distribution packages, in the host's own root file system
# beta   Slurm 24.11 of Debian 13, in a chroot
# gamma  Slurm 26.05 of Debian's unstable suite, in a chroot

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=${SLURMFLEET_TESTBED_ROOT:-/tmp/slurmfleet-testbed}
TRIXIE=${SLURMFLEET_TESTBED_TRIXIE:-/var/lib/slurmfleet-testbed/trixie}
SID=${SLURMFLEET_TESTBED_SID:-/var/lib/slurmfleet-testbed/sid}
PORTS=${SLURMFLEET_TESTBED_PORTS:-0}     # added to every port, for a second testbed beside the first
DB_PORT=$((6316 + PORTS))
ALL_CLUSTERS="alpha beta gamma"
export LC_ALL=C.UTF-8

# name:uid; the clusters see these users in private copies of /etc/passwd, the host never does
USERS="alice:2001 bob:2002 carol:2003 dave:2004 opal:2005"

die() { echo "testbed: $*" >&2; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "needs root"; }

cluster_settings() {     # cluster_settings NAME: sets the C_* variables
    C_NAME=$1
    C_DIR=$ROOT/$1
    C_LOGIN=$1-login
    # A mount of this source stands in each process's mount table: how down.sh knows our processes.
    C_MARK=slurmfleet-testbed:$C_DIR
    C_USERS=$USERS C_DOORS= C_TRES=
    case $1 in
    alpha)
        C_CHROOT=/ C_SSH_PORT=2301 C_CTLD_PORT=6317 C_DBD_PORT=6319 C_MIN_JOB_AGE_S=300
        C_NODES="hgx01:127.0.3.1:6321 hgx02:127.0.3.2:6322 hgx03:127.0.3.3:6323 hgx04:127.0.3.4:6324
                 std01:127.0.3.5:6325 std02:127.0.3.6:6326"
        C_PARTITIONS="batch interactive cpu scavenge" C_GPU_PARTITION=batch C_CPU_PARTITION=cpu
        C_GPU_TYPE=h100 C_GPUS_PER_NODE=8 C_GPU_NODES="hgx01 hgx02 hgx03 hgx04"
        C_ACCOUNTS="alice:ml,physics bob:physics carol:bio dave:ml opal:" ;;
    beta)
        C_CHROOT=$TRIXIE C_SSH_PORT=2302 C_CTLD_PORT=6417 C_DBD_PORT=6419 C_MIN_JOB_AGE_S=5
        C_NODES="dgx001:127.0.4.1:6421 dgx002:127.0.4.2:6422 dgx003:127.0.4.3:6423
                 std101:127.0.4.4:6424 std102:127.0.4.5:6425"
        C_PARTITIONS="gpu debug cpu" C_GPU_PARTITION=gpu C_CPU_PARTITION=cpu
        C_GPU_TYPE=a100 C_GPUS_PER_NODE=4 C_GPU_NODES="dgx001 dgx002 dgx003"
        C_ACCOUNTS="alice:proj1 bob:proj2 carol:proj2 dave:proj1 opal:" ;;
    gamma)
        C_CHROOT=$SID C_SSH_PORT=2303 C_CTLD_PORT=6517 C_DBD_PORT=6519 C_MIN_JOB_AGE_S=60
        C_NODES="sxm01:127.0.5.1:6521 sxm02:127.0.5.2:6522 sxm03:127.0.5.3:6523 mig01:127.0.5.4:6524
                 mix01:127.0.5.5:6525 std201:127.0.5.6:6526 std202:127.0.5.7:6527"
        C_PARTITIONS="main mig lab cpu idle" C_GPU_PARTITION=main C_CPU_PARTITION=cpu
        C_GPU_TYPE=a100-sxm4-80gb C_GPUS_PER_NODE=4 C_GPU_NODES="sxm01 sxm02 sxm03 mig01 mix01"
        # no l40s, which mix01 has: accounting knows such GPUs only as gres/gpu
        C_TRES=,gres/gpu:1g.10gb,gres/gpu:3g.40gb
        C_USERS="$USERS erin:2006 frank:2007 grace:2008 heidi:2009"
        C_DOORS="strict:2304 busy:2305 jump:2306"
        C_ACCOUNTS="alice:vision,language bob:vision carol:language dave:vision opal:
                    erin:vision frank:vision grace:vision heidi:vision" ;;
    *) die "unknown cluster $1 (there are: $ALL_CLUSTERS)" ;;
    esac
    C_SSH_PORT=$((C_SSH_PORT + PORTS)) C_CTLD_PORT=$((C_CTLD_PORT + PORTS)) C_DBD_PORT=$((C_DBD_PORT + PORTS))
    C_TRES=gres/gpu,gres/gpu:$C_GPU_TYPE$C_TRES
    # OpenSSH 9.8 and later shut out an address after failed logins; on loopback that is every client
    C_SSHD_EXTRA= ; [ "$C_CHROOT" = / ] || C_SSHD_EXTRA="PerSourcePenalties ${SLURMFLEET_TESTBED_SSH_PENALTIES:-no}"
    C_MIN_JOB_AGE_S=${SLURMFLEET_TESTBED_MIN_JOB_AGE_S:-$C_MIN_JOB_AGE_S}
}
shell_of() {             # shell_of USER: the login shell
    case $1 in erin) echo /bin/csh ;; grace) echo /usr/sbin/nologin ;; *) echo /bin/bash ;; esac
}
door_port() {            # door_port DOOR: where this further sshd of the cluster listens
    local door; for door in $C_DOORS; do [ "${door%:*}" != "$1" ] || echo $((${door#*:} + PORTS)); done
}
installed() { [ -x "$C_CHROOT/usr/sbin/slurmctld" ]; }
is_up() { [ -e "$ROOT/pids/$1" ] && alive "$(cat "$ROOT/pids/$1")"; }         # is_up DAEMON

until_ok() {             # until_ok SECONDS COMMAND...: ask ten times a second
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "still not so: $*"
        sleep 0.1
    done
}

alive() {                # alive PID: running, and not a zombie
    case $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) in '' | Z | X) return 1 ;; esac
}
