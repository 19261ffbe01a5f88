# slurmfleet's sampler: what one job does with the GPUs, CPUs and memory of the node this runs on.
# Shell: any POSIX sh. Format: slurmfleet/gpu/sidecar.py. It is started inside the job, once per node:
#
#   sh sidecar.sh file [SECONDS] &     lines go to ~/.slurmfleet/samples/<job id>/<node>.log
#   sh -s -- stdout [SECONDS]          lines go to standard output, the script comes by standard input
#
# It never disturbs the job: lowest priority, no GPU context, no Slurm request, files of mode 600 that
# stay below 2 MiB per node, silence on errors. It ends with the job, with the shell that started it,
# or when it cannot write any more. SLURMFLEET_SAMPLES_DIR moves the files; where cgroups are mounted
# elsewhere, SLURMFLEET_CGROUP_DIR and SLURMFLEET_CGROUP_FILE stand for /sys/fs/cgroup and
# /proc/self/cgroup.
{
mode=${1:-file} every_s=${2:-10}
umask 077
exec 2>/dev/null </dev/null
LC_ALL=C
export LC_ALL
job=${SLURM_JOB_ID:-${SLURM_JOBID:-}}
node=${SLURMD_NODENAME:-$(hostname)}
node=${node%%.*}
case $job in '' | *[!0-9]*) exit 2 ;; esac
case $every_s in '' | *[!0-9]* | 0) every_s=10 ;; esac
renice -n 19 -p $$ >/dev/null
tab=$(printf '\t')
limit=''
command -v timeout >/dev/null && limit='timeout 20'
parent=$PPID

if [ "$mode" = file ]; then
    root=${SLURMFLEET_SAMPLES_DIR:-$HOME/.slurmfleet/samples}
    mkdir -p "$root/$job" || exit 3
    log=$root/$job/$node.log
    # One sampler per node and job; what was killed, as before a requeue, has left its lock behind.
    lock=$root/$job/.$node.lock
    mkdir "$lock" || { read -r other < "$lock/pid" && [ -d "/proc/$other" ] && exit 0; }
    printf '%s\n' $$ > "$lock/pid" || exit 3
    trap 'rm -rf "$lock"; exit 0' 0
    trap 'exit 0' 1 2 15
    find "$root" -mindepth 1 -maxdepth 1 -type d -mtime +7 ! -name "$job" -exec rm -rf {} +
fi

cgroups=${SLURMFLEET_CGROUP_DIR:-/sys/fs/cgroup}
path_of() {              # path_of CONTROLLER: this process's cgroup of it; '' is version 2
    while IFS=: read -r _ names path; do
        case ",$names," in *",$1,"*) printf '%s' "$path"; return ;; esac
    done < "${SLURMFLEET_CGROUP_FILE:-/proc/self/cgroup}"
}
# Up to the step: /…/slurmstepd.scope/job_41 or, since Slurm 26.05, /…/slurmstepd.scope/<SLUID>
job_group() { case $1 in */step_*) printf '%s' "${1%%/step_*}" ;; esac; }
unified=$cgroups$(job_group "$(path_of '')")
cpu_group=$(job_group "$(path_of cpuacct)")
memory_group=$(job_group "$(path_of memory)")
[ -z "$cpu_group" ] || cpu_group=$cgroups/cpuacct$cpu_group
[ -z "$memory_group" ] || memory_group=$cgroups/memory$memory_group
by=''
if [ "$unified" != "$cgroups" ] && [ -r "$unified/cpu.stat" ]; then by=cgroup2
elif [ -n "$cpu_group" ] && [ -r "$cpu_group/cpuacct.usage" ] && [ -r "$memory_group/memory.stat" ]; then by=cgroup1
elif [ -r /proc/self/environ ] && grep -qzx "SLURM_JOB_ID=$job" /proc/self/environ; then by=proc
fi
tick=$(getconf CLK_TCK) page=$(getconf PAGESIZE)
: "${tick:=100}" "${page:=4096}"

