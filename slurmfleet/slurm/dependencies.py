"""What a job waits for, out of Slurm's text: `afterok:16(unfulfilled),after:17_*+10(failed)`.

Slurm shows one job to an item with its state behind it and leaves out what is fulfilled; users
write several jobs to an item and no states. Both are read. `?` instead of `,` means that one is
enough; Slurm does not mix the two.

Source: sbatch(1) --dependency; squeue(1) Dependency; src/slurmctld/job_scheduler.c,
_depend_list2str and _parse_dependency (Slurm 20.11 to 25.11); docs/slurm-output.md.
"""

import re
from collections.abc import Iterator

from slurmfleet.contracts.job_parts import Dependency, DependencyKind, DependencyState
from slurmfleet.contracts.remembering import remembers_short_texts

_EMPTY = frozenset({"", "(null)", "N/A", "None", "none"})
_ITEM = re.compile(r"(?P<word>[A-Za-z_]*)(?P<jobs>[^()]*)(?:\((?P<state>[A-Za-z]+)\))?")
_TARGET = re.compile(
    r"(?P<job>[1-9][0-9]{0,9})(?:_(?:(?P<task>[0-9]{1,9})|(?P<all>\*)))?(?:\+(?P<delay>[0-9]{1,9}))?"
)
_KINDS = {str(kind): kind for kind in DependencyKind if kind is not DependencyKind.UNKNOWN}
_STATES = {str(state): state for state in DependencyState}


@remembers_short_texts(4096)
def parse_dependencies(text: str) -> tuple[Dependency, ...]:
    """Give what a job waits for, in Slurm's order; what cannot be read is of kind UNKNOWN."""
    if text in _EMPTY:
        return ()
    any_suffices = "?" in text
    items = (item.strip() for item in text.replace("?", ",").split(","))
    return tuple(one for item in items if item for one in _read_item(item, any_suffices))


def _read_item(item: str, any_suffices: bool) -> Iterator[Dependency]:  # noqa: FBT001 private
    match = _ITEM.fullmatch(item)
    unknown = Dependency(kind=DependencyKind.UNKNOWN, any_suffices=any_suffices)
    if match is None:
        yield unknown
        return
    # A bare number is what sbatch took before it knew kinds.
    kind = _KINDS.get(match["word"].lower() or "afterany", DependencyKind.UNKNOWN)
    state = _STATES.get((match["state"] or "").lower(), DependencyState.UNKNOWN)
    targets = [part.strip() for part in match["jobs"].split(":") if part.strip()]
    if not targets:
        yield Dependency(kind=kind, any_suffices=any_suffices, state=state)
    for target in targets:
        read = _TARGET.fullmatch(target)
        if read is None:
            yield unknown
            continue
        yield Dependency(
            kind=kind,
            job_id=int(read["job"]),
            array_task_id=int(read["task"]) if read["task"] else None,
            is_whole_array=read["all"] is not None,
            delay_min=int(read["delay"] or 0),
            any_suffices=any_suffices,
            state=state,
        )
