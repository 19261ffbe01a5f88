"""The passwords of the database roles; made once, kept where only the owner can read."""

import json
import secrets
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.record import write_private
from slurmfleet.store.roles import Role

_PASSWORDS = TypeAdapter(dict[str, str])
_PASSWORD_BYTES = 24


def role_passwords(layout: Layout) -> Mapping[Role, str]:
    """Give the password of each role; missing ones are made and kept.

    Raises:
        FailedError: The file is there and cannot be read.
    """
    known: dict[str, str] = {}
    if layout.secrets_file.exists():
        try:
            known = _PASSWORDS.validate_json(layout.secrets_file.read_bytes())
        except (OSError, ValidationError) as exc:
            raise FailedError(
                f"{layout.secrets_file} cannot be read.",
                remedy="Remove it; the next start makes new passwords.",
            ) from exc
    passwords = {role: known.get(role) or secrets.token_urlsafe(_PASSWORD_BYTES) for role in Role}
    if any(role not in known for role in Role):
        write_private(layout.secrets_file, json.dumps(passwords, indent=2) + "\n")
    return passwords
