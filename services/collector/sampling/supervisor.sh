# slurmfleet's supervisor on a login node: holds many steps of jobs on one connection's one session.
# Shell: any POSIX sh, with setsid. Words: services/collector/sampling/supervised.py.
#
#   sh -c "$(cat supervisor.sh)" NAME TOKEN BYTES_OF_ONE_STEP BYTES_OF_SAMPLER
#
# Standard input: one_step.sh, the sampler's script, then orders, one a line:
#   open NUMBER COMMAND…      starts a step
#   close NUMBER              ends it
# When standard input ends, whatever the reason, all steps end and so does this. It runs in a session
# of its own, since what ends the login's session must not keep it from that. TOKEN stands on the
# command line of all that is its own: nothing without it is ever sent a signal.
token=$1
step=$(head -c "$2")
sampler=$(head -c "$3")
steps=''

ours() { tr '\0' '\n' < "/proc/$1/cmdline" | grep -qx "$token"; } 2>/dev/null
end() {                  # end SIGNAL PID: a step's leader, and all that it started
    ours "$2" || return 0
    # A step that has only just begun leads no group yet.
    kill -s "$1" -- "-$2" || kill -s "$1" "$2"
} 2>/dev/null
later() { sleep 3; end KILL "$1"; }
any() {
    for one in $steps; do ! ours "${one#*:}" || return 0; done
    return 1
}

{
printf '0 =ready\n'
while IFS=' ' read -r order number command; do
    case $order in
    open)
        setsid sh -c "$step" slurmfleet-step "$token" "$number" "$sampler" "$command" </dev/null &
        steps="$steps $number:$!" ;;
    close)
        kept=''
        for one in $steps; do
            case $one in
            "$number:"*)
                end TERM "${one#*:}"
                later "${one#*:}" </dev/null >/dev/null 2>&1 & ;;
            *) kept="$kept $one" ;;
            esac
        done
        steps=$kept ;;
    esac
done
for one in $steps; do end TERM "${one#*:}"; done
patience=3
while [ "$patience" -gt 0 ] && any; do
    sleep 1
    patience=$((patience - 1))
done
for one in $steps; do end KILL "${one#*:}"; done
} | cat                  # a pipe, whose short writes never mix, whatever standard output is
