"""Registry documents: what the group configures, as JSON in one key-value bucket.

Secrets are never in the registry: a cluster names its key files, and its host keys are public.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.sample import Topic

CLUSTER_KEY_PREFIX = "cluster."
LONGEST_SURVEY_INTERVAL_S = 86_400

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}")
_JUMP = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]{1,5})?")
_CONTROL_PATH = re.compile(r"(?:~|%d)?/[^\s\"'\\]{1,500}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}")
_SERIES_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,127}")
_MATCHER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:=|!=|=~|!~)\"(?:[^\"\\]|\\[\"\\]){0,200}\"")
_SECRET_ENV = re.compile(r"SLURMFLEET_SITE_[A-Z0-9_]{1,64}")
_SECRET_FILE = re.compile(r"[~/].{1,1000}\.token")

Line = Annotated[str, StringConstraints(max_length=8_192, pattern=r"^[^\x00-\x1f]*$")]
"""One line of text without control characters."""

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_@][A-Za-z0-9_.@-]{0,127}$")]
IndexName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.*,-]{0,254}$")]


class Transport(StrEnum):
    """How a cluster is reached."""

    ASYNCSSH = "asyncssh"
    MASTER = "master"
    LOCAL = "local"


class SecretKind(StrEnum):
    """What a service's secret is."""

    BEARER = "bearer"
    """A token, sent as `Authorization: Bearer`."""

    BASIC = "basic"
    """`user:password`, sent as `Authorization: Basic`."""


class SiteService(BaseModel):
    """An HTTP service of a site that is asked about a cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Line = Field(description="http or https, with the path that its requests begin with.")
    secret_kind: SecretKind = SecretKind.BEARER
    token_env: Line = Field(
        default="",
        description="Environment variable that holds its secret: SLURMFLEET_SITE_…",
    )
    token_file: Line = Field(
        default="", description="File that holds its secret in one line; its name ends in .token"
    )
    ca_file: Line = Field(
        default="", description="Certificate authorities to trust in place of the system's."
    )

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        host = parts.hostname or ""
        named = _HOST.fullmatch(host) or _is_ipv6(host)
        if parts.scheme not in {"http", "https"} or not named or parts.port == 0:
            raise ValueError(f"{value[:64]!r} is no http or https URL of a host")
        if parts.username is not None or parts.query or parts.fragment or "\\" in value:
            raise ValueError("a URL here has no user, no password, no query and no fragment")
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    @field_validator("token_env")
    @classmethod
    def _token_env(cls, value: str) -> str:
        # Whoever may write the registry must not have any secret of the process sent anywhere.
        return value and _matching(_SECRET_ENV, value, "SLURMFLEET_SITE_ with a word after it")

    @field_validator("token_file")
    @classmethod
    def _token_file(cls, value: str) -> str:
        return value and _matching(_SECRET_FILE, value, "a path to a file named *.token")


class SampleProvider(StrEnum):
    """Where samples of running jobs may be taken from."""

    PROMETHEUS = "prometheus"
    SSTAT = "sstat"
    SIDECAR = "sidecar"
    STEP = "step"


class ExporterFamily(StrEnum):
    """Whose series a site's Prometheus may hold."""

    DCGM = "dcgm"
    JOBSTATS = "jobstats"
    CEEMS = "ceems"
    JOB_EXPORTER = "slurm-job-exporter"


