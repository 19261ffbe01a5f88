"""Queries as text, and what cannot get into them."""

from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.site.prometheus import equals, is_told, one_of, selector


def test_a_selector_names_metrics_matchers_and_a_window():
    query = selector(("a", "b:c"), (equals("cluster", "alpha"), is_told("hpc_job")), window_s=1.5)

    assert query == '{__name__=~"(?:a|b:c)",cluster="alpha",hpc_job!=""}[1500ms]'


def test_values_are_taken_literally():
    assert one_of("Hostname", ("gpu.1", "a|b"), tail=r"(?:[.:].*)?") == (
        r'Hostname=~"(?:gpu\\.1|a\\|b)(?:[.:].*)?"'
    )
    assert equals("x", 'a"} or up{y="\\') == r'x="a\"} or up{y=\"\\"'


@given(st.text(max_size=60))
def test_no_value_ends_its_string(value: str):
    for matcher in (equals("x", value), one_of("x", (value,))):
        inside = matcher.partition('"')[2][:-1]
        assert "\n" not in inside
        assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
