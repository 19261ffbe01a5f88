"""`.env.example` lists every setting there is, and none that there is not."""

import importlib
import re
from pathlib import Path

from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
_LISTED = re.compile(r"^(?:# )?(SLURMFLEET_[A-Z0-9_]+)=", re.MULTILINE)
_OF_COMPOSE = re.compile(r"\$\{(SLURMFLEET_[A-Z0-9_]+)")


def _settings_classes() -> list[type[BaseSettings]]:
    files = [*ROOT.glob("slurmfleet/*/settings.py"), *ROOT.glob("services/*/settings.py")]
    modules = [
        importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for file in files
    ]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, BaseSettings)
        and value.__module__ == module.__name__
    ]


def _names(settings: type[BaseSettings]) -> set[str]:
    prefix = str(settings.model_config.get("env_prefix", ""))
    return {f"{prefix}{field}".upper() for field in settings.model_fields}


def _of_compose() -> set[str]:
    file = ROOT / "docker-compose.yml"
    return set(_OF_COMPOSE.findall(file.read_text())) if file.exists() else set()


def test_env_example_lists_every_setting_and_no_other():
    listed = set(_LISTED.findall((ROOT / ".env.example").read_text()))
    in_code: set[str] = set().union(*(_names(one) for one in _settings_classes()))
    of_compose = _of_compose()

    assert {
        "missing": sorted((in_code | of_compose) - listed),
        "unknown": sorted(listed - in_code - of_compose),
    } == {"missing": [], "unknown": []}


def test_env_example_lists_a_setting_once():
    listed = _LISTED.findall((ROOT / ".env.example").read_text())

    assert sorted(listed) == sorted(set(listed))