class PrometheusConfig(SiteService):
    """A site's Prometheus, or anything that answers its queries."""

    cluster_label: Line = Field(
        default="",
        description="Label that names the cluster; needed where one server holds several, because "
        "their job ids are the same numbers.",
    )
    cluster_value: Line = Field(
        default="", description="The cluster's name in that label; empty: its name here."
    )
    matchers: tuple[Line, ...] = Field(
        default=(), description='More that every series must match, as in site="north".'
    )
    families: tuple[ExporterFamily, ...] = Field(
        default=tuple(ExporterFamily), description="Exporters to look for, the preferred one first."
    )
    rename: Mapping[str, str] = Field(
        default_factory=dict[str, str],
        description="What the site calls a metric or a label of the exporters, by its usual name.",
    )
    window_s: float = Field(
        default=150, ge=5, le=900, description="How old the newest value of a series may be."
    )

    @field_validator("cluster_label")
    @classmethod
    def _label(cls, value: str) -> str:
        return value and _matching(_SERIES_NAME, value, "a name of Prometheus")

    @field_validator("matchers")
    @classmethod
    def _matchers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_matching(_MATCHER, one, 'a matcher as in site="north"') for one in value)

    @field_validator("rename")
    @classmethod
    def _rename(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name in (*value, *value.values()):
            _matching(_SERIES_NAME, name, "a name of Prometheus")
        return value


class SamplingConfig(BaseModel):
    """How the GPUs, CPUs and memory of running tracked jobs are sampled; docs/sampling.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: float = Field(default=30, ge=0.2, le=3_600, description="Between two samples.")
    providers: tuple[SampleProvider, ...] = Field(
        default=tuple(SampleProvider),
        description="Where from, the best one first; empty: no samples are taken.",
    )
    sstat_interval_s: float = Field(
        default=60, ge=0.2, le=3_600, description="Between two samples of one job by sstat."
    )
    sstat_jobs_per_minute: float = Field(
        default=1,
        ge=0,
        le=600,
        description="Each costs the controller two or three requests; with more jobs they take "
        "turns. 0: off.",
    )
    steps: int = Field(
        default=0,
        ge=0,
        le=32,
        description="Steps of our own inside jobs at once, for jobs of which nothing else tells "
        "the GPU use. Each stands in accounting for ever. 0: none.",
    )
    step_interval_s: int = Field(default=10, ge=1, le=600, description="Between two lines of one.")


class OpenSearchFields(BaseModel):
    """What a site's documents call what we read; each may be another name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: FieldName = "s_cluster"
    account: FieldName = "s_account"
    user: FieldName = "s_user"
    created: FieldName = "ts_created"
    gpus_allocated: FieldName = "l_gpus_allocated"
    gpus_consumed: FieldName = "l_gpus_consumed"
    gpus_consumed_normal: FieldName = "l_gpus_consumed_normal"
    gpus_consumed_free: FieldName = "l_gpus_consumed_free"
    gpus_available: FieldName = "l_operator_fairshare_avail_gpus"
    gpus_pending: FieldName = "l_gpus_pending_eligible"
    fair_share: FieldName = "d_fairshare_normalized"
    level_fs: FieldName = "d_level_fs"
    norm_shares: FieldName = "d_norm_shares"
    norm_usage: FieldName = "d_norm_usage"
    occupied: FieldName = "l_avg_occupied_gpus"
    occupied_total: FieldName = "l_avg_operator_total_gpus"
    idle: FieldName = "l_idle_gpus"


class OpenSearchSource(SiteService):
    """Documents in which a site counts GPUs by account, by user and for a whole cluster."""

    cluster: Line = Field(
        default="", description="What the documents call this cluster; empty: the same name."
    )
    account_index: IndexName = "account_gpus_hourly"
    user_index: IndexName = "account_user_gpus_hourly"
    occupancy_index: IndexName = "slurm_cluster_occupancy_hourly"
    kind_field: Line = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.@-]{0,128}$",
        description="Field that tells the kind of a document, where kinds share an index.",
    )
    account_kind: Line = "account_gpus_hourly"
    user_kind: Line = "account_user_gpus_hourly"
    occupancy_kind: Line = "slurm_cluster_occupancy_hourly"
    keyword_suffix: Line = Field(
        default="",
        pattern=r"^(\.[A-Za-z0-9_-]{1,32})?$",
        description="`.keyword` where names are mapped as text with such a sub-field.",
    )
    newest_within_h: int = Field(
        default=48, ge=1, le=720, description="Older documents tell nothing of now."
    )
    fields: OpenSearchFields = OpenSearchFields()


