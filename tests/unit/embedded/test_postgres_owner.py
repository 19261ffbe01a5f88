import pytest

from slurmfleet.embedded.postgres_owner import setpriv_options

READ_SEARCH, OVERRIDE, SETPCAP = 1 << 2, 1 << 1, 1 << 8
USER = ["--reuid=101", "--regid=104", "--clear-groups", "--no-new-privs"]


@pytest.mark.parametrize(
    ("capabilities", "kept"),
    [
        (READ_SEARCH | OVERRIDE, "-all,+dac_read_search"),
        (OVERRIDE, "-all,+dac_override"),
        (0, "-all"),
    ],
)
def test_the_weakest_capability_that_looks_through_folders_is_kept(capabilities: int, kept: str):
    assert setpriv_options(101, 104, capabilities) == [
        *USER,
        f"--inh-caps={kept}",
        f"--ambient-caps={kept}",
        "--",
    ]


def test_who_may_also_shrinks_what_can_ever_be_had():
    assert setpriv_options(101, 104, READ_SEARCH | SETPCAP)[-3:] == [
        "--bounding-set=-all,+dac_read_search",
        "--securebits=+no_setuid_fixup,+no_setuid_fixup_locked",
        "--",
    ]
