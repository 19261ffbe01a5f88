"""Which host keys are trusted; no server needed."""

from pathlib import Path

import asyncssh
import pytest

from slurmfleet.ssh.hostkeys import (
    HostKeyJudgement,
    HostKeyTrust,
    HostKeyVerdict,
    ShownHostKey,
    read_trust,
    shown_host_key,
)

HASHED_LOGIN = "|1|cX0z0AESN7rRLR081OBYDFAlPxc=|umudL0EqHY+yM/+vxwobp0YiIuo="
"""`login` after `ssh-keygen -H` of OpenSSH 9.2."""


def new_key(algorithm: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(algorithm).convert_to_public()


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


OURS, THEIRS, RSA = new_key(), new_key(), new_key("ssh-rsa")


def judge(trust: HostKeyTrust, key: asyncssh.SSHKey, port: int = 22) -> HostKeyJudgement:
    return trust.judge("login", "192.0.2.1", port, key)


def verdict(name: HostKeyVerdict, *expected: asyncssh.SSHKey) -> HostKeyJudgement:
    return HostKeyJudgement(
        verdict=name, expected=tuple(sorted(one.get_fingerprint() for one in expected))
    )


def test_nothing_is_trusted_by_default():
    trust = HostKeyTrust(pinned="", known_hosts="")

    assert judge(trust, OURS) == verdict(HostKeyVerdict.UNKNOWN)


@pytest.mark.parametrize("name", ["login", "192.0.2.1", "log*", "login,192.0.2.1"])
def test_pinned_key_is_trusted_by_name_address_or_pattern(name: str):
    trust = HostKeyTrust(pinned=f"{name} {public(OURS)}", known_hosts="")

    assert judge(trust, OURS) == verdict(HostKeyVerdict.TRUSTED, OURS)
    assert judge(trust, THEIRS) == verdict(HostKeyVerdict.CHANGED, OURS)


def test_key_of_another_host_says_nothing():
    trust = HostKeyTrust(pinned=f"other {public(OURS)}", known_hosts="")

    assert judge(trust, OURS) == verdict(HostKeyVerdict.UNKNOWN)


def test_key_of_another_port_says_nothing():
    trust = HostKeyTrust(pinned=f"[login]:2222 {public(OURS)}", known_hosts="")

    assert judge(trust, OURS, port=22) == verdict(HostKeyVerdict.UNKNOWN)
    assert judge(trust, OURS, port=2222) == verdict(HostKeyVerdict.TRUSTED, OURS)


def test_several_pins_are_all_trusted():
    trust = HostKeyTrust(pinned=f"login {public(OURS)}\nlogin {public(RSA)}", known_hosts="")

    assert judge(trust, RSA) == verdict(HostKeyVerdict.TRUSTED, OURS, RSA)
    assert judge(trust, THEIRS) == verdict(HostKeyVerdict.CHANGED, OURS, RSA)


def test_known_hosts_count_only_where_nothing_is_pinned():
    known = f"login {public(THEIRS)}"

    unpinned = HostKeyTrust(pinned=f"other {public(OURS)}", known_hosts=known)
    pinned = HostKeyTrust(pinned=f"login {public(OURS)}", known_hosts=known)

    assert judge(unpinned, THEIRS) == verdict(HostKeyVerdict.TRUSTED, THEIRS)
    assert judge(pinned, THEIRS) == verdict(HostKeyVerdict.CHANGED, OURS)


def test_revoked_beats_trusted():
    trust = HostKeyTrust(
        pinned=f"login {public(OURS)}\n@revoked login {public(OURS)}", known_hosts=""
    )

    assert judge(trust, OURS) == verdict(HostKeyVerdict.REVOKED, OURS)


def test_hashed_names_of_openssh_are_understood():
    trust = HostKeyTrust(pinned="", known_hosts=f"{HASHED_LOGIN} {public(OURS)}")

    assert judge(trust, OURS) == verdict(HostKeyVerdict.TRUSTED, OURS)


@pytest.mark.parametrize(
    "line", ["login ssh-ed25519 rubbish", "login", "@revoked login rubbish", "ssh-ed25519 AAAA"]
)
def test_pinned_line_without_a_key_is_refused(line: str):
    with pytest.raises(ValueError, match="holds no key"):
        HostKeyTrust(pinned=line, known_hosts=f"login {public(OURS)}")


def test_comments_and_empty_lines_are_skipped():
    trust = HostKeyTrust(pinned=f"# pinned\n\nlogin {public(OURS)} by bob", known_hosts="")

    assert judge(trust, OURS) == verdict(HostKeyVerdict.TRUSTED, OURS)


def test_algorithms_of_trusted_keys_are_asked_for_first():
    ed25519 = HostKeyTrust(pinned=f"login {public(OURS)}", known_hosts="")
    rsa = HostKeyTrust(pinned=f"login {public(RSA)}", known_hosts="")

    assert ed25519.algorithms("login", 22)[0] == "ssh-ed25519"
    assert rsa.algorithms("login", 22)[:2] == ["rsa-sha2-256", "rsa-sha2-512"]
    assert sorted(ed25519.algorithms("login", 22)) == sorted(rsa.algorithms("login", 22))


def test_certificates_are_asked_for_only_of_a_known_authority():
    plain = HostKeyTrust(pinned=f"login {public(OURS)}", known_hosts="")
    authority = HostKeyTrust(pinned=f"@cert-authority login {public(OURS)}", known_hosts="")

    assert [name for name in plain.algorithms("login", 22) if "cert" in name] == []
    assert "cert" in authority.algorithms("login", 22)[0]


def test_shown_key_is_written_as_a_known_hosts_line():
    shown = (shown_host_key("login", 22, OURS), shown_host_key("login", 2222, OURS))

    fingerprint = OURS.get_fingerprint()
    assert shown == (
        ShownHostKey(fingerprint=fingerprint, line=f"login {public(OURS)}"),
        ShownHostKey(fingerprint=fingerprint, line=f"[login]:2222 {public(OURS)}"),
    )


def test_files_are_joined_and_missing_ones_are_empty(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(f"login {public(OURS)}")
    second.write_text(f"login {public(RSA)}\n")

    trust = read_trust((), (first, tmp_path / "missing", second))

    assert judge(trust, RSA) == verdict(HostKeyVerdict.TRUSTED, OURS, RSA)
