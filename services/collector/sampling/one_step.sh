# One step, started by supervisor.sh as the leader of a session of its own:
#
#   sh -c "$(cat one_step.sh)" NAME TOKEN NUMBER SAMPLER COMMAND
#
# Each line of COMMAND's output goes to standard output in pieces of less than 4,096 bytes, which a
# pipe never mixes with others'. At its end comes the end of what it wrote to standard error.
#   NUMBER +PIECE      more of this line is to come
#   NUMBER =PIECE      its end
#   NUMBER !WORDS      the end of the step
LC_ALL=C
export LC_ALL
trap : TERM              # this stays to tell the end; what it starts hears the signal
number=$2
piece='?'
while [ "${#piece}" -lt 512 ]; do piece=$piece$piece; done
exec 4>&1

relay() {
    trap '' TERM
    while IFS= read -r line || [ -n "$line" ]; do
        while [ "${#line}" -gt 512 ]; do
            printf '%s +%.512s\n' "$number" "$line"
            line=${line#$piece}
        done
        printf '%s =%s\n' "$number" "$line" || break
        line=''
    done
}
tail_of_errors() {
    trap '' TERM
    tail -c 1000 | tr -s '\n\r\t\0' ' '
}

said=$(
    {
        printf '%s\n' "$3" | sh -c "$4" 2>&3 3>&- 4>&- | relay >&4 3>&-
    } 3>&1 | tail_of_errors 4>&-
)
printf '%s !%s\n' "$number" "$said" >&4
