from dataclasses import replace

from services.mcp.render import job_text
from slurmfleet.contracts.job_parts import GpuRequest, GpuScope, GpuSource, JobRequest
from slurmfleet.store.examples import JOB


def lines(**changes: object) -> dict[str, str]:
    text = job_text(replace(JOB, **changes))
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name: told for name, _, told in pairs}


def test_a_job_tells_what_it_asked_for_and_what_that_is_counted_by():
    request = JobRequest(
        gpus=(
            GpuRequest(count=4, per=GpuScope.NODE, gpu_type="h100"),
            GpuRequest(count=1, per=GpuScope.TASK),
        ),
        features="nvlink",
        is_exclusive=True,
        nice=50,
    )

    shown = lines(request=request)

    assert shown["asked for"] == (
        "GPUs 4 h100 per node, 1 per task; features nvlink; whole nodes yes; nice 50"
    )
    assert shown["where"] == "gpu: 1 nodes gpu01, 8 GPUs (8 h100)"


def test_gpus_that_cannot_be_counted_are_not_told_as_none():
    shown = lines(gpus=0, gpus_by_type={}, gpu_source=GpuSource.UNKNOWN)

    assert shown["where"].endswith("GPUs, how many is not told")


def test_a_path_that_is_not_known_yet_is_told_to_be_so():
    shown = lines(stdout_path="/l/%N.out", unexpanded_paths=("stdout_path",))

    assert shown["stdout"] == "/l/%N.out"
    assert shown["paths"] == "stdout_path: patterns (%) not known before it starts"


def test_what_a_job_did_not_ask_for_is_not_told():
    shown = lines(request=JobRequest())

    assert "asked for" not in shown
    assert "paths" not in shown
