"""Serves the commands of one cluster: test, scan host keys, look, diagnose, adopt, tell again.

Those about files are in `files.serving`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from pydantic import BaseModel

from services.collector.acting import JobActor
from services.collector.diagnosis import diagnose
from services.collector.files.desk import FileDesk
from services.collector.files.serving import file_verbs
from services.collector.jobs.tracked import Tracked
from services.collector.looks.asking import ask_probe
from services.collector.requests import needs, request_of
from services.collector.round_trip import IncompleteAnswerError
from services.collector.scripts.desk import data_machine
from services.collector.settings import CollectorSettings
from services.collector.station import Station
from services.collector.steps import steps_taken, steps_up_to
from services.collector.submitting import Submitter
from services.collector.target import problem_code, ssh_target
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.actions import ActReport, ActRequest
from slurmfleet.contracts.commands import (
    AdoptedJob,
    AdoptReport,
    AdoptRequest,
    ConnectionReport,
    Diagnosis,
    HostKey,
    HostKeyReport,
    RefreshReport,
    Reply,
    RollReport,
    Step,
    TellAgainReport,
    TellAgainRequest,
    Verb,
    problem_body,
)
from slurmfleet.contracts.documents import PathBase
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_codec import job_from_bytes
from slurmfleet.contracts.mounts import MountRequest
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.scripts import ScriptReport, ScriptRequest
from slurmfleet.contracts.submission import SubmitReport, SubmitRequest
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.errors import SshError, SshLaneBusyError
from slurmfleet.ssh.hostkeys import ShownHostKey
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.scan import scan_host_key
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.budget import Budget
from slurmfleet.timing.clock import Clock

_SCAN_LIMIT_S = 20.0
_TEST_LIMIT_S = 30.0
_ODD_CLOCK_S = 30.0
"""A login node whose clock is further off than this makes ages and timelines misleading."""


class ClusterCommands:
    """What may be asked about one cluster."""

    def __init__(
        self,
        station: Station,
        settings: CollectorSettings,
        clock: Clock,
        *,
        bases: Callable[[], Awaitable[Sequence[PathBase]]] | None = None,
    ) -> None:
        """Serve for the cluster of `station`, over its link.

        Args:
            station: The cluster.
            settings: Limits and paths.
            clock: For durations.
            bases: Gives where the group's logs and runs lie; None: nowhere of the group's.
        """
        self._station = station
        self._settings = settings
        self._clock = clock
        self._actor = JobActor(
            station.config.name,
            link=station.link,
            clock=clock,
            probe=lambda: station.known.probe,
            memory=lambda: station.book.memory,
            spend=station.people.spend,
            on_acted=station.watch.wake,
        )
        self._submitter = Submitter(
            link=station.link,
            probe=lambda: station.known.probe,
            spend=station.people.spend,
            on_acted=station.watch.wake,
        )
        self._verbs: dict[str, Callable[[bytes], Awaitable[BaseModel]]] = {
            Verb.TEST_CONNECTION: lambda _: self.test_connection(),
            Verb.SCAN_HOST_KEYS: lambda _: self.scan_host_keys(),
            Verb.REFRESH: lambda _: self.refresh(),
            Verb.DIAGNOSE: lambda _: self.diagnose(),
            Verb.ADOPT: self.adopt,
            Verb.TELL_AGAIN: self.tell_again,
            Verb.CALL_ROLL: lambda _: self.call_roll(),
            Verb.ACT: self.act,
            Verb.SUBMIT: self.submit,
            Verb.RUN_SCRIPT: self.run_script,
            Verb.SHOW_MOUNTS: lambda _: station.mounts.report(),
            Verb.MOUNT: lambda body: station.mounts.act(request_of(MountRequest, body)),
            **file_verbs(
                FileDesk(
                    link=station.link,
                    clock=clock,
                    probe=lambda: station.known.probe,
                    bases=bases or _no_bases,
                    mounted=station.mounts.local_path,
                )
            ),
        }

    async def handle(self, request: Message) -> BusReply:
        """Answer one request; the verb is the last token of its subject."""
        verb = request.subject.rpartition(".")[2]
        reply: Reply[BaseModel]
        try:
            reply = Reply(result=await self._verbs.get(verb, _unknown_verb)(request.body))
        except ProblemError as exc:
            reply = Reply(problem=problem_body(exc))
        logger().info("command served", cluster=self._config.name, verb=verb)
        return BusReply(body=reply.model_dump_json(serialize_as_any=True).encode())

    async def test_connection(self) -> ConnectionReport:
        """Log in and ask Slurm's version, telling each step; lets go of a latched denial.

        Raises:
            ProblemError: So much is asked of the cluster for people that nothing was tried.
        """
        began_s = self._clock.monotonic_s()
        self._station.link.reset_latch()
        steps: list[Step] = []
        probe, epoch_s = await self._log_in(steps)
        offset_s = None
        if probe is not None and epoch_s is not None:
            offset_s = epoch_s - self._clock.now().timestamp()
            steps.append(_clock_step(offset_s))
        self._station.watch.wake()
        return ConnectionReport(
            ok=all(step.ok for step in steps),
            steps=tuple(steps),
            login_user=probe.user if probe is not None else "",
            slurm_version=probe.slurm_version if probe is not None else "",
            duration_s=self._clock.monotonic_s() - began_s,
            clock_offset_s=offset_s,
        )

    async def scan_host_keys(self) -> HostKeyReport:
        """Read the host keys that the login node shows, and say which are recorded.

        Raises:
            ProblemError: It cannot be reached, or nothing of ours looks at its keys.
        """
        if self._config.transport is not Transport.ASYNCSSH:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"{self._config.name} is reached by {self._config.transport}: no host key is ours "
                "to trust.",
                remedy="OpenSSH checks it when the master is opened; locally there is none.",
            )
        machines = [self._config]
        if self._config.data_host:
            machines.append(data_machine(self._config))
        shown = [await self._shown_keys(one) for one in machines]
        return HostKeyReport(
            host=self._config.host,
            port=self._config.port,
            keys=tuple(key for keys in shown for key in keys),
            changed=any(_has_changed(keys, self._config.host_keys) for keys in shown),
        )

    async def refresh(self) -> RefreshReport:
        """Look now; callers at the same time share the look."""
        asked_at = self._clock.now()
        sight = await self._station.watch.look_now()
        return RefreshReport(
            ok=sight.good and not sight.error,
            fresh=sight.started_at >= asked_at,
            started_at=sight.started_at,
            finished_at=sight.finished_at,
            error=sight.error,
        )

    async def diagnose(self) -> Diagnosis:
        """Tell what is known of the cluster; asks it nothing."""
        return await asyncio.to_thread(diagnose, self._station)

    async def adopt(self, body: bytes) -> AdoptReport:
        """Take up jobs that are not remembered: accounting will be asked about them.

        Raises:
            ProblemError: The body is no request.
        """
        with needs(AdoptRequest):
            request = AdoptRequest.model_validate_json(body)
            claims = tuple(_adopted(one, self._clock.now()) for one in request.jobs)
        adoption = await self._station.book.adopt(claims)
        self._station.inquiry.notice()
        return AdoptReport(adopted=adoption.adopted, told=adoption.told)

    async def tell_again(self, body: bytes) -> TellAgainReport:
        """Tell remembered jobs again, for whoever missed facts of them.

        Raises:
            ProblemError: The body is no request.
        """
        with needs(TellAgainRequest):
            request = TellAgainRequest.model_validate_json(body)
        jobs = tuple((JobId(one.job_id), one.submitted_at) for one in request.jobs)
        return TellAgainReport(told=await self._station.book.tell_again(jobs))

    async def act(self, body: bytes) -> ActReport:
        """Do something to jobs.

        Raises:
            ProblemError: The body is no request, or the cluster cannot be asked now.
        """
        return await self._actor.act(request_of(ActRequest, body))

    async def submit(self, body: bytes) -> SubmitReport:
        """Submit a job, or find the one that its token has submitted before.

        Raises:
            ProblemError: The body is no request, Slurm refuses it, or nobody knows.
        """
        return await self._submitter.submit(request_of(SubmitRequest, body))

    async def run_script(self, body: bytes) -> ScriptReport:
        """Run a person's script.

        Raises:
            ProblemError: The body is no request, it is not allowed here, or nobody knows.
        """
        return await self._station.scripts.run(request_of(ScriptRequest, body))

    async def call_roll(self) -> RollReport:
        """Tell all jobs that are remembered, those that are over as well.

        Raises:
            ProblemError: The cluster has not been seen well yet, so what is remembered may be old.
        """
        last = self._station.watch.last
        if last is None or not last.good:
            raise ProblemError(
                ProblemCode.CLUSTER_UNREACHABLE,
                f"{self._config.name} has not been seen well lately.",
                remedy="`slurmfleet cluster test` says why; ask again once a look has succeeded.",
            )
        return RollReport(named=await self._station.book.call_roll(with_ended=True))

    @property
    def _config(self) -> ClusterConfig:
        return self._station.config

    async def _shown_keys(self, machine: ClusterConfig) -> Sequence[HostKey]:
        try:
            shown = await self._scan(machine)
        except SshError as exc:
            raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
        return [
            HostKey(
                line=one.line,
                fingerprint=one.fingerprint,
                algorithm=_algorithm(one.line),
                trusted=one.line in self._config.host_keys,
                host=machine.host,
            )
            for one in shown
        ]

    async def _scan(self, machine: ClusterConfig) -> Sequence[ShownHostKey]:
        target = ssh_target(
            machine,
            known_hosts=self._settings.known_hosts,
            ssh_config=self._settings.ssh_config,
            connect_limit_s=self._settings.connect_limit_s,
        )
        return await scan_host_key(
            target, Budget(operation="read the host keys", limit_s=_SCAN_LIMIT_S)
        )

    async def _log_in(self, steps: list[Step]) -> tuple[Probe | None, int | None]:
        transport, host = self._config.transport, self._config.host
        try:
            probe, epoch_s = await ask_probe(
                self._station.link, limit_s=_TEST_LIMIT_S, lane=Lane.USER
            )
        except SshLaneBusyError as exc:
            raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
        except SshError as exc:
            steps += steps_up_to(transport, exc)
            return None, None
        except IncompleteAnswerError as exc:
            steps += steps_taken(transport, host=host)
            steps.append(Step(name="slurm", ok=False, detail=str(exc), remedy=str(exc)))
            return None, None
        steps += [
            *steps_taken(transport, host=host, user=probe.user),
            _well("slurm", f"version {probe.slurm_version}"),
        ]
        return probe, epoch_s


async def _no_bases() -> Sequence[PathBase]:
    return ()


async def _unknown_verb(body: bytes) -> BaseModel:
    del body
    raise ProblemError(
        ProblemCode.NOT_AVAILABLE_YET,
        "This collector does not serve that command.",
        remedy="Update it to the version of the service that asks.",
    )


def _adopted(one: AdoptedJob, now: datetime) -> Tracked:
    job = job_from_bytes(one.job)
    # A requeue moves the submit time of the run; the nearest that others know is its eligible time.
    of_run = job.eligible_at if job.restart_count else None
    return Tracked(
        job=job,
        revision=one.revision,
        observed_at=one.observed_at,
        source=one.source,
        run_submitted_at=of_run or job.submitted_at,
        missing_since=None if job.state.is_terminal else now,
        settled=job.state.is_terminal,
    )


def _well(name: str, detail: str = "") -> Step:
    return Step(name=name, ok=True, detail=detail)


def _clock_step(offset_s: float) -> Step:
    if abs(offset_s) <= _ODD_CLOCK_S:
        return _well("clock", f"{offset_s:+.1f} s")
    return Step(
        name="clock",
        ok=False,
        detail=f"The login node's clock is {offset_s:+.0f} s from ours.",
        remedy="Set the clock of this machine (NTP), or tell the cluster's admin.",
    )


def _has_changed(shown: Sequence[HostKey], recorded: Sequence[str]) -> bool:
    """Whether keys are recorded for a machine and it shows none of them."""
    names = {key.line.split()[0] for key in shown}
    is_known = any(line.split()[:1] == [name] for line in recorded for name in names)
    return is_known and not any(key.trusted for key in shown)


def _algorithm(line: str) -> str:
    fields = line.split()
    return fields[1] if len(fields) > 1 else ""
