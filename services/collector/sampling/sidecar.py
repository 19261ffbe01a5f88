"""Samples that our own sampler inside jobs has written to files, read where they were left off.

Costs Slurm nothing: the files lie in the home of the user whose login we use.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.collector.desk import Desk
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.lines import Lines, ahead_of, read_samples
from services.collector.sampling.outcomes import outcome_of
from services.collector.sampling.providers import Need, ProviderAnswer
from slurmfleet.contracts.registry import SampleProvider
from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.step_commands import tail_section

SOURCE = "sidecar"
FOLDER = ".slurmfleet/samples"
SCRIPT = Path(__file__).with_name("sidecar.sh")
"""What runs inside the job; shipped with this package."""

USUAL_INTERVAL_S = 10.0
JOBS_PER_CALL = 500
_LIMIT_S = 30.0
_NO_SAMPLER = "sidecar: no sampler of ours runs in the job"
_NOT_OURS = "sidecar: another user's job"


def script() -> bytes:
    """Give the sampler's script."""
    return SCRIPT.read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one file holds since last time."""

    file: str
    """`<job>/<node>.log`."""

    lines: tuple[str, ...]
    next_offset: int
    """Where to go on: after the last whole line."""


def parse_tail(text: str, known: Mapping[str, int]) -> tuple[Piece, ...]:
    """Read what `tail_section` printed.

    A file that is not in `known` is read from somewhere in its middle: what stands before its first
    newline is left out.
    """
    pieces: list[Piece] = []
    # Each piece ends with a newline of the script's own.
    for part in ("\n" + text.removesuffix("\n")).split("\n@ ")[1:]:
        head, newline, body = part.partition("\n")
        words = head.split(" ")
        if not newline or len(words) != 3 or not (words[1].isdigit() and words[2].isdigit()):  # noqa: PLR2004 file, size, from
            continue
        file, begin = words[0], int(words[2])
        whole, _, rest = body.rpartition("\n")
        read = len(body.encode()) - len(rest.encode())
        lines = whole.split("\n") if whole else []
        if begin and file not in known:
            lines = lines[1:]
        pieces.append(Piece(file=file, lines=tuple(lines), next_offset=begin + read))
    return tuple(pieces)


class SidecarProvider:
    """Tails the samplers' files, all jobs in one section."""

    name = SampleProvider.SIDECAR
    sees = frozenset({Need.GPU, Need.LOAD})
    interval_s = USUAL_INTERVAL_S

    def __init__(self) -> None:
        """Begin with no file read."""
        self._offsets: dict[str, int] = {}

    async def sample(self, jobs: Sequence[SampledJob], desk: Desk) -> Sequence[ProviderAnswer]:
        """Read what is new; only of jobs of the user whose login we use."""
        own = [job for job in jobs if job.user == desk.probe.user][:JOBS_PER_CALL]
        nothing = {job.job_id: _NOT_OURS for job in jobs} | {job.job_id: _NO_SAMPLER for job in own}
        if not own:
            return (ProviderAnswer(source=SOURCE, nothing=nothing),)
        by_raw: defaultdict[int, list[SampledJob]] = defaultdict(list)
        for job in own:
            by_raw[job.het_job_id or job.raw_id].append(job)
        asked = {str(raw_id) for raw_id in by_raw}
        self._offsets = {
            file: offset
            for file, offset in self._offsets.items()
            if file.partition("/")[0] in asked
        }
        section = tail_section(self._offsets, tuple(by_raw), folder=FOLDER)
        answer = await desk.ask(lambda _: (section,), limit_s=_LIMIT_S)
        output = answer.frames.sections.get(section.name)
        outcome = outcome_of(SectionName.SIDECAR, output)
        if output is None or not outcome.ok:
            return (ProviderAnswer(source=SOURCE, sections=(outcome,)),)
        lines = Lines(ahead=ahead_of(answer.observed_at, answer.frames.remote_epoch_s))
        for piece in parse_tail(output.stdout, self._offsets):
            self._offsets[piece.file] = piece.next_offset
            for line in piece.lines:
                lines.add(line)
        return (
            read_samples(
                lines.heard,
                by_raw,
                source=SOURCE,
                nothing=nothing,
                sections=(outcome,),
                bad=lines.bad,
            ),
        )
