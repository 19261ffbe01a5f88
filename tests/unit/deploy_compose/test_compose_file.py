"""docker-compose.yml against the Compose specification.

The schema beside this file is the specification's own (Apache-2.0, LICENSE.compose-spec), as the
package check-jsonschema 0.39.0 ships it.
"""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.plugins.compose import SECRETS, MissingVariableError, compose

SCHEMA = json.loads(Path(__file__).with_name("compose-spec.schema.json").read_text())


def test_file_follows_the_compose_specification():
    jsonschema.validate(compose(SECRETS), SCHEMA)


def test_specification_refuses_what_it_does_not_know():
    document = compose(SECRETS)
    document["services"]["api"]["helthcheck"] = {}

    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_start_without_a_secret_is_refused_with_its_name(name: str):
    with pytest.raises(MissingVariableError, match=f"{name}: set it in .env"):
        compose({**SECRETS, name: ""})
