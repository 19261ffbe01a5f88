"""Commands that may touch a file system which hangs, run so that whoever waits for them ends.

A process that asks a dead NFS or Lustre server sleeps where no signal reaches it, SIGKILL
included; `timeout` then waits for it for ever, and as long as it holds our standard output sshd
keeps the session. So the command writes to pipes that processes of ours read, and only those hold
what belongs to the session. When the limit comes, they and everything else of its process group are
killed. What cannot be killed stays behind, holding nothing but the pipes' dead ends.

Source: timeout(1), which signals its process group and waits for its child; wait in bash(1), which
a trapped signal ends; Linux 6.18, fs/fuse/dev.c, request_wait_answer: a wait that nothing ends.
"""

PROGRAM_FOLDERS = ("/usr/lpp/mmfs/bin",)
"""Where programs lie that sites leave out of users' PATH: GPFS' own."""

_SCRIPT = f"""\
PATH=$PATH:{":".join(PROGRAM_FOLDERS)}
trap 'kill -KILL 0' TERM
(
  {{ {{ "$@" 2>&1 1>&3 3>&- | cat >&2 3>&-; exit "${{PIPESTATUS[0]}}"; }} 3>&1 | cat; }}
  exit "${{PIPESTATUS[0]}}"
) &
wait "$!"
"""


def patiently(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Give the argument list that runs `argv` so that `timeout` can always end it.

    It has to be run under timeout(1), as every section of a composite is: in a process group
    that is not anybody else's.
    """
    return "bash", "-c", _SCRIPT, "bash", *argv
