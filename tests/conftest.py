"""Options that every suite shares."""

import os
import re

import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

_TESTBED = "tests/slurm/"
_NEWER = re.compile(r"[\[-](?:beta|gamma)[\]-]")
"""What a test that is about one of these clusters has in its name."""


def pytest_configure() -> None:
    """Log tracebacks as services do; with the values of all variables each takes five seconds."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-services",
        action="store_true",
        default=os.environ.get("CI") == "true",
        help="an absent part (Slurm, sshd, …) fails its tests instead of skipping; so in CI",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="record golden bytes and field numbers of what has none yet",
    )


class _ByFileOrTestbed(LoadFileScheduling):
    """Keeps the tests of a file in one process; those on real clusters by cluster, in two.

    Two halves that take about as long: each starts a stack and the clusters that it asks for.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith(_TESTBED):
            return file
        return f"{_TESTBED}{'newer' if _NEWER.search(nodeid) else 'older'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Take over `--dist loadfile`; marks of `loadgroup` are not seen under pytest 9.2."""
    return _ByFileOrTestbed(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """With --require-services, turn the skip of an absent part into a failure."""
    report = yield
    required = item.config.getoption("--require-services")
    if required and report.skipped and not hasattr(report, "wasxfail"):
        skipped = call.excinfo
        reason = str(skipped.value) if skipped is not None else ""
        if not reason.startswith("by design:"):
            report.outcome = "failed"
            report.longrepr = f"--require-services: {item.nodeid} was skipped: {reason}"
    return report
