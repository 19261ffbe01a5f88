#!/bin/bash
# Fills a fresh cluster with jobs in nearly every state and pending reason, with odd names, with every form of
# request, dependency and output path, and with reservations. About 60 s.
#   zoo.sh alpha|beta|gamma       prints "LABEL JOBID" lines, also to $ROOT/CLUSTER/zoo
# Where the cluster forgets ended jobs quickly, start it with SLURMFLEET_TESTBED_MIN_JOB_AGE_S=300 up.sh.
. "$(dirname "$0")/settings.sh"
cluster_settings "${1:-alpha}"
[ -e "$C_DIR/run/ns-ready" ] || die "$C_NAME is not up"
case $C_NAME in
alpha) SICK=hgx04 SPARE=hgx03 CPU_NODE=std01 CAPPED_ACCOUNT=bio   CAPPED_USER=carol GROUP_GPUS=4 SHORT=interactive OTHER=bob
       RESERVED=hgx03 LOW=(-p scavenge) HIGH=(-p batch) ;;
beta)  SICK=dgx002 SPARE=dgx003 CPU_NODE=std101 CAPPED_ACCOUNT=proj2 CAPPED_USER=bob GROUP_GPUS=2 SHORT=debug OTHER=dave
       RESERVED=std102 LOW=(--qos=standby) HIGH=(--qos=prio) ;;
gamma) SICK=sxm02 SPARE=sxm03 CPU_NODE=std201 CAPPED_ACCOUNT=language CAPPED_USER=carol GROUP_GPUS=2 SHORT=lab OTHER=bob
       RESERVED=mix01 LOW=(-p idle) HIGH=(-p main) ;;
esac
TYPE=$C_GPU_TYPE
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

