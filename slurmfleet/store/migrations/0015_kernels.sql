-- Jupyter servers inside jobs, the sessions on them, and what was executed.
-- Some 100 servers, 1,000 sessions and 50,000 executions a day at most; outputs lie in files beside the
-- kernel, here is where they are and how they went.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE kernel_servers (
    server_id text PRIMARY KEY,
    cluster text NOT NULL,
    owner text NOT NULL,
    job_id text,
    submitted_at timestamptz,
    submit_token text NOT NULL,
    profile text NOT NULL,
    request jsonb NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    node text NOT NULL,
    reached_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ready_at timestamptz,
    expires_at timestamptz,
    last_used_at timestamptz NOT NULL,
    ended_at timestamptz,
    observed_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT kernel_servers_token UNIQUE (submit_token)
);
COMMENT ON TABLE kernel_servers IS 'One row per Jupyter server that was asked for. Written by: kernels.';
COMMENT ON COLUMN kernel_servers.server_id IS 'Our own id.';
COMMENT ON COLUMN kernel_servers.cluster IS 'The cluster''s name; empty: this machine.';
COMMENT ON COLUMN kernel_servers.owner IS 'Who asked for it; nobody else may use it unless it is shared.';
COMMENT ON COLUMN kernel_servers.job_id IS 'Its Slurm job; NULL before submission is confirmed, and on this machine.';
COMMENT ON COLUMN kernel_servers.submitted_at IS 'When Slurm accepted the job; NULL with job_id.';
COMMENT ON COLUMN kernel_servers.submit_token IS 'Written before the submission, so that a lost reply is found again.';
COMMENT ON COLUMN kernel_servers.profile IS 'Named profile of the registry; empty for none.';
COMMENT ON COLUMN kernel_servers.request IS 'What was asked for: time, GPUs, partition, …, as an object.';
COMMENT ON COLUMN kernel_servers.state IS 'submitting, pending, starting, ready, ending, ended, failed or unknown.';
COMMENT ON COLUMN kernel_servers.state_reason IS 'Why, in words: Slurm''s reason, the last lines of its log; untrusted text.';
COMMENT ON COLUMN kernel_servers.node IS 'Where it runs; empty before.';
COMMENT ON COLUMN kernel_servers.reached_by IS 'How it is reached: local, node_sshd, relay; empty before.';
COMMENT ON COLUMN kernel_servers.created_at IS 'When it was asked for.';
COMMENT ON COLUMN kernel_servers.ready_at IS 'When it first answered; NULL before.';
COMMENT ON COLUMN kernel_servers.expires_at IS 'When its allocation ends; NULL when not known.';
COMMENT ON COLUMN kernel_servers.last_used_at IS 'When something was last done with it; idle release counts from here.';
COMMENT ON COLUMN kernel_servers.ended_at IS 'When it ended; NULL before.';
COMMENT ON COLUMN kernel_servers.observed_at IS 'When its state was last seen.';
COMMENT ON COLUMN kernel_servers.version IS 'Grows with each change; a change names the one it is based on.';

CREATE INDEX kernel_servers_live ON kernel_servers (owner, created_at) WHERE ended_at IS NULL;
COMMENT ON INDEX kernel_servers_live IS 'Servers of one owner that are not over.';

CREATE TABLE kernel_sessions (
    session_id text PRIMARY KEY,
    server_id text NOT NULL REFERENCES kernel_servers (server_id),
    owner text NOT NULL,
    name text NOT NULL,
    kernel_id text,
    kernelspec text NOT NULL,
    notebook_path text NOT NULL,
    work_dir text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    ended_at timestamptz,
    observed_at timestamptz NOT NULL,
    version bigint NOT NULL
);
COMMENT ON TABLE kernel_sessions IS 'One row per session: a kernel and its notebook. Written by: kernels.';
COMMENT ON COLUMN kernel_sessions.session_id IS 'Our own id; what agents name.';
COMMENT ON COLUMN kernel_sessions.server_id IS 'The server that it runs on.';
COMMENT ON COLUMN kernel_sessions.owner IS 'Who opened it.';
COMMENT ON COLUMN kernel_sessions.name IS 'What its owner calls it; untrusted text.';
COMMENT ON COLUMN kernel_sessions.kernel_id IS 'Jupyter''s id of the kernel; NULL before it is there.';
COMMENT ON COLUMN kernel_sessions.kernelspec IS 'Name of the kernel''s kind: python3.';
COMMENT ON COLUMN kernel_sessions.notebook_path IS 'On the cluster; untrusted text.';
COMMENT ON COLUMN kernel_sessions.work_dir IS 'Working directory of the kernel.';
COMMENT ON COLUMN kernel_sessions.origin IS 'new, resumed, continued or adopted.';
COMMENT ON COLUMN kernel_sessions.state IS 'starting, idle, busy, lost, ended or failed.';
COMMENT ON COLUMN kernel_sessions.state_reason IS 'Why, in words; untrusted text.';
COMMENT ON COLUMN kernel_sessions.created_at IS 'When it was opened.';
COMMENT ON COLUMN kernel_sessions.last_used_at IS 'When something was last done in it.';
COMMENT ON COLUMN kernel_sessions.ended_at IS 'When it ended; NULL before.';
COMMENT ON COLUMN kernel_sessions.observed_at IS 'When its state was last seen.';
COMMENT ON COLUMN kernel_sessions.version IS 'Grows with each change; a change names the one it is based on.';

