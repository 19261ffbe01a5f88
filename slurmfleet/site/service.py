"""Which service is asked, and what proves to it who we are."""

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from slurmfleet.contracts.registry import SecretKind, SiteService
from slurmfleet.site.errors import ServiceId, SiteConfigError
from slurmfleet.site.settings import secret_variable

SECRET_LIMIT_BYTES = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One HTTP service of a site, as it was configured."""

    id: ServiceId
    base_url: str
    """Scheme, host, port and the path that all requests begin with; no slash at its end."""

    config: SiteService

    def authorization(self) -> str:
        """Give the Authorization header, read anew so that a rotated token is used; "" for none.

        Raises:
            SiteConfigError: The secret that is named is not there, or is not one line.
        """
        secret = self._secret()
        if not secret:
            return ""
        if self.config.secret_kind is SecretKind.BASIC:
            return f"Basic {base64.b64encode(secret.encode()).decode()}"
        return f"Bearer {secret}"

    def _secret(self) -> str:
        if self.config.token_env:
            secret = secret_variable(self.config.token_env)
            where = f"the variable {self.config.token_env}"
        elif self.config.token_file:
            secret = self._secret_file()
            where = f"the file {self.config.token_file}"
        else:
            return ""
        secret = secret.strip()
        if not secret or not secret.isascii() or not secret.isprintable():
            raise SiteConfigError(self.id, f"{where} holds no secret of one line")
        return secret

    def _secret_file(self) -> str:
        path = Path(self.config.token_file).expanduser()
        try:
            with path.open("rb") as file:
                return file.read(SECRET_LIMIT_BYTES).decode("ascii", "replace")
        except OSError as exc:
            raise SiteConfigError(
                self.id, f"the file {path} cannot be read: {exc.strerror}"
            ) from exc

    def tls(self) -> ssl.SSLContext | bool:
        """Give what certificates are judged by; they always are.

        Raises:
            SiteConfigError: The certificate authorities that are named cannot be read.
        """
        if not self.config.ca_file:
            return True
        path = Path(self.config.ca_file).expanduser()
        try:
            return ssl.create_default_context(cafile=path)
        except OSError as exc:  # ssl.SSLError is one
            raise SiteConfigError(self.id, f"{path} holds no certificates: {exc}") from exc


def service_of(cluster: str, name: str, config: SiteService) -> Service:
    """Give a cluster's service as it is to be asked."""
    parts = urlsplit(config.url)
    return Service(
        id=ServiceId(cluster=cluster, name=name, origin=f"{parts.scheme}://{parts.netloc}"),
        base_url=config.url.rstrip("/"),
        config=config,
    )
