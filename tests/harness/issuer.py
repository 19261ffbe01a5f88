"""A small issuer of tokens on this machine: real keys, real JWTs, its metadata over HTTP."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RESOURCE = "https://deck.example.org/mcp"


@dataclass
class LocalIssuer:
    """Keys by their ids, and how often they were asked for."""

    url: str = "https://issuer.example.org"
    keys: dict[str, tuple[Any, str]] = field(default_factory=dict[str, tuple[Any, str]])
    asked: list[str] = field(default_factory=list[str])
    is_broken: bool = False

    def make_key(self, kid: str, algorithm: str = "RS256") -> None:
        if algorithm.startswith(("RS", "PS")):
            key: Any = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        elif algorithm == "EdDSA":
            key = ed25519.Ed25519PrivateKey.generate()
        else:
            key = ec.generate_private_key(ec.SECP256R1())
        self.keys[kid] = (key, algorithm)

    def document(self) -> dict[str, Any]:
        """Give its public keys as a JWK set."""
        return {"keys": [self._public(kid) for kid in self.keys]}

    def _public(self, kid: str) -> dict[str, Any]:
        key, algorithm = self.keys[kid]
        kinds = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "Ed": OKPAlgorithm, "ES": ECAlgorithm}
        told = kinds[algorithm[:2]].to_jwk(key.public_key(), as_dict=True)
        return {**told, "kid": kid, "alg": algorithm, "use": "sig"}

    def token(self, kid: str, *, now: datetime | None = None, **claims: object) -> str:
        """Sign a token; a claim that is None is left out."""
        key, algorithm = self.keys[kid]
        began = int((now or datetime.now(UTC)).timestamp())
        told = {
            "iss": self.url,
            "aud": RESOURCE,
            "sub": "248289761001",
            "preferred_username": "ada",
            "iat": began,
            "exp": began + 600,
            "scope": "openid slurmfleet:operator",
            **claims,
        }
        kept = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid, "typ": "at+jwt"})


@asynccontextmanager
async def serving(issuer: LocalIssuer) -> AsyncGenerator[LocalIssuer]:
    """Serve an issuer's metadata and keys on a port of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        issuer.asked.append(path)
        metadata = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
        documents = {
            "/.well-known/openid-configuration": metadata,
            "/keys": issuer.document(),
        }
        found = documents.get(path) if not issuer.is_broken else None
        status = "200 OK" if found is not None else "503 Unavailable"
        body = json.dumps(found or {}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield issuer