CREATE INDEX kernel_sessions_server ON kernel_sessions (server_id, created_at);
COMMENT ON INDEX kernel_sessions_server IS 'Sessions of one server.';
CREATE INDEX kernel_sessions_owner ON kernel_sessions (owner, last_used_at DESC);
COMMENT ON INDEX kernel_sessions_owner IS 'Sessions of one owner, the last used first.';

CREATE TABLE kernel_executions (
    execution_id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES kernel_sessions (session_id),
    cell_id text,
    code_sha256 bytea NOT NULL,
    state text NOT NULL,
    error_name text NOT NULL,
    execution_count integer,
    output_bytes bigint NOT NULL,
    queued_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    observed_at timestamptz NOT NULL,
    version bigint NOT NULL
);
COMMENT ON TABLE kernel_executions IS
    'One row per execution; code and outputs lie with the kernel and in the notebook. Written by: kernels.';
COMMENT ON COLUMN kernel_executions.execution_id IS 'Our own id, given before the code is sent: sent twice, it runs once.';
COMMENT ON COLUMN kernel_executions.session_id IS 'The session.';
COMMENT ON COLUMN kernel_executions.cell_id IS 'nbformat''s id of the cell; NULL outside of the notebook.';
COMMENT ON COLUMN kernel_executions.code_sha256 IS 'SHA-256 of the code, 32 bytes.';
COMMENT ON COLUMN kernel_executions.state IS 'queued, running, ok, error, cancelled, lost.';
COMMENT ON COLUMN kernel_executions.error_name IS 'Exception''s name; empty for none.';
COMMENT ON COLUMN kernel_executions.execution_count IS 'Jupyter''s own count; NULL before it is told.';
COMMENT ON COLUMN kernel_executions.output_bytes IS 'Length of its output log so far; readers go on from an offset in it.';
COMMENT ON COLUMN kernel_executions.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN kernel_executions.started_at IS 'When the kernel began it; NULL before.';
COMMENT ON COLUMN kernel_executions.ended_at IS 'When it ended; NULL before.';
COMMENT ON COLUMN kernel_executions.observed_at IS 'When its state was last seen.';
COMMENT ON COLUMN kernel_executions.version IS 'Grows with each change.';

CREATE INDEX kernel_executions_session ON kernel_executions (session_id, queued_at);
COMMENT ON INDEX kernel_executions_session IS 'Executions of one session in order.';

CREATE TABLE kernel_outbox (
    outbox_seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    message_id text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT kernel_outbox_message UNIQUE (message_id)
);
COMMENT ON TABLE kernel_outbox IS
    'Messages for the bus, written in the transaction that changes a row, deleted once the bus has them. Written by: kernels.';
COMMENT ON COLUMN kernel_outbox.outbox_seq IS 'Order of sending.';
COMMENT ON COLUMN kernel_outbox.subject IS 'Subject on the bus.';
COMMENT ON COLUMN kernel_outbox.message_id IS 'Nats-Msg-Id; the bus drops a repetition.';
COMMENT ON COLUMN kernel_outbox.headers IS 'The message''s other headers, as an object.';
COMMENT ON COLUMN kernel_outbox.body IS 'The message''s bytes.';
COMMENT ON COLUMN kernel_outbox.written_at IS 'When it was written.';

GRANT SELECT ON kernel_servers, kernel_sessions, kernel_executions TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE
ON kernel_servers, kernel_sessions, kernel_executions, kernel_outbox TO slurmfleet_kernels;
