"""Writes rights as the `authorization` block of a nats-server's configuration.

Source: NATS documentation, "Authorization", "Username/Password", "Allow responses".
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from slurmfleet.bus.rights import BusRole, Rights, collector_rights, collector_user, rights_of
from slurmfleet.contracts.ids import ClusterName

_ANSWER_WITHIN = "1h"
"""Longer than any command may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUser:
    """One login of the bus."""

    name: str
    rights: Rights
    password: str = field(default="", repr=False)
    """Empty: the configuration reads it from the server's environment, `password_variable`."""


def bus_users(clusters: Sequence[ClusterName] = ()) -> tuple[BusUser, ...]:
    """Give the logins of a stack.

    Args:
        clusters: Each has a collector of its own, with a login that may tell facts of it alone;
            none: one collector looks after whatever is in the registry.
    """
    roles = (one for one in BusRole if not (clusters and one is BusRole.COLLECTOR))
    users = [BusUser(name=role, rights=rights_of(role)) for role in roles]
    for cluster in clusters:
        name = collector_user(cluster)
        users.append(BusUser(name=name, rights=collector_rights(cluster)))
    return tuple(users)


def password_variable(user: str) -> str:
    """Name the variable of the server's environment that holds a login's password."""
    return f"NATS_{re.sub('[^A-Z0-9]', '_', user.upper())}_PASSWORD"


def render_authorization(users: Sequence[BusUser]) -> str:
    """Give the block; with passwords in it, the file must be private."""
    return "authorization {\n  users = [\n" + "".join(map(_user, users)) + "  ]\n}\n"


def _user(user: BusUser) -> str:
    secret = json.dumps(user.password) if user.password else f"${password_variable(user.name)}"
    login = f"user: {json.dumps(user.name)}, password: {secret}"
    rights = user.rights
    if rights.publish is None or rights.subscribe is None:
        return f"    {{ {login} }}\n"
    answers = f'      allow_responses: {{ max: 1, expires: "{_ANSWER_WITHIN}" }}\n'
    return (
        f"    {{ {login}, permissions: {{\n"
        f"      publish: {{ allow: [\n{_subjects(rights.publish)}      ] }}\n"
        f"      subscribe: {{ allow: [\n{_subjects(rights.subscribe)}      ] }}\n"
        f"{answers if rights.answers else ''}"
        "    } }\n"
    )


def _subjects(subjects: Sequence[str]) -> str:
    return "".join(f"        {json.dumps(one)}\n" for one in dict.fromkeys(subjects))
