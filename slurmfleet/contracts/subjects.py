"""Where on the bus a message lives; built and parsed here alone.

fleet.v1.<cluster>.<noun>.<verb>     facts
fleet.v1.cmd.<cluster>.<verb>        commands to the cluster's collector
fleet.v1.admin.<service>.<verb>      commands to a service of our own
fleet.v1.audit.<phase>               audit records
fleet.dead.v1.<consumer>             facts that a consumer could not use
"""

from dataclasses import dataclass

from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.nouns import Noun

ALL_FACTS = tuple(f"fleet.v1.*.{noun}.*" for noun in Noun)
"""Subjects that carry facts; commands, with `cmd` as second token, do not match."""

ALL_DEAD_LETTERS = "fleet.dead.v1.*"
ALL_AUDIT = "fleet.v1.audit.*"
PROJECTOR = "projector"
"""The service that keeps the tables, and is asked about them."""

_FACT_TOKENS = 5


class MalformedSubjectError(ValueError):
    """A subject that no slurmfleet process would have built."""

    def __init__(self, subject: str) -> None:
        """Keep the subject."""
        super().__init__(f"{subject[:200]!r} is not a fact's subject")
        self.subject = subject


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSubject:
    """A fact's subject, taken apart."""

    cluster: ClusterName
    noun: Noun
    verb: str


def fact_subject(fact: Fact) -> str:
    """Give the subject of a fact."""
    return f"fleet.v1.{fact.cluster}.{fact.noun}.{fact.verb}"


def parse_fact_subject(subject: str) -> FactSubject:
    """Take a fact's subject apart.

    Raises:
        MalformedSubjectError: It is not one of ours.
    """
    tokens = subject.split(".")
    if len(tokens) != _FACT_TOKENS or tokens[:2] != ["fleet", "v1"]:
        raise MalformedSubjectError(subject)
    try:
        return FactSubject(
            cluster=cluster_name(tokens[2]), noun=Noun(tokens[3]), verb=_verb(tokens[4])
        )
    except Exception as exc:
        raise MalformedSubjectError(subject) from exc


def command_subject(cluster: ClusterName, verb: str) -> str:
    """Give the subject on which a cluster's collector serves a command."""
    return f"fleet.v1.cmd.{cluster}.{_verb(verb)}"


def cluster_commands(cluster: ClusterName) -> str:
    """Give the wildcard over all commands of a cluster."""
    return f"fleet.v1.cmd.{cluster}.*"


def admin_subject(service: str, verb: str) -> str:
    """Give the subject on which one of our services serves a command; no noun is named so."""
    return f"fleet.v1.admin.{_verb(service)}.{_verb(verb)}"


def audit_subject(phase: str) -> str:
    """Give the subject of an audit record; facts have one token more."""
    return f"fleet.v1.audit.{_verb(phase)}"


def dead_letter_subject(consumer: str) -> str:
    """Give the subject to which a consumer copies what it could not use."""
    return f"fleet.dead.v1.{_verb(consumer)}"


def _verb(token: str) -> str:
    if not token.replace("_", "").isalnum() or not token.isascii():
        raise MalformedSubjectError(token)
    return token
