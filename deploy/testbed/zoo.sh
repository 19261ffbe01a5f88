#!/bin/bash
# Fills a fresh cluster with jobs in nearly every state and pending reason, and with odd names. About 40 s.
#   zoo.sh alpha|beta|gamma       prints "LABEL JOBID" lines, also to $ROOT/CLUSTER/zoo
# Where the cluster forgets ended jobs quickly, start it with SLURMFLEET_TESTBED_MIN_JOB_AGE_S=300 up.sh.
. "$(dirname "$0")/settings.sh"
cluster_settings "${1:-alpha}"
[ -e "$C_DIR/run/ns-ready" ] || die "$C_NAME is not up"
case $C_NAME in
alpha) SICK=hgx04 SPARE=hgx03 CPU_NODE=std01 CAPPED_ACCOUNT=bio   CAPPED_USER=carol GROUP_GPUS=4 SHORT=interactive OTHER=bob
       LOW=(-p scavenge) HIGH=(-p batch) ;;
beta)  SICK=dgx002 SPARE=dgx003 CPU_NODE=std101 CAPPED_ACCOUNT=proj2 CAPPED_USER=bob GROUP_GPUS=2 SHORT=debug OTHER=dave
       LOW=(--qos=standby) HIGH=(--qos=prio) ;;
esac
GPU=$C_GPU_PARTITION CPU=$C_CPU_PARTITION ALL_GPUS=$C_GPUS_PER_NODE
: > "$C_DIR/zoo"

as() {                   # as USER COMMAND: in one shared connection per user
    local user=$1; shift
    ssh -F "$ROOT/ssh_config" -o ControlMaster=auto -o ControlPath="$ROOT/keys/%C" -o ControlPersist=120 \
        "$C_NAME-$user" "$@" </dev/null
}
admin() { as dave "$@"; }
job() {                  # job LABEL USER SBATCH-OPTION...: sleeps unless it has its own --wrap; sets id
    local label=$1 user=$2 line; shift 2
    case " $* " in *" --wrap "*) ;; *) set -- "$@" --wrap 'srun sleep 3600' ;; esac
    case " $* " in *" -J "*) ;; *) set -- -J "$label" "$@" ;; esac
    line=$(printf ' %q' "$@")
    id=$(as "$user" "sbatch --parsable -t 60 $line") || { echo "zoo: $label was refused" >&2; id=; return 0; }
    id=${id%%;*}
    printf '%s %s\n' "$label" "$id" | tee -a "$C_DIR/zoo"
}
wait_state() {           # wait_state JOBID STATE: up to 15 s
    for _ in {1..60}; do
        [ "$(as alice "squeue -h -t all -j $1 -O State:x")" != "$2x" ] || return 0
        sleep 0.25
    done
    echo "zoo: job $1 never became $2" >&2
}