# Requests of GPUs and more, each once to its end and once held: what is asked, and what was given.
requests() {
    local hold=() suffix= features
    features=$(as alice "sinfo -h -p $GPU -o %f | head -1")
    while :; do
        local gpu=(-p "$GPU" "${hold[@]}") cpu=(-p "$CPU" "${hold[@]}")
        [ -n "$suffix" ] || { gpu+=(--wrap 'srun true') cpu+=(--wrap true); }
        job "gpus$suffix" alice "${gpu[@]}" --gpus=2
        job "gpus-typed$suffix" alice "${gpu[@]}" --gpus="$TYPE:2"
        job "gpus-per-node$suffix" alice "${gpu[@]}" -N2 --gpus-per-node=1
        job "gpus-per-node-typed$suffix" alice "${gpu[@]}" -N2 --gpus-per-node="$TYPE:1"
        job "gpus-per-task$suffix" alice "${gpu[@]}" -n2 --gpus-per-task=1
        job "gpus-per-task-typed$suffix" alice "${gpu[@]}" -n2 --gpus-per-task="$TYPE:1"
        job "gpus-per-socket$suffix" alice "${gpu[@]}" -N1 --sockets-per-node=2 --gpus-per-socket=1
        job "gres$suffix" alice "${gpu[@]}" --gres=gpu:2
        job "gres-no-count$suffix" alice "${gpu[@]}" --gres=gpu
        job "gres-typed$suffix" alice "${gpu[@]}" -N2 --gres="gpu:$TYPE:1"
        job "cpus-and-mem-per-gpu$suffix" alice "${gpu[@]}" --gpus=2 --cpus-per-gpu=4 --mem-per-gpu=8G
        job "exclusive$suffix" alice "${cpu[@]}" --exclusive
        job "licenses$suffix" alice "${cpu[@]}" -L matlab:1,fluent:1
        job "feature$suffix" alice "${gpu[@]}" -C "${features%%,*}"
        job "two-partitions$suffix" alice "${cpu[@]}" -p "$CPU,$GPU"
        job "array-sparse$suffix" alice "${cpu[@]}" --array=1-9:4,20,30-31
        case $C_NAME in gamma)
            gpu[1]=lab
            job "two-types$suffix" alice "${gpu[@]}" -N1 --gres="gpu:$TYPE:1,gpu:l40s:2"
            job "untyped-in-mixed$suffix" alice "${gpu[@]}" -w mix01 --gres=gpu:3
            job "unaccounted-type$suffix" alice "${gpu[@]}" --gpus=l40s:2
            gpu[1]=mig
            job "mig$suffix" alice "${gpu[@]}" --gres=gpu:1g.10gb:2
            job "mig-two-types$suffix" alice "${gpu[@]}" --gres=gpu:1g.10gb:1,gpu:3g.40gb:1
            job "mig-per-task$suffix" alice "${gpu[@]}" -n2 --gpus-per-task=1g.10gb:1
        esac
        [ -z "$suffix" ] || break
        hold=(--hold) suffix=-held
    done
    job features-and-held alice -p "$GPU" --hold -C "${features/,/&}"
    job array-large-held alice -p "$CPU" --hold --array=0-9999%50
    job array-many-ranges-held alice -p "$CPU" --hold --array=$(for ((i = 1; i <= 60; i++)); do printf "%s%d" "${sep-}" $((i * i)); sep=,; done)
    job nodes-range-held alice -p "$CPU" --hold -N1-2 --nodelist="$CPU_NODE" --mem=0
}
paths() {                # where the output goes: every pattern that sbatch(1) knows
    local run=(-D "$C_DIR/home/alice/paths" -p "$CPU" --wrap 'srun -n1 true')
    job path-default alice "${run[@]}"
    job path-array alice "${run[@]}" --array=3-4 -o 'out/%A_%a.log' -e '%x/%a-%A.err'
    job path-array-default alice "${run[@]}" --array=1-2
    job path-name alice "${run[@]}" -J 'my run' -o '%x-%j.out' -e '%u.%x.err'
    job path-padded alice "${run[@]}" -o 'padded-%5j-%3t.out' -e 'padded-%10x.err'
    job path-percent alice "${run[@]}" -o '100%%-%j.out'
    job path-escaped alice "${run[@]}" -o 'raw\\-%j-%x.out'
    job path-node alice "${run[@]}" -N1 -o 'n%n-%N-s%s-t%t-%J.out'
    job path-absolute alice "${run[@]}" -o "$C_DIR/home/alice/paths/abs/%j/%b.out" -e /dev/null
    job path-no-error alice "${run[@]}" -o 'both-%j.log' -e 'both-%j.log'
    job path-unknown-letter alice "${run[@]}" -o 'odd-%z-%j.out'
    job path-workdir-odd alice "${run[@]}" -D "$C_DIR/home/alice/paths/dir with %j | and , é" -o '%x.out'
    job path-het alice "${run[@]}" -n1 -o 'het-%A-%j.out' : -p "$CPU" -n1 -o 'other-%j.out'
}
dependencies() {         # forms of --dependency on jobs that run, wait or have ended
    local waits=(-p "$CPU" -t 5)
    job array-target alice -p "$CPU" --array=1-9%1; array=$id
    job dep-several-ids alice "${waits[@]}" -d "afterok:$running:$array"
    job dep-array-task alice "${waits[@]}" -d "afterok:${array}_3"
    job dep-array-tasks alice "${waits[@]}" -d "afterany:${array}_3:${array}_5:$running"
    job dep-any-of alice "${waits[@]}" -d "afterok:$running?afternotok:$array"
    job dep-all-of alice "${waits[@]}" -d "afterok:$running,afterany:$array"
    job dep-singleton alice "${waits[@]}" -J running -d singleton
    job dep-after-minutes alice "${waits[@]}" -d "after:$running+5"
    job dep-aftercorr alice "${waits[@]}" --array=1-9 -d "aftercorr:$array"
    job dep-kinds alice "${waits[@]}" -d "after:$array,afternotok:$running,singleton"
    job dep-part-fulfilled alice "${waits[@]}" -d "afterany:$cancelled:$running"
    job dep-on-pending alice "${waits[@]}" -d "afterok:$id"
}
reservations() {         # future ones of several kinds, and one that is in force
    local make="scontrol create reservation"
    admin "$make reservationname=maintenance users=root nodes=all starttime=now+60days duration=480 flags=maint,ignore_jobs
           $make reservationname=course accounts=${CAPPED_ACCOUNT} nodecnt=1 partitionname=$GPU starttime=now+20days duration=120 flags=daily
           $make reservationname=gpus users=-bob partitionname=$GPU tres=gres/gpu=2 starttime=now+50days duration=60 flags=flex
           $make reservationname=licence users=alice licenses=matlab:2 starttime=now+10days duration=60 flags=any_nodes
           $make reservationname=in-force users=dave nodes=$RESERVED starttime=now duration=600 flags=ignore_jobs" \
        >/dev/null || echo "zoo: a reservation was refused" >&2
}

ended() {
    job completed alice -p "$CPU" -o 'logs/%x-%j.out' --wrap 'echo hello; srun hostname'
    job failed alice -p "$CPU" --comment 'lr=3e-4, run|7' --wrap 'echo oops >&2; exit 3'
    job segfault alice -p "$CPU" --wrap 'kill -SEGV $$'
    job out-of-memory alice -p "$CPU" -w "$CPU_NODE" --mem=60M \
        --wrap 'perl -e "my @a; for (1..60) { push @a, qq(x) x (10_000_000 + \$_); select(undef,undef,undef,.05) }"'
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

as alice "mkdir -p logs paths/out paths/path-array paths/abs 'paths/dir with %j | and , é'"
requests; paths
until_ok 60 eval '[ -z "$(as alice "squeue -h -o %T | grep -v PENDING; squeue -h -t PD -o %r | grep -v JobHeldUser")" ]'
ended; preempted; running; odd_names; pending; dependencies; reservations
echo "zoo: waiting for the time limit (slurmctld looks every 30 s)" >&2
for _ in {1..45}; do
    [ "$(as alice "sacct -nXP -j $timeout -o State")" != TIMEOUT ] || break
    sleep 1
done
