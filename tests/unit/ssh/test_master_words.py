"""What OpenSSH's client is told as a guest of a master, and what it says."""

from pathlib import Path

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.master_words import (
    Complaint,
    MasterPlace,
    check_argv,
    complaint,
    first_words,
    guest_argv,
    opening_command,
    parse_check,
    parse_place,
)
from slurmfleet.ssh.target import SshTarget

TARGET = SshTarget(
    cluster=ClusterName("alpha"),
    host="login",
    port=2222,
    user="ada",
    jump="bob@gate",
    control_path="~/.ssh/cm-%C",
)
PLACE = MasterPlace(host="login.example.org", user="ada", port=2222, control_path="/h/.ssh/cm-1")


def test_a_guest_can_do_nothing_but_use_the_master():
    argv = guest_argv(TARGET, "echo 'a b'")

    assert argv[:3] == ("ssh", "-S", "~/.ssh/cm-%C")
    assert argv[-3:] == ("--", "login", "echo 'a b'")
    assert {"ProxyCommand=false", "ControlMaster=no", "BatchMode=yes"} <= set(argv)


def test_a_check_names_no_command():
    assert check_argv(TARGET)[-4:] == ("-O", "check", "--", "login")


def test_the_opening_command_says_all_that_is_configured():
    assert opening_command(TARGET, PLACE) == (
        "ssh -M -S /h/.ssh/cm-1 -o ControlPersist=8h -fN -p 2222 -J bob@gate ada@login"
    )


def test_the_users_own_configuration_is_read_without_being_named():
    own = Path("~/.ssh/config").expanduser()
    target = SshTarget(cluster=ClusterName("alpha"), host="login", config_files=(own,))

    assert opening_command(target, None) == "ssh -M -o ControlPersist=8h -fN login"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("user ada\nhostname login\nport 22\ncontrolpath /h/a b\n", "/h/a b"),
        ("user ada\nhostname login\nport 22\ncontrolpath none\n", ""),
        ("user ada\nhostname login\nport 22\n", ""),
    ],
)
def test_what_ssh_says_of_a_host_is_read(text: str, path: str):
    assert parse_place(text) == MasterPlace(host="login", user="ada", port=22, control_path=path)


@pytest.mark.parametrize(
    ("text", "pid"),
    [
        ("Master running (pid=4711)\r\n", 4711),
        ("Control socket connect(/h/x): Connection refused\r\n", None),
    ],
)
def test_the_answer_to_a_check_is_read(text: str, pid: int | None):
    assert parse_check(text) == pid


@pytest.mark.parametrize(
    ("stderr", "meaning"),
    [
        (
            "mux_client_request_session: session request failed: Session open refused by peer",
            Complaint.REFUSED,
        ),
        ("Control socket connect(/h/x): Connection refused\r\n", Complaint.NO_MASTER),
        ("mux_client_hello_exchange: write packet: Broken pipe\r\n", Complaint.LOST),
        ("", Complaint.LOST),
    ],
)
def test_what_ssh_complains_of_is_understood(stderr: str, meaning: Complaint):
    assert complaint(stderr) is meaning


def test_the_first_words_are_the_ones_that_tell():
    assert first_words("\r\nfirst\r\nsecond\r\n") == "first"
    assert first_words("") == "it said nothing"
