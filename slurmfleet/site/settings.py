"""The one thing that this room reads from the environment: secrets that a service names."""

import os


def secret_variable(name: str) -> str:
    """Give a variable's value, empty where it is not set.

    Which names may be asked for is judged by `contracts.registry.SiteService`: else a registry
    entry could have any secret of this process sent to a host of its choice.
    """
    return os.environ.get(name, "")
