"""The kinds of jobs that people submit, and how often each.

A recipe draws everything from the random source that it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from services.simulator.model import ClusterSpec, Request, Shape, User

MINUTE_S = 60
HOUR_S = 3600

MODELS = ("llama-8b", "llama-70b", "qwen-32b", "mixtral", "nemo-12b", "vit-l", "whisper-m")
TASKS = ("gsm8k", "mmlu", "math500", "humaneval", "aime", "gpqa", "livebench")
TYPED_SHARE = 0.5
"""How many requests name the type of their GPUs."""

SINGLETON_SHARE = 0.3

ODD_NAMES = (
    "train|v2",
    'eval "final" run',
    "sweep lr=3e-4,wd=0.1",
    "données-é",
    "漢字-tokenizer",
    "it's fine; echo oops",
    "run {seed} 100%",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where people sit when they submit: their cluster, its pace, and chance."""

    spec: ClusterSpec
    random: Random
    speed: float = 1.0
    """How many times shorter everything lasts."""

    def limit_s(self, nominal_s: int) -> int:
        """Give a time limit after `speed`, in whole minutes as Slurm wants it."""
        return max(1, round(nominal_s / self.speed / MINUTE_S)) * MINUTE_S

    def request(
        self, user: User, name: str, shape: Shape, *, limit_s: int, partition: str = "batch"
    ) -> Request:
        """Give a request with the usual paths and the command that made it."""
        home = f"{self.spec.home_root}/{user.name}"
        account = self.random.choices(user.accounts, (6, 2, 1)[: len(user.accounts)])[0]
        return Request(
            name=name,
            user=user.name,
            account=account,
            partition=partition,
            shape=shape,
            time_limit_s=self.limit_s(limit_s),
            work_dir=f"{home}/work",
            command=f"{home}/work/submit.sh",
            stdout=f"{home}/work/logs/%x-%j.out",
            submit_line=f"sbatch -J {name} -p {partition} -A {account} submit.sh",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of job that people submit."""

    weight: int
    make: Callable[[Desk, User], list[Request]]
    """Gives requests; each after the first waits for the one before it (afterok)."""

    together: bool = False
    """Whether the requests are the components of one heterogeneous job instead."""


def draw_recipe(desk: Desk) -> Recipe:
    """Give the kind of job that somebody submits next."""
    (recipe,) = desk.random.choices(RECIPES, [recipe.weight for recipe in RECIPES])
    return recipe


def _whole_nodes(desk: Desk, nodes: int) -> Shape:
    node = next(node for node in desk.spec.nodes if node.gpus)
    return Shape(
        nodes=nodes,
        cpus=node.cpus,
        memory_mib=node.memory_mib // 2,
        gpus=node.gpus,
        gpu_type=node.gpu_type,
    )


def _some_gpus(desk: Desk, gpus: int) -> Shape:
    node = next(node for node in desk.spec.nodes if node.gpus)
    gpus = min(gpus, node.gpus)
    typed = node.gpu_type if desk.random.random() < TYPED_SHARE else ""
    return Shape(
        cpus=node.cpus // node.gpus * gpus,
        memory_mib=node.memory_mib // node.gpus // 1024 * 1024 * gpus,
        gpus=gpus,
        gpu_type=typed,
    )


def _train(desk: Desk, user: User) -> list[Request]:
    name = f"train-{desk.random.choice(MODELS)}-s{desk.random.randint(0, 9)}"
    nodes = desk.random.choices((1, 2, 4, 8), (6, 4, 2, 1))[0]
    limit_s = desk.random.choice((2, 4, 8, 24)) * HOUR_S
    return [desk.request(user, name, _whole_nodes(desk, nodes), limit_s=limit_s)]


def _evaluate(desk: Desk, user: User) -> list[Request]:
    name = f"eval_{desk.random.choice(TASKS)}_{desk.random.choice(MODELS)}"
    shape = _some_gpus(desk, desk.random.choice((1, 2, 4, 8)))
    return [desk.request(user, name, shape, limit_s=desk.random.choice((15, 30, 60)) * MINUTE_S)]


def _judge(desk: Desk, user: User) -> list[Request]:
    name = f"judge-{desk.random.choice(TASKS)}"
    return [desk.request(user, name, _some_gpus(desk, 1), limit_s=20 * MINUTE_S)]


def _sweep(desk: Desk, user: User) -> list[Request]:
    count = desk.random.randint(6, 24)
    request = desk.request(
        user,
        f"sweep-{desk.random.choice(MODELS)}",
        _some_gpus(desk, 1),
        limit_s=desk.random.choice((30, 60)) * MINUTE_S,
    )
    limit = desk.random.choice((None, 2, 4, 8))
    return [
        replace(
            request,
            tasks=tuple(range(count)),
            task_limit=limit,
            stdout=request.stdout.replace("%x-%j", "%A_%a"),
        )
    ]


def _pipeline(desk: Desk, user: User) -> list[Request]:
    return [*_train(desk, user), *_evaluate(desk, user), *_judge(desk, user)]


def _prepare(desk: Desk, user: User) -> list[Request]:
    shape = Shape(cpus=desk.random.choice((4, 16, 32)), memory_mib=65_536)
    name = f"tokenize-shard{desk.random.randint(0, 63):02d}"
    return [desk.request(user, name, shape, limit_s=HOUR_S, partition="cpu")]


def _interact(desk: Desk, user: User) -> list[Request]:
    shape = _some_gpus(desk, desk.random.choice((1, 2)))
    request = desk.request(user, "jupyter", shape, limit_s=2 * HOUR_S, partition="interactive")
    dependency = "singleton" if desk.random.random() < SINGLETON_SHARE else ""
    return [replace(request, qos="interactive", dependency=dependency, requeue=False)]


def _scavenge(desk: Desk, user: User) -> list[Request]:
    name = f"synth-{desk.random.choice(MODELS)}"
    request = desk.request(user, name, _whole_nodes(desk, 1), limit_s=8 * HOUR_S)
    return [replace(request, qos=desk.random.choice(("standby", "standby", "high")))]


def _odd(desk: Desk, user: User) -> list[Request]:
    name = desk.random.choice(ODD_NAMES)
    request = desk.request(user, name, _some_gpus(desk, 1), limit_s=30 * MINUTE_S)
    return [replace(request, comment=f"note for {name}")]


def _couple(desk: Desk, user: User) -> list[Request]:
    """Give a learner on GPUs and the actors on a CPU node that feed it."""
    name = f"rlhf-{desk.random.choice(MODELS)}"
    limit_s = desk.random.choice((1, 2)) * HOUR_S
    actors = Shape(cpus=16, memory_mib=65_536)
    return [
        desk.request(user, name, _some_gpus(desk, 2), limit_s=limit_s),
        desk.request(user, name, actors, limit_s=limit_s, partition="cpu"),
    ]


RECIPES = (
    Recipe(weight=10, make=_train),
    Recipe(weight=24, make=_evaluate),
    Recipe(weight=18, make=_judge),
    Recipe(weight=8, make=_sweep),
    Recipe(weight=6, make=_pipeline),
    Recipe(weight=10, make=_prepare),
    Recipe(weight=8, make=_interact),
    Recipe(weight=5, make=_scavenge),
    Recipe(weight=4, make=_odd),
    Recipe(weight=2, make=_couple, together=True),
)
