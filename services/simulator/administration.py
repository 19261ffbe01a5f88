"""What administrators do with scontrol: take nodes out and back, reserve them, free them.

Source: scontrol(1), "update", "create", "delete"; texts and statuses of Slurm 24.11.5.
"""

import re
from collections.abc import Mapping, Sequence

from services.simulator.calls import Answer, Call, refused
from services.simulator.cluster import Cluster
from services.simulator.reservations import Reservation
from slurmfleet.slurm.errors import SlurmParseError
from slurmfleet.slurm.hostlist import expand_hostlist

MINUTE_S = 60
NOT_ALLOWED = "Invalid user id"
_FROM_NOW = re.compile(r"now(?:\+([0-9]+)(minutes?|hours?|days?)?)?")
_UNITS_S = {None: 1, "minute": 60, "hour": 3600, "day": 86_400}


def administer(cluster: Cluster, call: Call, verb: str, words: Sequence[str]) -> Answer:
    """Answer `scontrol update nodename=…`, `create reservation …`, `delete reservationname=…`."""
    given = {
        key.lower(): value
        for key, equals, value in (word.partition("=") for word in words)
        if equals
    }
    match verb:
        case "update" if "nodename" in given:
            what, act = "slurm_update error", _update_node
        case "create" if words[:1] == ["reservation"]:
            what, act = "Error creating the reservation", _create
        case "delete" if "reservationname" in given:
            what, act = f"delete_reservation reservationname={given['reservationname']}", _delete
        case _:
            return refused(f"invalid keyword: {verb}")
    if call.user not in cluster.spec.operators:
        return refused(f"{what}: {NOT_ALLOWED}")
    return act(cluster, given)


def _delete(cluster: Cluster, given: Mapping[str, str]) -> Answer:
    name = given["reservationname"]
    if cluster.unreserve(name):
        return Answer()
    return refused(f"delete_reservation reservationname={name}: Requested reservation is invalid")


def _update_node(cluster: Cluster, given: Mapping[str, str]) -> Answer:
    names = _nodes(cluster, given["nodename"])
    if names is None:
        return refused("slurm_update error: Invalid node name specified")
    match given.get("state", "").upper():
        case "DRAIN" if not given.get("reason"):
            return refused(
                "You must specify a reason when DOWNING or DRAINING a node. Request denied"
            )
        case "DRAIN":
            for name in names:
                cluster.drain_node(name, note=given["reason"])
        case "RESUME" | "UNDRAIN":
            for name in names:
                cluster.resume_node(name)
        case state:
            return refused(f"Invalid input: State={state}\nRequest aborted")
    return Answer()


def _create(cluster: Cluster, given: Mapping[str, str]) -> Answer:
    names = _nodes(cluster, given.get("nodes", ""))
    start = _FROM_NOW.fullmatch(given.get("starttime", "now"))
    users = tuple(filter(None, given.get("users", "").split(",")))
    accounts = tuple(filter(None, given.get("accounts", "").split(",")))
    minutes = given.get("duration", "")
    if names is None:
        return refused("Error creating the reservation: Invalid node name specified")
    if not (users or accounts):
        return refused(
            "Either Users/Groups and/or Accounts must be specified.  No reservation created."
        )
    if start is None or not minutes.isdigit():
        return refused("Error creating the reservation: Invalid time specified")
    unit_s = _UNITS_S[start[2].removesuffix("s") if start[2] else None]
    starts_at = cluster.now + int(start[1] or 0) * unit_s
    flags = tuple(flag.upper() for flag in given.get("flags", "").split(",") if flag)
    if "IGNORE_JOBS" not in flags and any(cluster.nodes[name].jobs for name in names):
        return refused("Error creating the reservation: Requested nodes are busy")
    made_up = f"{(*accounts, *users)[0]}_{len(cluster.reservations) + 1}"
    name = given.get("reservationname") or made_up
    cluster.reserve(
        Reservation(
            name=name,
            starts_at=starts_at,
            ends_at=starts_at + int(minutes) * MINUTE_S,
            nodes=names,
            users=users,
            accounts=accounts,
            flags=(*flags, "SPEC_NODES"),
        )
    )
    return Answer(stdout=f"Reservation created: {name}\n")


def _nodes(cluster: Cluster, text: str) -> tuple[str, ...] | None:
    """Give the names of a host list; None where one of them is no node."""
    try:
        names = tuple(cluster.nodes) if text == "ALL" else expand_hostlist(text)
    except SlurmParseError:
        return None
    return names if names and all(name in cluster.nodes for name in names) else None
