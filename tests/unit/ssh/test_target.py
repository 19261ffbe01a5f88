"""Names of servers and the way to them."""

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.target import Endpoint, Hop, parse_hops


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("bastion", (Hop(host="bastion"),)),
        ("alice@bastion:2222", (Hop(host="bastion", port=2222, user="alice"),)),
        ("alice@site@bastion", (Hop(host="bastion", user="alice@site"),)),
        ("[fe80::1]:22", (Hop(host="fe80::1", port=22),)),
        ("fe80::1", (Hop(host="fe80::1"),)),
        ("one, bob@two:23", (Hop(host="one"), Hop(host="two", port=23, user="bob"))),
    ],
)
def test_jump_is_read_as_ssh_reads_it(text: str, hops: tuple[Hop, ...]):
    assert parse_hops(text) == hops


@pytest.mark.parametrize("text", ["", "alice@", ":22", "one,,two", "host:0", "host:65536", "h:x"])
def test_jump_without_a_host_or_with_an_impossible_port_is_refused(text: str):
    with pytest.raises(ValueError, match=r"is not"):
        parse_hops(text)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (Endpoint(cluster=ClusterName("alpha"), host="login"), "login"),
        (Endpoint(cluster=ClusterName("alpha"), host="login", user="bob"), "bob@login"),
        (Endpoint(cluster=ClusterName("alpha"), host="login", port=23), "[login]:23"),
    ],
)
def test_endpoint_is_named_as_known_hosts_names_it(endpoint: Endpoint, text: str):
    assert str(endpoint) == text
