"""The corpus of attacks on a real Slurm: what reaches its shells and its queue stays text."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.harness.attacks import attacks
from tests.harness.sites import RealSite, Site
from tests.harness.stack import Stack

SCRIPT = "#!/bin/bash\ntrue\n"
FAMILIES = ("shell", "terminal", "subject", "sql", "path", "unicode", "header")
FIELDS = ("job-name", "comment", "output", "option", "work_dir", "account")


@pytest.fixture(scope="module")
def site(watched: Callable[[str], RealSite], stack: Stack) -> Site:
    site = watched("alpha")
    stack.eventually(
        "alpha has been seen",
        lambda: stack.cluster("alpha"),
        lambda cluster: cluster["observed_at"] is not None,
    )
    return site


@pytest.fixture
def canaries() -> Iterator[Path]:
    """Give a folder that everybody on the login node may write to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def texts(canaries: Path) -> list[str]:
    return [text for family, text in attacks(str(canaries / "canary")) if family in FAMILIES]


def submission(site: Site, field: str, text: str) -> dict[str, object]:
    """Give a request to submit with an attack in one of its fields."""
    options: dict[str, object] = {"partition": site.cpu_partition, "hold": True}
    body: dict[str, object] = {"cluster": site.name, "script": SCRIPT, "options": options}
    match field:
        case "option":
            options[text] = "x"
        case "work_dir":
            body["work_dir"] = text
        case _:
            options[field] = text
    return body


def test_what_is_submitted_runs_nothing_but_the_script(site: Site, stack: Stack, canaries: Path):
    def send(at: int, text: str) -> httpx.Response:
        # Each attack in one field, the next one in the next: all in all would cost minutes.
        body = submission(site, FIELDS[at % len(FIELDS)], text)
        return httpx.post(f"{stack.api}/v1/jobs:submit", json=body, timeout=120)

    corpus = texts(canaries)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(len(corpus)), corpus))
    taken = [one.json()["job_id"] for one in answers if one.status_code == 201]
    queued = site.run(f"squeue -h -j {','.join(taken)} -o '%i'").split()
    site.run(f"scancel {' '.join(taken)}")

    assert list(canaries.iterdir()) == []
    counts = Counter(one.status_code for one in answers)
    assert not [status for status in counts if status >= 500], counts
    assert counts[201] > len(corpus) / 4, counts
    assert set(queued) == set(taken)
    for text, answer in zip(corpus, answers, strict=True):
        assert answer.status_code in {201, 400, 409}, (text, answer.text)


def test_no_id_of_a_job_is_a_command(site: Site, stack: Stack, canaries: Path):
    def send(text: str) -> int:
        named = {"cluster": site.name, "job_id": text}
        answer = httpx.post(f"{stack.api}/v1/jobs:cancel", json={"jobs": [named]}, timeout=60)
        done = answer.status_code == httpx.codes.OK and answer.json()["ok"]
        assert not done, (text, answer.text)
        return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(send, texts(canaries)))

    assert list(canaries.iterdir()) == []
    assert statuses <= {200, 400}