ended() {
    job completed alice -p "$CPU" -o 'logs/%x-%j.out' --wrap 'echo hello; srun hostname'
    job failed alice -p "$CPU" --comment 'lr=3e-4, run|7' --wrap 'echo oops >&2; exit 3'
    job segfault alice -p "$CPU" --wrap 'kill -SEGV $$'
    job out-of-memory alice -p "$CPU" -w "$CPU_NODE" --mem=60M \
        --wrap 'perl -e "my @a; for (1..60) { push @a, qq(x) x 10_000_000; select(undef,undef,undef,.05) }"'
    job failed-step alice -p "$CPU" --wrap 'srun false; srun true'
    job timeout alice -p "$CPU"; timeout=$id
    job cancelled-running alice -p "$CPU"; cancelled=$id
    job cancelled-pending alice -p "$CPU" --hold; as alice "scancel $id"
    job cancelled-by-admin alice -p "$CPU" --hold; admin "scancel $id"
    job array-cancelled alice -p "$CPU" --array=0-3 --hold; as alice "scancel $id"
    job node-fail alice -p "$GPU" -w "$SICK" --no-requeue; node_fail=$id
    job requeued alice -p "$CPU" --wrap 'sleep 600'; requeued=$id
    job requeued-by-node alice -p "$GPU" -w "$SICK" --requeue
    wait_state "$node_fail" RUNNING; wait_state "$timeout" RUNNING
    wait_state "$cancelled" RUNNING; wait_state "$requeued" RUNNING
    admin "scontrol update jobid=$timeout endtime=now+5"
    as alice "scancel $cancelled; scontrol requeue $requeued"
    admin "scontrol update nodename=$SICK state=down reason='zoo: pulled the plug'; sleep 2
           scontrol update nodename=$SICK state=resume 2>/dev/null" || true      # may be back already (ReturnToService=2)
}
preempted() {
    job preempted alice "${LOW[@]}" -w "$SPARE" --gpus="$ALL_GPUS"; wait_state "$id" RUNNING
    job preemptor alice "${HIGH[@]}" -w "$SPARE" --gpus="$ALL_GPUS"; wait_state "$id" RUNNING
}
running() {
    job running alice -p "$GPU" --gpus=2 --cpus-per-task=8 --mem=64G --comment 'sweep lr=3e-4' -o 'train-%j.out' -e 'train-%j.err'
    running=$id
    job running-two-nodes alice -p "$GPU" -N2 --ntasks-per-node=1 --gres=gpu:1
    job array alice -p "$CPU" --array=0-9%2
    job array-mixed alice -p "$CPU" --array=1-6 --wrap '[ $SLURM_ARRAY_TASK_ID -le 4 ] || sleep 3600; exit $((SLURM_ARRAY_TASK_ID % 2))'
    job het alice -p "$CPU" -n1 : -p "$GPU" -n1 --gres=gpu:1 --wrap 'srun --het-group=0,1 sleep 3600'
    job suspended alice -p "$CPU"; wait_state "$id" RUNNING; admin "scontrol suspend $id"
    job unlimited alice -p "$CPU" -t 0 --hold
}
odd_names() {            # free text that breaks careless readers; held, so that they stay
    local odd=(-p "$CPU" --hold)
    job odd-mixed alice "${odd[@]}" --comment 'a|b,c "quoted" é' -J $'train|v2, "x" \'y\' é 漢'
    job odd-newline alice "${odd[@]}" --comment $'first\nsecond' -J $'line1\nline2'
    job odd-separators alice "${odd[@]}" -J $'us\x1frs\x1eend'
    job odd-forged-record alice "${odd[@]}" -J $'x\x1e\n1\x1f1\x1f1\x1fRUNNING'
    job odd-control alice "${odd[@]}" -J $'tab\tcr\resc\e[31mbell\a'
    job odd-not-utf8 alice "${odd[@]}" -J $'latin1 \xe9\xff'
    job odd-empty alice "${odd[@]}" -J ''
    job odd-long alice "${odd[@]}" -J "$(printf 'n%.0s' {1..1000})"
    job odd-spaces alice "${odd[@]}" -D '/tmp' -J '  two  spaces  '
    job odd-percent alice "${odd[@]}" -J '100%j %s $HOME `id`' -o '%x-%A.out'
}
pending() {
    job dependency alice -p "$CPU" --dependency="afterok:$running"
    job doomed alice -p "$CPU" --wrap 'exit 1'
    job dependency-never alice -p "$CPU" --dependency="afterok:$id"
    job begin alice -p "$CPU" --begin=now+2days
    job held-user alice -p "$CPU" --hold
    job held-admin alice -p "$CPU" --hold; admin "scontrol hold $id"
    job qos-1 alice -p "$CPU" --qos=capped
    job qos-2 alice -p "$CPU" --qos=capped
    job qos-limit alice -p "$CPU" --qos=capped
    job qos-gpu-limit bob -p "$GPU" --qos=capped --gpus=6
    job account-1 "$CAPPED_USER" -A "$CAPPED_ACCOUNT" -p "$GPU" --gpus="$GROUP_GPUS"
    wait_state "$id" RUNNING
    job account-limit "$CAPPED_USER" -A "$CAPPED_ACCOUNT" -p "$GPU" --gpus="$GROUP_GPUS"
    sleep 6        # let the scheduler write the reason before bigger jobs overshadow it
    job partition-time alice -p "$SHORT" -t 3-0
    job too-many-nodes alice -p "$GPU" -N 40
    job bad-feature alice -p "$GPU" -C nosuch
    job no-account opal -p "$CPU"
    admin "scontrol update nodename=$SICK state=drain reason='zoo: fan replacement'"
    job node-drained alice -p "$GPU" -w "$SICK"
    admin "scontrol create reservation reservationname=zoo users=dave nodes=$CPU_NODE starttime=now+30days duration=60" >/dev/null
    job reservation dave -p "$CPU" --reservation=zoo
    job resources "$OTHER" -p "$GPU" --gres=gpu:"$ALL_GPUS" -N2
    job priority "$OTHER" -p "$GPU" --gres=gpu:"$ALL_GPUS" -N2 --nice=100
}

as alice 'mkdir -p logs'
ended; preempted; running; odd_names; pending
echo "zoo: waiting for the time limit (slurmctld looks every 30 s)" >&2
for _ in {1..45}; do
    [ "$(as alice "sacct -nXP -j $timeout -o State")" != TIMEOUT ] || break
    sleep 1
done
