from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.errors import HostlistTooLargeError, MalformedValueError, SlurmParseError
from slurmfleet.slurm.hostlist import expand_hostlist, node_names


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("gpu[01-03,07],cpu01", ("gpu01", "gpu02", "gpu03", "gpu07", "cpu01")),
        ("node001", ("node001",)),
        ("n[9-11]", ("n9", "n10", "n11")),
        ("r[1-2]n[01-02]", ("r1n01", "r1n02", "r2n01", "r2n02")),
        ("a[1]-ib,b.x", ("a1-ib", "b.x")),
        ("", ()),
        ("(null)", ()),
        ("None assigned", ()),
    ],
)
def test_hostlist_is_expanded(text: str, hosts: tuple[str, ...]):
    assert expand_hostlist(text) == hosts


@pytest.mark.parametrize(
    "text", ["gpu[01-03", "gpu]", "a,,b", "a,", ",a", "gpu[]", "gpu[3-1]", "gpu[a-b]", "a b"]
)
def test_what_is_no_hostlist_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        expand_hostlist(text)


@pytest.mark.parametrize(
    "text", ["n[0-999999999999]", "r[1-9]n[1-9]", "a,b,c,d,e,f,g,h,i,j,k", "a" * 1_000_001]
)
def test_a_hostlist_of_too_many_hosts_is_refused_before_it_is_built(text: str):
    with pytest.raises(HostlistTooLargeError):
        expand_hostlist(text, limit=10)


def test_a_hostlist_may_be_as_large_as_the_limit():
    assert len(expand_hostlist("n[1-10]", limit=10)) == 10


@given(st.lists(st.integers(0, 999), min_size=1, max_size=20))
def test_numbers_keep_their_zeros(numbers: list[int]):
    listed = ",".join(f"{number:03}" for number in numbers)

    assert expand_hostlist(f"gpu[{listed}]") == tuple(f"gpu{number:03}" for number in numbers)


@given(st.text())
def test_no_text_makes_it_fail_in_another_way(text: str):
    hosts: tuple[str, ...] = ()
    with suppress(SlurmParseError):
        hosts = expand_hostlist(text, limit=50)

    assert len(hosts) <= 50


def test_a_jobs_nodes_are_named_up_to_a_limit():
    names, is_all = node_names("gpu[0001-2000]")

    assert (len(names), names[0], names[-1], is_all) == (1_024, "gpu0001", "gpu1024", False)
    assert node_names("gpu[01-02],cpu1") == (("gpu01", "gpu02", "cpu1"), True)
    assert node_names("") == ((), True)


def test_nodes_that_cannot_be_named_are_told_to_be_missing():
    assert node_names("gpu[") == ((), False)
    assert node_names("gpu[1-9999999]") == ((), False)


@pytest.mark.parametrize("text", ["a" * 300, "a" * 250 + "[000001-2]", "a[1-2]" * 200])
def test_a_name_that_no_host_has_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        expand_hostlist(text)


def test_a_product_of_brackets_is_refused_before_it_is_built():
    with pytest.raises(HostlistTooLargeError):
        expand_hostlist("a" + "[1-9]" * 200)
