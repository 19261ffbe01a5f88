"""What is said before a host key is trusted."""

from slurmfleet.cli.commands.hosts import warning_text
from slurmfleet.contracts.commands import HostKey, HostKeyReport

KEY = HostKey(line="h ssh-ed25519 AAAA", fingerprint="SHA256:new", algorithm="ssh-ed25519")


def test_a_first_key_is_shown_for_comparison():
    report = HostKeyReport(host="h", port=22, keys=(KEY,))

    assert warning_text("alpha", report) == (
        "alpha (h:22) shows these keys:\n"
        "  SHA256:new ssh-ed25519\n"
        "Compare them with what your site publishes."
    )


def test_a_changed_key_is_a_warning_that_names_old_and_new():
    report = HostKeyReport(host="h", port=22, keys=(KEY,), changed=True)

    said = warning_text("alpha", report, "expected SHA256:old, got SHA256:new")

    assert said.splitlines() == [
        "WARNING: THE HOST KEY OF alpha (h:22) HAS CHANGED.",
        "Either its administrators have made a new one, or somebody stands in between.",
        "A connection says: expected SHA256:old, got SHA256:new",
        "Shown now:",
        "  SHA256:new ssh-ed25519",
        "Ask the administrators before you trust it.",
    ]
