"""The one way from a face to a script that runs on a cluster: who may, the audit, the cluster."""

import hashlib
from dataclasses import dataclass

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import current_principal
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.scripts import ScriptReport, ScriptRequest
from slurmfleet.runtime.commands import ask_collector

_WAY_S = 60.0
"""For the collector's answer beyond the script's own time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRuns:
    """Runs scripts on all clusters."""

    bus: Bus
    auditor: Auditor

    async def run(
        self, cluster: ClusterName, request: ScriptRequest, *, reason: str = ""
    ) -> ScriptReport:
        """Run a script to its end.

        Raises:
            ProblemError: It was not begun, or nobody knows whether it was: the detail says which.
        """
        # As whom it will run is known on the cluster alone, and a token may be for some users.
        request = request.model_copy(update={"only_as": tuple(sorted(current_principal().users))})
        action = Action(
            name="script.run",
            needs=Toolset.OPERATE,
            cluster=cluster,
            target=request.host,
            reason=reason,
            details={
                # Not the text, nor its arguments: they hold secrets, and the audit is for ever.
                "sha256": hashlib.sha256(request.script.encode()).hexdigest(),
                "bytes": len(request.script.encode()),
                "arguments": len(request.arguments),
                "interpreter": request.interpreter,
                "limit_s": request.limit_s,
            },
        )
        async with self.auditor.acting(action) as result:
            report = await ask_collector(
                self.bus,
                cluster,
                Verb.RUN_SCRIPT,
                ScriptReport,
                limit_s=request.limit_s + _WAY_S,
                request=request,
            )
            result.details |= {
                "exit_status": report.exit_status,
                "timed_out": report.timed_out,
                "machine": report.machine,
                "login": report.login,
            }
        return report
