import pytest

from slurmfleet.cli.errors import AnsweredError, ExitCode, exit_code_of
from slurmfleet.contracts.problems import ProblemCode


def test_every_problem_code_but_internal_has_an_exit_code_of_its_own():
    failed = [code for code in ProblemCode if exit_code_of(code) is ExitCode.FAILED]

    assert failed == [ProblemCode.INTERNAL]


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (400, ExitCode.USAGE),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.REFUSED),
        (503, ExitCode.UNREACHABLE),
        (500, ExitCode.FAILED),
        (0, ExitCode.FAILED),
    ],
)
def test_a_code_of_a_newer_api_is_judged_by_its_status(status: int, exit_code: ExitCode):
    assert AnsweredError("new", code="brand_new", status=status).exit_code is exit_code


def test_exit_codes_are_the_promised_numbers():
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5]
