#!/bin/bash
# Brings up real Slurm clusters, each with a login node (sshd), on loopback. Fresh every time.
#   up.sh [CLUSTER...]         alpha, beta, gamma; default: all that are installed
#   up.sh --add CLUSTER...     leaves what runs alone and starts those that do not
# Ends with the path of an ssh_config; testbed.json beside it describes everything to programs.
. "$(dirname "$0")/settings.sh"
need_root
add=
[ "${1:-}" != --add ] || { add=1; shift; [ $# -gt 0 ] || die "--add needs names"; }
if [ $# = 0 ]; then
    for cluster in $ALL_CLUSTERS; do
        cluster_settings "$cluster"; ! installed || set -- "$@" "$cluster"
    done
    [ $# -gt 0 ] || die "no Slurm here: run install.sh first"
fi
for cluster in "$@"; do
    cluster_settings "$cluster"; installed || die "$cluster needs Slurm in $C_CHROOT: run install.sh first"
done
[ -z "$add" ] || is_up mariadbd || add=              # nothing runs to add to
umask 022
trap 'echo "testbed: up.sh failed in line $LINENO; logs are in $ROOT" >&2' ERR
set -E
started_ms=$(date +%s%3N)
say() { local ms=$(($(date +%s%3N) - started_ms)); printf '[%3d.%ds] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*"; }

[ -n "$add" ] || [ ! -e "$ROOT" ] || "$HERE/down.sh" --purge >/dev/null
mkdir -p "$ROOT"/{bin,cmds,dev/nvidia-caps,keys,mysql,pids}

daemon() {               # daemon NAME LOG COMMAND...: writes its start script, for ctl.sh too, and starts it
    local name=$1 log=$2; shift 2
    { printf '#!/bin/bash\nexport SLURM_CONF=%q\nexec' "${C_DIR:-$ROOT}/etc/slurm.conf"
      printf ' %q' "$@"; printf ' >>%q 2>&1 </dev/null\n' "$log"; } > "$ROOT/cmds/$name"
    chmod 755 "$ROOT/cmds/$name"
    "$HERE/ctl.sh" start "$name"
}
fill() {                 # fill TEMPLATE...: the templates with their @NAMES@ replaced
    local node name addr port nodes=()
    for node in ${C_NODES:-}; do
        IFS=: read -r name addr port <<< "$node"
        nodes+=(-e "s|@$name@|NodeName=$name NodeAddr=$addr NodeHostname=$name Port=$((port + PORTS))|")
    done
    cat "$@" | sed "${nodes[@]}" -e "s|@ROOT@|$ROOT|g" -e "s|@DIR@|${C_DIR:-}|g" -e "s|@NAME@|${C_NAME:-}|g" \
        -e "s|@SSH_PORT@|${ssh_port:-}|g" -e "s|@LOGIN_PORT@|${C_SSH_PORT:-}|g" -e "s|@DOOR@|${door:-}|g" \
        -e "s|@CTLD_PORT@|${C_CTLD_PORT:-}|g" -e "s|@DBD_PORT@|${C_DBD_PORT:-}|g" -e "s|@DB_PORT@|$DB_PORT|g" \
        -e "s|@TRES@|${C_TRES:-}|g" -e "s|@SSHD_EXTRA@|${C_SSHD_EXTRA:-}|g" -e "s|@SUBSYSTEM@|${subsystem:-}|g" \
        -e "s|@RATE_LIMIT@|${SLURMFLEET_TESTBED_RATE_LIMIT:+SlurmctldParameters=rl_enable}|g" \
        -e "s|@MIN_JOB_AGE_S@|${C_MIN_JOB_AGE_S:-}|g" -e "s|@TASK_PLUGIN@|${task_plugin:-}|g" \
        -e "s|@OVER_MEMORY@|${over_memory:-}|g" -e "s|@CONSTRAIN_RAM@|${constrain_ram:-}|g" \
        -e "s|@CGROUP_PLUGIN@|${cgroup_plugin:-}|g"
}
cluster_prefix() {       # sets prefix: runs a command in the cluster's mount namespace, and chroot if it has one
    prefix=(nsenter "--mount=/proc/$(cat "$ROOT/pids/$C_NAME-ns")/ns/mnt")
    [ "$C_CHROOT" = / ] || prefix+=(chroot "$C_CHROOT")
}
inside() { SLURM_CONF=$C_DIR/etc/slurm.conf "${prefix[@]}" "$@"; }
sql() { mariadb --socket="$ROOT/mysql/mysqld.sock" -uroot -e "$1"; }

place_tools() {          # dummy GPUs and fake tools
    local gpu
    for gpu in nvidia{0..7} nvidia-caps/nvidia-cap{1..9}; do
        [ -e "$ROOT/dev/$gpu" ] || mknod -m 666 "$ROOT/dev/$gpu" c 1 3     # each a /dev/null
    done
    install -m 755 "$HERE"/bin/* "$ROOT/bin/"
}
start_database() {
    fill "$HERE/conf/my.cnf.in" > "$ROOT/mysql/my.cnf"
    chown mysql "$ROOT/mysql"
    mariadb-install-db --no-defaults --force --user=mysql --datadir="$ROOT/mysql/data" --skip-test-db \
        --auth-root-authentication-method=socket > "$ROOT/mysql/install.log" 2>&1
    daemon mariadbd "$ROOT/mysql/out.log" mariadbd --defaults-file="$ROOT/mysql/my.cnf"
    until_ok 20 sql "select 1"
    sql "create user slurm@'127.0.0.1' identified by 'loopback-only'"
    say "database up"
}

# OUT_OF_MEMORY as a state needs the memory cgroup. Version 1 works without systemd; elsewhere slurmd only
# watches (OverMemoryKill) and such a job ends as FAILED 0:9.
cgroup_settings() {
    task_plugin=task/none over_memory=JobAcctGatherParams=OverMemoryKill constrain_ram=no cgroup_plugin=
    local version; version=$(inside /usr/sbin/slurmctld -V | grep -o '[0-9][0-9]*\.[0-9]*' | head -1)
    if mountpoint -q /sys/fs/cgroup/memory; then
        task_plugin=task/cgroup over_memory= constrain_ram=yes
        cgroup_plugin=CgroupPlugin=cgroup/v1
    elif [ "${version%.*}" -ge 23 ]; then
        cgroup_plugin=CgroupPlugin=disabled         # came with 23.11; 22.05 needs none
    fi
}

make_files() {           # private copies of the root's user and host tables, with our names in them
    local base=${C_CHROOT%/} user uid node name addr
    mkdir -p "$C_DIR"/{etc,files,home,log,munge,run,spool,state,ssh/authorized_keys}
    local names; names=$(for user in $C_USERS; do echo "^${user%:*}:"; done)
    for name in passwd group shadow; do grep -v "$names" "$base/etc/$name" > "$C_DIR/files/$name"; done
    chmod 640 "$C_DIR/files/shadow"
    for user in $C_USERS; do
        uid=${user#*:} user=${user%:*}
        echo "$user:x:$uid:$uid::$C_DIR/home/$user:$(shell_of "$user")" >> "$C_DIR/files/passwd"
        echo "$user:x:$uid:" >> "$C_DIR/files/group"
        echo "$user:*:19000::::::" >> "$C_DIR/files/shadow"      # no password, yet not locked ("!")
        install -d -m 700 -o "$uid" -g "$uid" "$C_DIR/home/$user"
        [ -e "$ROOT/keys/$user" ] || ssh-keygen -q -t ed25519 -N '' -C "$user@testbed" -f "$ROOT/keys/$user"
        cp "$ROOT/keys/$user.pub" "$C_DIR/ssh/authorized_keys/$user"
    done
    { echo "127.0.0.1 localhost $C_LOGIN"
      for node in $C_NODES; do IFS=: read -r name addr _ <<< "$node"; echo "$addr $name"; mkdir -p "$C_DIR/spool/$name"; done
    } > "$C_DIR/files/hosts"
}

start_namespace() {      # a process that holds the cluster's mount namespace; nothing is mounted on the host
    # shellcheck disable=SC2016
    daemon "$C_NAME-ns" "$C_DIR/log/ns.log" unshare --mount --propagation private bash -euc '
        base=${1%/} dir=$2 root=$3 mark=$4
        if [ -n "$base" ]; then
            for m in proc sys dev; do mount --rbind "/$m" "$base/$m"; done
            mkdir -p "$base$root"; mount --bind "$root" "$base$root"
        fi
        mkdir -p "$base/run/sshd"; mount -t tmpfs -o mode=755 "$mark" "$base/run/sshd"
        for f in passwd group shadow hosts; do
            [ -e "$base/etc/$f" ] || : > "$base/etc/$f"          # a bare root has no hosts file
            mount --bind "$dir/files/$f" "$base/etc/$f"
        done
        touch "$dir/run/ns-ready"
        exec sleep infinity' bash "$C_CHROOT" "$C_DIR" "$ROOT" "$C_MARK"
    until_ok 10 test -e "$C_DIR/run/ns-ready"
    cluster_prefix
}

configure() {
    cgroup_settings
    fill "$HERE/conf/slurm.conf.in" "$HERE/conf/$C_NAME/slurm.conf.in" > "$C_DIR/etc/slurm.conf"
    fill "$HERE/conf/$C_NAME/gres.conf.in" > "$C_DIR/etc/gres.conf"
    local file; for file in cgroup slurmdbd; do fill "$HERE/conf/$file.conf.in" > "$C_DIR/etc/$file.conf"; done
    head -c 1024 /dev/urandom > "$C_DIR/munge/munge.key"
    chmod 400 "$C_DIR/munge/munge.key"; chmod 600 "$C_DIR/etc/slurmdbd.conf"
    inside chown slurm "$C_DIR"/{state,run,log} "$C_DIR/etc/slurmdbd.conf"
    inside chown -R munge: "$C_DIR/munge"
}

sacctmgr_all() {         # sacctmgr_all FILE: one change per line
    local line
    grep -v '^#' "$1" | while read -r line; do
        # shellcheck disable=SC2086
        inside sacctmgr -i $line >> "$C_DIR/log/sacctmgr.log" </dev/null
    done
}
all_idle() { [ "$(inside sinfo -h -N -o %T | sort -u)" = idle ]; }

start_sshd() {           # start_sshd DOOR PORT: "login", or one of the cluster's further doors
    local door=$1 ssh_port=$2 name=$C_NAME-sshd own=$HERE/conf/$C_NAME subsystem="Subsystem sftp internal-sftp" parts=()
    [ "$door" = login ] || { name+=-$door; parts+=("$own/sshd-$door.in"); }    # sshd takes the first value it reads
    [ "$door" != strict ] || subsystem=
    parts+=("$HERE/conf/sshd_config.in")
    [ ! -e "$own/sshd_config.in" ] || parts+=("$own/sshd_config.in")
    fill "${parts[@]}" > "$C_DIR/etc/$name.conf"
    daemon "$name" "$log/$name.out" "${prefix[@]}" "${as_host[@]}" "$C_LOGIN" \
        /usr/sbin/sshd -D -f "$C_DIR/etc/$name.conf" -E "$log/$name.log"
}
start_cluster() {
    cluster_settings "$1"
    rm -rf --one-file-system "$C_DIR"            # with --add it may hold files of an earlier run
    make_files
    [ ! -e "$HERE/conf/$1/people.sh" ] || . "$HERE/conf/$1/people.sh"
    start_namespace
    configure
    local node name log=$C_DIR/log
    local as_host=(unshare --uts sh -c 'hostname "$1"; shift; exec "$@"' sh)      # a host name of its own
    daemon "$1-munged" "$log/munged.out" "${prefix[@]}" setpriv --reuid=munge --regid=munge --clear-groups \
        /usr/sbin/munged --foreground --key-file="$C_DIR/munge/munge.key" --socket="$C_DIR/munge/munge.socket" \
        --pid-file="$C_DIR/munge/munged.pid" --log-file="$C_DIR/munge/munged.log" --seed-file="$C_DIR/munge/seed"
    sql "create or replace database slurm_$1; grant all on slurm_$1.* to slurm@'127.0.0.1'"
    until_ok 10 test -S "$C_DIR/munge/munge.socket"
    daemon "$1-slurmdbd" "$log/slurmdbd.out" "${prefix[@]}" /usr/sbin/slurmdbd -D
    until_ok 30 inside sacctmgr -n show cluster
    sacctmgr_all "$HERE/conf/$1/accounts"
    say "$1: accounts made"
    daemon "$1-slurmctld" "$log/slurmctld.out" "${prefix[@]}" /usr/sbin/slurmctld -D
    for node in $C_NODES; do
        name=${node%%:*}
        daemon "$1-slurmd-$name" "$log/slurmd-$name.out" "${prefix[@]}" "${as_host[@]}" "$name" \
            /usr/sbin/slurmd -D -N "$name"
    done
    ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$C_DIR/ssh/host_ed25519"
    local door ssh_port
    start_sshd login "$C_SSH_PORT"
    for door in $C_DOORS; do start_sshd "${door%:*}" "$(door_port "${door%:*}")"; done
    until_ok 60 all_idle
    sacctmgr_all "$HERE/conf/$1/limits"
    # shellcheck disable=SC2086
    say "$1: $(inside /usr/sbin/slurmctld -V) up, $(wc -w <<< "$C_NODES") nodes idle, sshd on port $C_SSH_PORT"
}

. "$HERE/describe.sh"
place_tools
[ -n "$add" ] || start_database
for cluster in "$@"; do is_up "$cluster-ns" || start_cluster "$cluster"; done
# shellcheck disable=SC2046
describe $(for cluster in $ALL_CLUSTERS; do ! is_up "$cluster-ns" || echo "$cluster"; done)
say "ready: ssh -F $ROOT/ssh_config $1-alice squeue"
