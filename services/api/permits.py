"""What each route needs of who asks, in one table; what has no line here is refused.

Routes that change something are told to the audit around their work. Actions on jobs are not in
that column: `JobActions` tells them itself, job by job, for every face.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from fastapi import Request
from pydantic import JsonValue

from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import Principal, current_principal
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.actions import JobAct
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.problems import ProblemCode, ProblemError

REASON_HEADER = "Slurmfleet-Reason"
"""Why somebody changes something, in their words; for the audit."""

_TOLD_ELSEWHERE = {
    "/v1/scripts:run": "script.run",
    "/v1/mounts/{cluster}": "cluster.mount",
    "/v1/board:clear": "board.clear",
    "/v1/board:mark": "board.mark",
    "/v1/history/cleanup": "history.cleanup",
}
"""How their own rooms call what is not about jobs."""

_MOST_BODY = 65_536
_TARGETS = ("document_id", "key", "sequence", "token_id", "job", "cluster")
"""Parts of a path that name what is acted on; the first that a route has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What one route needs."""

    needs: Toolset | None
    """None: whoever was let in."""

    action: str = ""
    """What the audit calls it; empty where nothing is changed."""


_READ = Permit(needs=Toolset.OBSERVE)


def _change(action: str, needs: Toolset = Toolset.ADMIN) -> Permit:
    return Permit(needs=needs, action=action)


def _documents(path: str, noun: str) -> dict[str, Permit]:
    return {
        f"GET /v1/{path}": _READ,
        f"GET /v1/{path}/{{document_id}}": _READ,
        f"POST /v1/{path}": _change(f"{noun}.add"),
        f"PATCH /v1/{path}/{{document_id}}": _change(f"{noun}.update"),
        f"DELETE /v1/{path}/{{document_id}}": _change(f"{noun}.remove"),
    }


PERMITS: Mapping[str, Permit] = {
    "GET /docs": Permit(needs=None),
    "GET /v1/clusters": _READ,
    "GET /v1/clusters/{cluster}": _READ,
    "POST /v1/clusters": _change("cluster.add"),
    "PATCH /v1/clusters/{cluster}": _change("cluster.update"),
    "DELETE /v1/clusters/{cluster}": _change("cluster.remove"),
    "POST /v1/clusters/{cluster}/test": _change("cluster.test", Toolset.OPERATE),
    "POST /v1/clusters/{cluster}/refresh": _READ,
    "GET /v1/clusters/{cluster}/diagnosis": _READ,
    "GET /v1/clusters/{cluster}/host-keys": _READ,
    "PUT /v1/clusters/{cluster}/host-keys": _change("cluster.trust"),
    **_documents("team", "team"),
    **_documents("accounts", "account"),
    **_documents("paths", "path"),
    **_documents("filters", "filter"),
    **_documents("projects", "project"),
    "GET /v1/settings": _READ,
    "GET /v1/settings/{key}": _READ,
    "PUT /v1/settings/{key}": _change("setting.set"),
    "DELETE /v1/settings/{key}": _change("setting.reset"),
    "GET /v1/config": Permit(needs=Toolset.ADMIN),
    "POST /v1/config": _change("config.import"),
    "GET /v1/jobs": _READ,
    "GET /v1/jobs/{cluster}/{job}": _READ,
    "GET /v1/jobs/{cluster}/{job}/timeline": _READ,
    "GET /v1/jobs/{cluster}/{job}/logs": _READ,
    "GET /v1/jobs/{cluster}/{job}/log": _READ,
    "GET /v1/jobs/{cluster}/{job}/log/search": _READ,
    "GET /v1/jobs/{cluster}/{job}/files": _READ,
    "GET /v1/jobs/{cluster}/{job}/jsonl": _READ,
    "GET /v1/jobs/{cluster}/{job}/jsonl/record": _READ,
    **{
        f"POST /v1/{path}{act}": Permit(needs=Toolset.OPERATE)
        for act in JobAct
        for path in ("jobs/{cluster}/{job}/", "jobs:")
    },
    "POST /v1/jobs:submit": Permit(needs=Toolset.OPERATE),
    "POST /v1/scripts:run": Permit(needs=Toolset.OPERATE),
    "GET /v1/mounts": _READ,
    "POST /v1/mounts/{cluster}": Permit(needs=Toolset.OPERATE),
    "GET /v1/board": _READ,
    "POST /v1/board:clear": Permit(needs=Toolset.OPERATE),
    "POST /v1/board:mark": Permit(needs=Toolset.OPERATE),
    "GET /v1/history/cleanup": Permit(needs=Toolset.OPERATE),
    "POST /v1/history/cleanup": Permit(needs=Toolset.OPERATE),
    "GET /v1/events": _READ,
    "GET /v1/usage/history": _READ,
    "GET /v1/events/dead": Permit(needs=Toolset.ADMIN),
    "GET /v1/events/dead/{sequence}": Permit(needs=Toolset.ADMIN),
    "POST /v1/events/dead/{sequence}/retry": _change("dead_letter.retry"),
    "DELETE /v1/events/dead/{sequence}": _change("dead_letter.drop"),
    "GET /v1/rebuilds/current": _READ,
    "POST /v1/rebuilds": _change("rebuild.start"),
    "GET /v1/tokens": Permit(needs=Toolset.ADMIN),
    "POST /v1/tokens": _change("token.create"),
    "DELETE /v1/tokens/{token_id}": _change("token.revoke"),
    "GET /v1/whoami": Permit(needs=None),
    "GET /v1/audit": Permit(needs=Toolset.ADMIN),
    "GET /v1/audit/verify": Permit(needs=Toolset.ADMIN),
}
"""By method and template of the route."""


def permitting(auditor: Auditor) -> Callable[[Request], AsyncGenerator[None]]:
    """Give the dependency of every route: it lets the work happen, or refuses it."""

    async def permitted(request: Request) -> AsyncGenerator[None]:
        permit = permit_of(request)
        who = current_principal()
        cluster = _cluster(request)
        if not permit.action:
            try:
                _require(who, permit, cluster)
            except ProblemError as problem:
                if request.method != "GET":
                    # Of what acts on jobs a refusal is told here: it never comes to `JobActions`.
                    await auditor.refused(await _action(request, permit, cluster), problem)
                raise
            yield
            return
        async with auditor.acting(await _action(request, permit, cluster)):
            yield

    return permitted


def _require(who: Principal, permit: Permit, cluster: ClusterName | None) -> None:
    """Refuse whoever may not.

    Raises:
        ProblemError: FORBIDDEN.
    """
    if permit.needs is not None:
        who.require(permit.needs)
    if permit.needs is Toolset.ADMIN and cluster is None:
        who.require_whole()
    if cluster is not None:
        who.require_cluster(cluster)


async def _action(request: Request, permit: Permit, cluster: ClusterName | None) -> Action:
    """Give what a request is about to do.

    What has no name in the table is told by `JobActions` and its like; the route names it as well.
    """
    path = str(getattr(request.scope.get("route"), "path", ""))
    word = path.rpartition("/")[2].rpartition(":")[2]
    own = _TOLD_ELSEWHERE.get(path, f"job.{word}")
    return Action(
        name=permit.action or own,
        needs=permit.needs or Toolset.ADMIN,
        cluster=cluster,
        target=_target(request),
        reason=request.headers.get(REASON_HEADER, ""),
        details={} if not permit.action else await _details(request),
    )


def permit_of(request: Request) -> Permit:
    """Give what the route of a request needs.

    Raises:
        ProblemError: FORBIDDEN; nobody has said who may use it.
    """
    route = str(getattr(request.scope.get("route"), "path", ""))
    permit = PERMITS.get(f"{request.method} {route}")
    if permit is None:
        raise ProblemError(
            ProblemCode.FORBIDDEN,
            "Nobody may use this path.",
            remedy="This is a mistake of slurmfleet: the path has no line among its permits.",
        )
    return permit


def _cluster(request: Request) -> ClusterName | None:
    """Give the cluster that a path names, if it can be one; the route says so if it cannot."""
    with suppress(ProblemError):
        if named := request.path_params.get("cluster"):
            return cluster_name(str(named))
    return None


def _target(request: Request) -> str:
    named = (request.path_params.get(part) for part in _TARGETS)
    return next((str(one) for one in named if one), "")


async def _details(request: Request) -> dict[str, JsonValue]:
    """Give what is asked for; documents hold no secrets, by their schema."""
    details: dict[str, JsonValue] = {}
    if query := dict(request.query_params):
        details["query"] = cast("JsonValue", query)
    body = await request.body()
    if body and len(body) <= _MOST_BODY:
        with suppress(ValueError):
            details["body"] = json.loads(body)
    elif body:
        details["body"] = f"{len(body)} bytes"
    return details
