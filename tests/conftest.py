"""Options that every suite shares."""

import os

import pytest


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
