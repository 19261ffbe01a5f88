"""The toolset `observe`: what runs where, and how sure that is. Reads only."""

from typing import Annotated

from fastmcp.tools.base import Tool, ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp_types import ToolAnnotations
from pydantic import AwareDatetime, Field

from services.mcp.answers import (
    ClustersAnswer,
    HealthAnswer,
    JobsAnswer,
    cluster_line,
    jobs_answer,
)
from services.mcp.arguments import (
    READS_ONLY,
    Cluster,
    JobId,
    Words,
    cluster_names,
    job_states,
    words,
)
from services.mcp.errors import told_problems
from services.mcp.render import clusters_text, health_text, job_text, jobs_text
from services.mcp.schemas import schema_of
from services.mcp.sources import Sources
from services.mcp.tools.mounts import get_mounts_tool
from slurmfleet.contracts import ids
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.contracts.text import shown_fields
from slurmfleet.store.read.freshness import Freshness, freshness_of
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.store.read.reader import Reader
from slurmfleet.store.rows import JobView
from slurmfleet.timing.clock import Clock

MAX_JOBS = 200
DEFAULT_JOBS = 50

Limit = Annotated[int, Field(ge=1, le=MAX_JOBS, description="Jobs on a page.")]
Moment = Annotated[AwareDatetime | None, Field(description="ISO 8601 with time zone.")]


def observe_tools(sources: Sources) -> list[Tool]:
    """Give the tools of this set but those about logs."""
    reader, clock = sources.reader, sources.clock
    return [
        _health_check(reader, clock),
        _list_jobs(reader),
        _get_job(reader),
        _get_cluster_status(reader, clock),
        get_mounts_tool(sources.mounts),
    ]


def _health_check(reader: Reader, clock: Clock) -> Tool:
    async def health_check() -> ToolResult:
        try:
            health = await reader.health()
            age = await reader.freshness()
            store = f"{health.edition} edition, schema {health.schema_version}, answers"
        except ProblemError as problem:
            age, store = freshness_of((), now=clock.now()), f"{problem.detail} {problem.remedy}"
        answer = _health(age, store=store, store_ok=store.endswith("answers"))
        return ToolResult(content=health_text(answer), structured_content=shown_fields(answer))

    return FunctionTool.from_function(
        health_check,
        title="Check slurmfleet's health",
        description="Whether slurmfleet itself works and which clusters' data is stale, and why. "
        "Use it when answers look old or wrong.",
        annotations=ToolAnnotations(title="Check slurmfleet's health", **READS_ONLY),
        output_schema=schema_of(HealthAnswer),
    )


def _health(age: Freshness, *, store: str, store_ok: bool) -> HealthAnswer:
    return HealthAnswer(
        ok=store_ok and not age.stale,
        store=store,
        observed_at=age.observed_at,
        age_s=age.age_s,
        stale=age.stale or not store_ok,
        clusters=age.clusters,
    )


def _list_jobs(reader: Reader) -> Tool:
    async def list_jobs(
        *,
        cluster: Annotated[Words, Field(description="Only these clusters.")] = None,
        user: Annotated[Words, Field(description="Only jobs of these login names.")] = None,
        account: Annotated[Words, Field(description="Only these Slurm accounts.")] = None,
        project: Annotated[Words, Field(description="Only these projects.")] = None,
        partition: Annotated[Words, Field(description="Only these partitions.")] = None,
        state: Annotated[
            Words, Field(description="Only these Slurm states: RUNNING, PENDING, FAILED, …")
        ] = None,
        query: Annotated[str, Field(max_length=200, description="Text in the name or id.")] = "",
        since: Annotated[Moment, Field(description="Submitted then or later; ISO 8601.")] = None,
        until: Annotated[Moment, Field(description="Submitted before; ISO 8601.")] = None,
        live: Annotated[
            bool | None,
            Field(description="true: pending or running. false: over. null: both."),
        ] = None,
        limit: Limit = DEFAULT_JOBS,
        cursor: Annotated[
            str | None, Field(max_length=512, description="next_cursor of the page before.")
        ] = None,
    ) -> ToolResult:
        with told_problems():
            wanted = JobFilter(
                clusters=cluster_names(cluster),
                users=words(user, name="user"),
                accounts=words(account, name="account"),
                projects=words(project, name="project"),
                partitions=words(partition, name="partition"),
                states=job_states(state),
                q=query,
                since=since,
                until=until,
                live=live,
            )
            page = await reader.jobs(wanted, after=cursor, limit=limit)
            age = await reader.freshness(wanted.clusters)
        answer = jobs_answer(page, age=age)
        return ToolResult(content=jobs_text(answer), structured_content=shown_fields(answer))

    return FunctionTool.from_function(
        list_jobs,
        title="List jobs on all clusters",
        description="Jobs of the followed users and accounts, live and past, on every cluster, "
        "newest submission first. All conditions must hold; lists or comma-separated text. "
        "For what runs or waits now pass live=true. A query that must read old jobs one by one "
        "gives short or empty pages with searched_back_to: go on with next_cursor, or narrow since "
        "and until.",
        annotations=ToolAnnotations(title="List jobs on all clusters", **READS_ONLY),
        output_schema=schema_of(JobsAnswer),
    )


def _get_job(reader: Reader) -> Tool:
    async def get_job(
        cluster: Cluster,
        job_id: JobId,
    ) -> ToolResult:
        with told_problems():
            view = await reader.job(ids.cluster_name(cluster), ids.job_id(str(job_id)))
        return ToolResult(content=job_text(view), structured_content=shown_fields(view))

    return FunctionTool.from_function(
        get_job,
        title="Show one job",
        description="Everything known of one job: state and reason, resources, times, paths, exit "
        "status. Slurm recycles ids; this is the latest submission.",
        annotations=ToolAnnotations(title="Show one job", **READS_ONLY),
        output_schema=schema_of(JobView),
    )


def _get_cluster_status(reader: Reader, clock: Clock) -> Tool:
    async def get_cluster_status(
        cluster: Annotated[
            str | None, Field(description="One cluster, with its partitions; null for all.")
        ] = None,
    ) -> ToolResult:
        with told_problems():
            if cluster is None:
                views = await reader.clusters()
            else:
                views = (await reader.cluster(ids.cluster_name(cluster)),)
        lines = tuple(cluster_line(view, with_partitions=cluster is not None) for view in views)
        age = freshness_of(views, now=clock.now())
        answer = ClustersAnswer(
            items=lines, observed_at=age.observed_at, age_s=age.age_s, stale=age.stale
        )
        return ToolResult(content=clusters_text(lines), structured_content=shown_fields(answer))

    return FunctionTool.from_function(
        get_cluster_status,
        title="Show how clusters are",
        description="Which clusters are configured, whether each is reached, how old its data is, "
        "and how many jobs and GPUs run and wait there, yours and everybody's.",
        annotations=ToolAnnotations(title="Show how clusters are", **READS_ONLY),
        output_schema=schema_of(ClustersAnswer),
    )
