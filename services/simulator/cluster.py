"""One simulated cluster: what users, operators and administrators do to it.

A hold and a suspension concern every component of a heterogeneous job, and so does cancelling the
first one.

Source: scontrol(1), scancel(1), heterogeneous_jobs.html of Slurm 24.11.
"""

from collections.abc import Sequence

from services.simulator.execution import ENDED_BY_SIGNAL, Execution, count_pause
from services.simulator.model import Job, Request, State
from services.simulator.reservations import Reservation


class Cluster(Execution):
    """A cluster that is moved by `advance`; methods act at the moment it stands at."""

    # What users do.

    def submit(self, request: Request) -> Job:
        """Take a job in; the caller has checked the request."""
        job = self._job(request)
        if request.tasks:
            job.array_id = job.raw_id
            job.waiting = request.tasks
        self._queue(job)
        return job

    def submit_together(self, requests: Sequence[Request]) -> list[Job]:
        """Take a heterogeneous job in; gives its components, the leading one first."""
        parts = [self._job(request) for request in requests]
        for offset, part in enumerate(parts):
            part.het_id, part.het_offset = parts[0].raw_id, offset
            self._queue(part)
        return parts

    def cancel(self, job: Job, *, uid: int) -> None:
        """End a job because somebody said so; one that is over stays as it is."""
        for part in self._ending_with(job):
            part.cancelled_by = uid
            if part.state is State.PENDING:
                part.started_at = self.now
                self._finish(part, State.CANCELLED, reason=part.reason)
            else:
                part.queue_exit = ENDED_BY_SIGNAL
                self._finish(part, State.CANCELLED, reason="None")

    def cancel_task(self, job: Job, task: int, *, uid: int) -> None:
        """End one waiting task of an array."""
        self.cancel(self._split(job, task), uid=uid)

    def hold(self, job: Job, *, by_admin: bool = False) -> None:
        """Keep a waiting job from starting."""
        for part in self.components(job):
            if part.state is State.PENDING:
                part.held = part.reason = "JobHeldAdmin" if by_admin else "JobHeldUser"
                part.priority = 0
                part.eligible_at = part.expected_at = None
                self._note(part)

    def release(self, job: Job) -> None:
        """Let a held job go on."""
        for part in self.components(job):
            if part.state is State.PENDING and part.held:
                part.held = ""
                part.reason = "None"
                part.priority = self._priority(part.request)
                self._note(part)
                self._changed()

    def suspend(self, job: Job) -> bool:
        """Stop a running job, which keeps what it has; False where that cannot be done.

        Slurm would let others use its CPUs meanwhile; here they stay taken.
        """
        parts = [part for part in self.components(job) if part.state is State.RUNNING]
        if not parts or any(part.is_booting for part in parts):
            return False
        for part in parts:
            part.state = State.SUSPENDED
            part.suspended_at = self.now
            self._note(part)
        return True

    def resume(self, job: Job) -> bool:
        """Let a suspended job go on; False where it is not suspended."""
        parts = [part for part in self.components(job) if part.state is State.SUSPENDED]
        for part in parts:
            count_pause(part, self.now)
            part.state = State.RUNNING
            self._note(part)
            self._plan_end(part)
        return bool(parts)

    # What administrators and hardware do.

    def fail_boot(self, name: str, *, for_s: int = 1800) -> bool:
        """Let a node not boot for the next job that gets it; False while it is in use.

        When that job has waited `BOOT_WAIT_S`, the node is down for `for_s`.
        """
        node = self.nodes[name]
        if node.jobs or node.status:
            return False
        node.boot_fails_for_s = for_s
        return True

    def drain_node(self, name: str, *, note: str) -> None:
        """Let a node's jobs end and start no more on it."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at = "DRAIN", note, self.now
        self._changed()

    def reserve(self, reservation: Reservation) -> None:
        """Keep nodes from the scheduler; at its end they are everybody's again."""
        self.reservations[reservation.name] = reservation
        self._changed()
        self.at(reservation.ends_at, lambda: self.unreserve(reservation.name, only=reservation))

    def unreserve(self, name: str, *, only: Reservation | None = None) -> bool:
        """End a reservation; False where there is none, or another one than meant."""
        if name not in self.reservations or self.reservations[name] is not (
            only or self.reservations[name]
        ):
            return False
        del self.reservations[name]
        self._changed()
        return True

    # How a job gets into the queue.

    def _job(self, request: Request) -> Job:
        return Job(
            raw_id=self._take_id(),
            request=request,
            submitted_at=self.now,
            priority=0 if request.hold else self._priority(request),
            held=request.hold,
            begin_at=request.begin_at,
        )

    def _queue(self, job: Job) -> None:
        if job.held:
            job.reason = job.held
        elif job.begin_at > self.now:
            job.reason = "BeginTime"
        self._enter(job)
        self._changed()
        self._watch_deadline(job)
        if job.begin_at > self.now:
            self.at(job.begin_at, self._changed)
