"""Whose jobs a question is about; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from slurmfleet.contracts.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Users and accounts; a job of one of either is covered."""

    users: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    """In lower case, as Slurm keeps them."""

    everybody: bool = False

    @classmethod
    def of(cls, users: Iterable[str], accounts: Iterable[str] = ()) -> Self:
        """Cover users and accounts, as a person wrote them."""
        return cls(users=frozenset(users), accounts=frozenset(one.lower() for one in accounts))

    def has(self, job: Job) -> bool:
        """Whether a job is covered."""
        return self.everybody or job.user in self.users or job.account.lower() in self.accounts


EVERYBODY = Coverage(everybody=True)
