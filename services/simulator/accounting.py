"""What slurmdbd knows: one row per run of a job, a while after it happened."""

import dataclasses
from collections import deque
from collections.abc import Iterator

from services.simulator.model import Job

RowKey = tuple[int, int]
"""A run: the raw id and when this run was submitted (a requeue changes it)."""


class Accounting:
    """Rows of runs, fed by slurmctld through a queue that can lag or stand still."""

    def __init__(self) -> None:
        """Start empty."""
        self.lag_s = 0
        self.is_down = False
        """While down nothing arrives; what slurmctld kept for it arrives afterwards."""

        self._underway: deque[tuple[int, Job]] = deque()
        self._rows: dict[RowKey, Job] = {}
        self._by_id: dict[int, dict[RowKey, None]] = {}

    def record(self, job: Job, *, at: int) -> None:
        """Tell accounting how a job stands now."""
        self._underway.append((at, dataclasses.replace(job)))

    def settle(self, now: int) -> None:
        """Take in what has arrived by now."""
        while self._underway and not self.is_down:
            at, row = self._underway[0]
            if at + self.lag_s > now:
                return
            self._underway.popleft()
            self._store(row)

    def rows(self) -> Iterator[Job]:
        """Give every row, oldest first."""
        return iter(self._rows.values())

    def rows_of(self, number: int) -> list[Job]:
        """Give the rows of a raw id, of all of an array, or of all of a het job; oldest first."""
        return [self._rows[key] for key in self._by_id.get(number, ())]

    def forget(self, ended_before: int) -> int:
        """Drop the rows of runs that ended before a moment; give how many."""
        old = [
            key
            for key, row in self._rows.items()
            if row.ended_at is not None and row.ended_at < ended_before
        ]
        for key in old:
            row = self._rows.pop(key)
            for number in _numbers(row):
                keys = self._by_id[number]
                keys.pop(key, None)
                if not keys:
                    del self._by_id[number]
        return len(old)

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self._rows)

    def _store(self, row: Job) -> None:
        key = (row.raw_id, row.submitted_at)
        self._rows[key] = row
        for number in _numbers(row):
            self._by_id.setdefault(number, {})[key] = None


def _numbers(row: Job) -> set[int]:
    """Give the ids under which sacct finds a row."""
    return {row.raw_id, row.array_id or row.raw_id, row.het_id or row.raw_id}