class ClusterConfig(BaseModel):
    """How one cluster is reached and whose jobs on it are followed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClusterName
    host: Line = Field(description="Login node: a name or an address.")
    port: int = Field(default=22, ge=1, le=65_535)
    user: Line = Field(default="", description="Login name; empty: the local user's.")
    key_files: tuple[Line, ...] = Field(
        default=(), description="Private key files; empty: the agent and the usual files in ~/.ssh."
    )
    jump: Line = Field(default="", description="[user@]host[:port] to go through.")
    transport: Transport = Field(
        default=Transport.ASYNCSSH,
        description="Our own SSH, an open OpenSSH master, or none: the collector is on the node.",
    )
    control_path: Line = Field(
        default="",
        description="Socket of the OpenSSH master; empty: what ssh_config says of the host.",
    )
    host_keys: tuple[Line, ...] = Field(
        default=(),
        description="Trusted keys as known_hosts lines; written by `slurmfleet hosts trust`.",
    )
    track_users: tuple[Line, ...] = Field(
        default=(), description="Users whose jobs are followed; empty: the login user."
    )
    track_accounts: tuple[Line, ...] = ()
    poll_interval_s: float = Field(default=30, ge=0.2, le=3_600)
    hot_interval_s: float = Field(
        default=10, ge=0.2, le=3_600, description="Pace while a tracked job is starting or ending."
    )
    rpcs_per_minute: float = Field(
        default=30,
        ge=0,
        le=6_000,
        description="Requests that its Slurm is sent at most in a minute; 0: no limit.",
    )
    survey_interval_s: dict[Topic, float] = Field(
        default_factory=dict[Topic, float],
        description="How often each topic is surveyed; one that is 0 is not, others as usual.",
    )
    account: Line = Field(default="", description="Default account for submissions.")
    gpu_type: Line = ""
    gpus_per_node: int = Field(default=0, ge=0, le=1_024)
    mount_paths: tuple[Line, ...] = ()
    allow_scripts: bool = Field(
        default=False,
        description="Whether operators may run scripts of their own as our login; docs/scripts.md.",
    )
    data_host: Line = Field(
        default="", description="Machine for work on files, where scripts may run; same login."
    )
    data_port: int = Field(default=22, ge=1, le=65_535)
    prometheus: PrometheusConfig | None = Field(
        default=None, description="The site's own Prometheus, for samples of jobs."
    )
    sampling: SamplingConfig = SamplingConfig()

    opensearch: OpenSearchSource | None = Field(
        default=None, description="Where the site counts what accounts are granted and use."
    )
    simulated: bool = Field(default=False, description="Made by slurmfleet itself as a demo.")

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> ClusterName:
        return cluster_name(value)

    @field_validator("survey_interval_s")
    @classmethod
    def _intervals(cls, value: dict[Topic, float]) -> dict[Topic, float]:
        for topic, interval_s in value.items():
            if interval_s and not 1 <= interval_s <= LONGEST_SURVEY_INTERVAL_S:
                raise ValueError(f"{topic}: {interval_s:g} is not 0 and not 1 to 86400 seconds")
        return value

    @field_validator("data_host")
    @classmethod
    def _data_host(cls, value: str) -> str:
        return value and cls._host(value)

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if _is_ipv6(value):
            return value
        return _matching(_HOST, value, "a host name or address; a port has a field of its own")

    @field_validator("user")
    @classmethod
    def _user(cls, value: str) -> str:
        return value and _matching(_LOGIN, value, "a login name")

    @field_validator("jump")
    @classmethod
    def _jump(cls, value: str) -> str:
        return value and _matching(_JUMP, value, "[user@]host[:port]")

    @field_validator("control_path")
    @classmethod
    def _control_path(cls, value: str) -> str:
        return value and _matching(_CONTROL_PATH, value, "an absolute path, or one from ~/ or %d/")

    @field_validator("track_users")
    @classmethod
    def _users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_matching(_LOGIN, one, "a login name") for one in value)

    @field_validator("track_accounts")
    @classmethod
    def _accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_matching(_ACCOUNT, one, "a Slurm account") for one in value)


def cluster_key(name: ClusterName) -> str:
    """Give the registry key of a cluster."""
    return f"{CLUSTER_KEY_PREFIX}{name}"


def _is_ipv6(value: str) -> bool:
    try:
        IPv6Address(value)
    except ValueError:
        return False
    return "%" not in value  # behind it any text may stand


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{value[:64]!r} is not {what}")
    return value
