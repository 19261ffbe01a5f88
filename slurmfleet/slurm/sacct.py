"""What sacct prints, as values: how jobs ended, and evidence that others have not.

A record ends in a plain newline, which names, paths and comments may hold too; so records are
told apart by the job id at their begin and by their number of delimiters.

sacct rewrites names: `"` becomes a backquote, what passes 255 bytes is cut. It is left as it is.

Source: sacct(1); docs/slurm-output.md; recordings in tests/fixtures/slurm (22.05, 24.11).
"""

import re
from collections.abc import Iterator, Mapping

from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.slurm.arrays import parse_job_ref, parse_raw_id, task_states
from slurmfleet.slurm.columns import ANY_SLURM, Dialect
from slurmfleet.slurm.errors import MalformedRowError, SlurmParseError
from slurmfleet.slurm.gpus import count_gpus
from slurmfleet.slurm.hostlist import node_names
from slurmfleet.slurm.paths import PathFacts, job_files
from slurmfleet.slurm.quantities import (
    NO_EXIT_CODE,
    needed_time,
    parse_count,
    parse_exit_code,
    parse_minutes_s,
    parse_time,
)
from slurmfleet.slurm.records import PLAIN, BadRows, ParsedRows, Separators, bad_row, told
from slurmfleet.slurm.states import parse_state
from slurmfleet.slurm.tres import parse_tres


def parse_accounting(
    text: str, separators: Separators = PLAIN, dialect: Dialect = ANY_SLURM
) -> ParsedRows:
    """Read the jobs that `accounting_sections` listed.

    Rows that are PENDING or RUNNING are evidence that a job is not over. `restart_count` is 0
    where sacct does not know it: then it says nothing.
    """
    columns = dialect.accounting
    jobs: list[Job] = []
    bad = BadRows()
    for record in _records(text, separators.field, len(columns)):
        fields = record.split(separators.field)
        try:
            if len(fields) != len(columns):
                raise MalformedRowError(f"{len(fields)} fields, not {len(columns)}", record)
            jobs.append(_job(dict(zip(columns, fields, strict=True)), dialect.slurm))
        except SlurmParseError as exc:
            bad.append(bad_row(record, exc))
    return ParsedRows(jobs=tuple(jobs), bad=tuple(bad))


def _records(text: str, delimiter: str, columns: int) -> Iterator[str]:
    """Cut before each job id that begins a line, and join what was cut inside a record."""
    begins = re.compile(rf"\n(?=[1-9][0-9]*(?:[_+][^\n{delimiter[0]}]+)?{re.escape(delimiter)})")
    record = ""
    for piece in begins.split(text.removesuffix("\n")):
        joined = f"{record}\n{piece}" if record else piece
        if record and joined.count(delimiter) >= columns:
            yield record
            joined = piece
        if joined.count(delimiter) >= columns - 1:
            yield joined
            joined = ""
        record = joined
    if record:
        yield record


def _job(field: Mapping[str, str], slurm: tuple[int, int] | None) -> Job:
    ref = parse_job_ref(field["JobID"])
    state, state_flags = parse_state(field["State"])
    tres_text = field["AllocTRES"] or field["ReqTRES"]
    tres = parse_tres(tres_text)
    start, end = parse_time(field["Start"]), parse_time(field["End"])
    nodes = told(field["NodeList"])
    # 22.05 gives a job that was cancelled before it ran its end as start; 24.11 says None.
    never_ran = state is JobState.PENDING or (state.is_terminal and not nodes)
    exit_code = parse_exit_code(field["ExitCode"]) if state.is_terminal else NO_EXIT_CODE
    raw_id = parse_raw_id(field["JobIDRaw"])
    names, has_all_names = node_names(nodes)
    facts = PathFacts(
        raw_id=None if ref.waiting else raw_id,
        array_job_id=ref.array_job_id,
        array_task_id=ref.array_task_id,
        name=field["JobName"],
        user=field["User"],
        work_dir=field["WorkDir"],
        batch_host=names[0] if names else "",
        slurm=slurm,
    )
    # A job of which sacct knows an output file had a script; of others it says nothing.
    files = job_files(
        stdout=field.get("StdOut", ""),
        stderr=field.get("StdErr", ""),
        stdin=field.get("StdIn", ""),
        facts=facts,
        is_batch=False if ref.het_offset else None,
    )
    gpus = count_gpus(tres, (), node_count=0, task_count=0)
    return Job(
        job_id=ref.job_id,
        raw_id=raw_id,
        submitted_at=needed_time(field["Submit"]),
        state=state,
        state_flags=state_flags,
        reason=told(field["Reason"]),
        name=field["JobName"],
        user=field["User"],
        account=field["Account"],
        partition=field["Partition"],
        qos=field["QOS"],
        eligible_at=parse_time(field["Eligible"]),
        started_at=None if never_ran else start,
        ended_at=end if state.is_terminal else None,
        time_limit_s=parse_minutes_s(field["TimelimitRaw"]),
        node_count=parse_count(field["NNodes"]),
        node_list=nodes,
        node_names=names,
        has_all_node_names=has_all_names,
        cpu_count=parse_count(field["NCPUS"]),
        memory_mib=tres.memory_mib,
        gpu_count=gpus.count,
        gpu_source=gpus.source,
        gpus_by_type=gpus.by_type,
        tres=tres_text,
        work_dir=field["WorkDir"],
        stdout_path=files.stdout_path,
        stderr_path=files.stderr_path,
        stdin_path=files.stdin_path,
        unexpanded_paths=files.unexpanded_paths,
        comment=field["Comment"],
        submit_line=field["SubmitLine"],
        restart_count=parse_count(field.get("Restarts", "")),
        exit_code=exit_code.code,
        exit_signal=exit_code.signal,
        array_job_id=ref.array_job_id,
        array_task_id=ref.array_task_id,
        array_pending=ref.waiting_text if state is JobState.PENDING else "",
        task_states=task_states(ref, state),
        het_job_id=ref.het_job_id,
        het_offset=ref.het_offset,
        sluid=told(field.get("SLUID", "")),
    )
