"""The rights of the compose bus are those of the table, and each service has its own login."""

import re

from slurmfleet.bus.nats_rights import bus_users, password_variable, render_authorization
from slurmfleet.bus.rights import BusRole
from tests.plugins.compose import ROOT, SECRETS, compose

SERVICES = compose(SECRETS)["services"]
RIGHTS = (ROOT / "deploy/nats/rights.conf").read_text(encoding="utf-8")


def test_the_shipped_rights_are_those_of_the_table():
    """`slurmfleet bus rights --write deploy/nats/rights.conf` writes them anew."""
    written = re.sub("^#.*\n", "", RIGHTS, flags=re.MULTILINE)

    assert written == render_authorization(bus_users())


def test_the_bus_of_compose_knows_the_password_of_each_login():
    given = SERVICES["nats"]["environment"]

    assert set(given) == {password_variable(role) for role in BusRole}
    assert len(set(given.values())) == len(BusRole)


def test_each_service_of_compose_has_the_login_of_its_role():
    logins = {
        name: one["environment"]["SLURMFLEET_BUS_USER"]
        for name, one in SERVICES.items()
        if "SLURMFLEET_BUS_USER" in one.get("environment", {})
    }
    passwords = {
        name: f'"{SERVICES[name]["environment"]["SLURMFLEET_BUS_PASSWORD"]}"' for name in logins
    }

    assert logins == {role: role for role in BusRole if role is not BusRole.OWNER}
    assert passwords == {
        role: SERVICES["nats"]["environment"][password_variable(role)] for role in logins
    }