field() { [ -z "$2" ] || line=$line$tab$1=$2; }
kib() { [ -z "$1" ] || printf '%s' $(($1 / 1024)); }
of_file() { while read -r name value _; do [ "$name" != "$2" ] || { printf '%s' "$value"; return; }; done < "$1"; }
# What is held and cannot be given back: shared memory too, which loaders of data use much of.
held() {                 # held FILE NAME...: adds up
    from=$1 total=''
    shift
    while read -r name value _; do
        case " $* " in *" $name "*) total=$((${total:-0} + value)) ;; esac
    done < "$from"
    printf '%s' "$total"
}
plain() { IFS= read -r value < "$1" && case $value in *[!0-9]*) ;; ??????????????????*) ;; *) printf '%s' "$value" ;; esac; }
load() {
    case $by in
    cgroup2)
        field cpu_us "$(of_file "$unified/cpu.stat" usage_usec)"
        field rss_kib "$(kib "$(held "$unified/memory.stat" anon shmem)")"
        field limit_kib "$(kib "$(plain "$unified/memory.max")")" ;;
    cgroup1)
        used_ns=$(plain "$cpu_group/cpuacct.usage")
        field cpu_us "${used_ns:+$((used_ns / 1000))}"
        field rss_kib "$(kib "$(held "$memory_group/memory.stat" total_rss total_shmem)")"
        field limit_kib "$(kib "$(plain "$memory_group/memory.limit_in_bytes")")" ;;
    proc)
        # Several slurmd on one machine: their jobs' processes are told apart by the node's name.
        pids=$(grep -lzx "SLURM_JOB_ID=$job" /proc/[0-9]*/environ | xargs grep -lzx "SLURMD_NODENAME=${SLURMD_NODENAME:-}" | cut -d/ -f3)
        [ -n "$pids" ] || return
        # shellcheck disable=SC2046,SC2086
        # shellcheck disable=SC2016
        sums=$(for pid in $pids; do sed 's/.*) //' "/proc/$pid/stat"; done | awk -v tick="$tick" -v page="$page" '
            { cpu += $12 + $13 + $14 + $15; pages += $22 }
            END { if (NR) printf "%.0f %.0f", cpu * 1000000 / tick, pages * page / 1024 }')
        field cpu_us "${sums% *}"
        field rss_kib "${sums#* }"
        [ -z "$memory_group" ] || field limit_kib "$(kib "$(plain "$memory_group/memory.limit_in_bytes")")" ;;
    esac
}
rows() {                 # rows NAME < TEXT: a field for each line
    while IFS= read -r row; do
        row=$(printf '%s' "$row" | tr -d '\t\r' | cut -c1-300)
        field "$1" "$row"
    done
}
query=index,uuid,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu,name
gpus() {
    [ -n "$smi" ] || return
    told=$($limit "$smi" --query-gpu="$query" --format=csv,noheader,nounits)
    status=$?
    rows gpu <<END
$told
END
    [ "$status" = 0 ] || field fault "nvidia-smi exit status $status"
    [ -n "$slices" ] || return
    rows list <<END
$slices
END
    rows mig <<END
$($limit "$smi" | grep -E '^\|[[:space:]]*[0-9]+[[:space:]]+[0-9]+[[:space:]]+[0-9]+[[:space:]]+[0-9]+[[:space:]]*\|')
END
}
smi=$(command -v nvidia-smi)
slices=''
if [ -n "$smi" ]; then
    listed=$($limit "$smi" -L)
    case $listed in *'(UUID: MIG-'*) slices=$listed ;; esac
fi
minors() {
    for about in /proc/driver/nvidia/gpus/*/information; do
        [ -r "$about" ] || continue
        uuid='' minor=''
        while IFS=: read -r name value; do
            case $name in 'GPU UUID'*) uuid=${value##*[[:space:]]} ;; 'Device Minor'*) minor=${value##*[[:space:]]} ;; esac
        done < "$about"
        [ -z "$minor" ] || field minor "$uuid $minor"
    done
}
sample() {
    line=sf1$tab$(date +%s)
    field job "$job"
    field node "$node"
    field every "$every_s"
    field by "$by"
    load
    gpus
    if [ -n "$smi" ]; then
        field own "${SLURM_STEP_GPUS:-${SLURM_JOB_GPUS:-}}"
        field visible "${CUDA_VISIBLE_DEVICES:-}"
        minors
    fi
    line=$line${tab}end
}

# A shell does not end when its parent does: the job's script may be over while this still sleeps.
orphaned() { [ "$mode" = file ] && [ ! -d "/proc/$parent" ]; }
trap '' 13
while :; do
    sample
    if [ "$mode" = file ]; then
        printf '%s\n' "$line" >> "$log" || exit 0
        size=$(wc -c < "$log")
        [ "${size:-0}" -lt 1000000 ] || mv -f "$log" "$log.1"
    else
        printf '%s\n' "$line" || exit 0
    fi
    sleep "$every_s" || exit 0
    ! orphaned || exit 0
done
exit 0
}
