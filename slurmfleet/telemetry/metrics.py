"""The name of every metric, with its unit and labels.

No job id, user text or path is ever a label: each label's values are bounded by what the group
configured or by a closed set.
"""

from prometheus_client import Counter, Gauge, Histogram

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)

POLL_DURATION = Histogram(
    "slurmfleet_poll_duration_seconds",
    "How long one look at a cluster took, SSH and Slurm included.",
    ("cluster",),
    buckets=_SLOW_S,
)
POLLS = Counter(
    "slurmfleet_poll_total",
    "Looks at a cluster by how the login node was reached.",
    ("cluster", "link"),
)
POLL_SECTION_FAILURES = Counter(
    "slurmfleet_poll_section_failures_total",
    "Sections of a look that failed; nothing is concluded from them.",
    ("cluster", "section"),
)
POLL_BAD_ROWS = Counter(
    "slurmfleet_poll_bad_rows_total",
    "Lines of Slurm's output that could not be understood.",
    ("cluster", "section"),
)
POLL_LAST_SUCCESS = Gauge(
    "slurmfleet_poll_last_success_timestamp_seconds",
    "When the tracked jobs of a cluster were last read well.",
    ("cluster",),
)
POLL_INTERVAL = Gauge(
    "slurmfleet_poll_interval_seconds",
    "Time between looks at a cluster at present; grows when Slurm is slow.",
    ("cluster",),
)
SLURM_RPCS = Counter(
    "slurmfleet_slurm_rpcs_total",
    "Requests made to a cluster's controller or accounting database.",
    ("cluster", "command"),
)
RPC_BUDGET_LEFT = Gauge(
    "slurmfleet_slurm_rpc_budget_left",
    "Requests that a cluster may be sent at once now; below 0 while a debt is paid off.",
    ("cluster",),
)
RPC_BUDGET_PER_MINUTE = Gauge(
    "slurmfleet_slurm_rpc_budget_per_minute",
    "Requests that a cluster is sent at most in a minute; 0 for no limit.",
    ("cluster",),
)
RPC_BUDGET_WAITED = Gauge(
    "slurmfleet_slurm_rpc_budget_waited_seconds",
    "How long questions have waited for the budget since the collector began to watch.",
    ("cluster",),
)
ACCOUNTING_BREAKER = Gauge(
    "slurmfleet_accounting_breaker_open",
    "1 while accounting does not answer and is asked less and less often, else 0.",
    ("cluster",),
)
SURVEYS = Counter(
    "slurmfleet_survey_total",
    "Surveys by topic and how they went.",
    ("cluster", "topic", "outcome"),
)
SURVEY_LAST_SUCCESS = Gauge(
    "slurmfleet_survey_last_success_timestamp_seconds",
    "When a topic was last surveyed well.",
    ("cluster", "topic"),
)
SSH_CONNECTIONS = Gauge(
    "slurmfleet_ssh_connections_opened",
    "SSH connections opened to a login node since the collector began to watch it.",
    ("cluster",),
)
SSH_USER_WORK = Gauge(
    "slurmfleet_ssh_user_work",
    "What runs on a login node for people at the end of a look, or waits for a session: kind is "
    "command, stream or waiting.",
    ("cluster", "kind"),
)
TRACKED_JOBS = Gauge(
    "slurmfleet_tracked_jobs",
    "Live jobs of tracked users and accounts.",
    ("cluster",),
)
JOBS = Gauge(
    "slurmfleet_jobs",
    "Jobs of everybody by partition and state, as the queue showed them.",
    ("cluster", "partition", "state"),
)
GPUS = Gauge(
    "slurmfleet_gpus",
    "GPUs by partition and by who may have them; partition empty is the whole cluster.",
    ("cluster", "partition", "state"),
)
NODES = Gauge(
    "slurmfleet_nodes",
    "Nodes by partition and state; partition empty is the whole cluster.",
    ("cluster", "partition", "state"),
)
MESSAGES_PUBLISHED = Counter(
    "slurmfleet_messages_published_total",
    "Messages with facts that the bus has acknowledged.",
    ("cluster",),
)
OUTBOX_MESSAGES = Gauge(
    "slurmfleet_outbox_messages",
    "Messages that wait on the collector's disk for the bus.",
    ("cluster",),
)
STATE_FILES_ASIDE = Gauge(
    "slurmfleet_state_files_aside",
    "State files that the collector found damaged, and that lie aside until a person removes them.",
    ("cluster",),
)
STATE_ROWS_DAMAGED = Counter(
    "slurmfleet_state_rows_damaged_total",
    "Remembered jobs that could not be read from a collector's state file.",
    ("cluster",),
)
PROJECTED_FACTS = Counter(
    "slurmfleet_projector_facts_total",
    "Facts written to the store, by whether they were new.",
    ("outcome",),
)
PROJECTOR_BATCH_DURATION = Histogram(
    "slurmfleet_projector_batch_duration_seconds",
    "How long writing and acknowledging one batch took.",
    buckets=_SLOW_S,
)
PROJECTOR_LAG = Gauge(
    "slurmfleet_projector_lag_seconds",
    "Age of the newest fact when it was written.",
)
PROJECTOR_PENDING = Gauge(
    "slurmfleet_projector_pending_messages",
    "Messages that the projector has not read yet.",
)
DEAD_LETTERS = Counter(
    "slurmfleet_dead_letters_total",
    "Messages that could not be used and were put aside with a reason.",
    ("consumer",),
)
DEAD_LETTERS_WAITING = Gauge(
    "slurmfleet_dead_letters_waiting",
    "Messages that lie among the dead letters until somebody tells them again or drops them.",
)
STREAM_LOSSES = Counter(
    "slurmfleet_stream_losses_total",
    "Losses found in a stream, by how they showed: missing, cut, told.",
    ("stream", "kind"),
)
STREAM_LOST_MESSAGES = Counter(
    "slurmfleet_stream_lost_messages_total",
    "Messages that were found to be lost from a stream, where their number is known.",
    ("stream",),
)
STORE_FORGOTTEN = Counter(
    "slurmfleet_store_forgotten_total",
    "Rows that were forgotten for their age; of hypertables whole chunks.",
    ("table",),
)
ROLL_REPAIRS = Counter(
    "slurmfleet_roll_repairs_total",
    "Jobs that store and roll told differently, by what was done: adopt, tell_again, given_up.",
    ("cluster", "kind"),
)
ACTIONS = Counter(
    "slurmfleet_actions_total",
    "Actions on jobs, clusters and configuration, by what came of them: ok, failed, refused.",
    ("action", "outcome"),
)
REQUEST_DURATION = Histogram(
    "slurmfleet_request_duration_seconds",
    "How long a REST request took, by route template.",
    ("method", "route", "status"),
    buckets=_FAST_S,
)
TOOL_DURATION = Histogram(
    "slurmfleet_mcp_tool_duration_seconds",
    "How long an MCP tool took.",
    ("tool", "outcome"),
    buckets=_FAST_S,
)
EVENT_STREAMS = Gauge(
    "slurmfleet_event_streams",
    "Clients that follow events at present.",
)
TASK_RESTARTS = Counter(
    "slurmfleet_task_restarts_total",
    "Supervised tasks that failed and were started again.",
    ("task",),
)
SAMPLES = Counter(
    "slurmfleet_sampling_samples_total",
    "Samples of running jobs by where they were taken and what of: gpu or load.",
    ("cluster", "source", "kind"),
)
SAMPLES_REJECTED = Counter(
    "slurmfleet_sampling_rejected_total",
    "Values of samples that no machine can have, or that are not the job's; left out.",
    ("cluster", "kind"),
)
SAMPLING_GAPS = Counter(
    "slurmfleet_sampling_gaps_total",
    "Times that a running job with GPUs was not sampled for more than three intervals.",
    ("cluster",),
)
SAMPLING_PROVIDER_FAILURES = Counter(
    "slurmfleet_sampling_provider_failures_total",
    "Askings of a source of samples that failed; the next one is used meanwhile.",
    ("cluster", "provider"),
)
SAMPLING_STEPS = Gauge(
    "slurmfleet_sampling_steps_open",
    "Steps of ours inside jobs at present, one per sampled job.",
    ("cluster",),
)
SAMPLING_STEPS_OPENED = Counter(
    "slurmfleet_sampling_steps_opened_total",
    "Steps of ours begun inside jobs; each stands in accounting for ever.",
    ("cluster",),
)
