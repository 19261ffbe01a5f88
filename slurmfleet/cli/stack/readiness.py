"""Whether a service says that it is ready, asked at its own /readyz."""

from collections.abc import Mapping

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_LIMIT_S = 2.0


class CheckAnswer(BaseModel):
    """How one part of a service is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ok: bool
    detail: str = ""
    required: bool = True


class Readiness(BaseModel):
    """What a service says of itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str = ""
    ready: bool = False
    checks: Mapping[str, CheckAnswer] = Field(default_factory=dict[str, CheckAnswer])
    answered: bool = True
    """False where nothing like /readyz answered at all."""

    @property
    def complaint(self) -> str:
        """Say what is missing; empty when all is well."""
        if not self.answered:
            return "does not answer"
        wrong = [f"{name}: {check.detail}" for name, check in self.checks.items() if not check.ok]
        return "; ".join(wrong) if wrong or self.ready else "not ready"


async def ask_readiness(http: httpx.AsyncClient, url: str) -> Readiness:
    """Ask a service how it is; one that does not answer is not ready."""
    try:
        answer = await http.get(f"{url}/readyz", timeout=_LIMIT_S)
        return Readiness.model_validate_json(answer.content)
    except (httpx.HTTPError, ValidationError):
        return Readiness(answered=False)
