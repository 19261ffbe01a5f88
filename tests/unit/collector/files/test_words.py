"""Where a script says that its output goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.files.words import NOTHING_NAMED, Named, named_in
from slurmfleet.contracts.files import JobPlace

JOB = JobPlace(job_id="4711", raw_id=4711, name="train", user="alice", work_dir="/work/alice")
TASK = JOB.model_copy(update={"raw_id": 4714, "array_job_id": 4711, "array_task_id": 3})


def folders(*told: str) -> Named:
    return Named(folders=told)


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("python train.py --output_dir /data/out", folders("/data/out")),
        ("python train.py --output-dir=/data/out", folders("/data/out")),
        ("python train.py --output_dir results/a", folders("/work/alice/results/a")),
        ('python x.py --log_dir "/data/with space"', folders("/data/with space")),
        ("python x.py hydra.run.dir=/data/h", folders("/data/h")),
        ("python x.py ++trainer.ckpt_dir=/data/c", folders("/data/c")),
        (
            "python x.py ++output_file=/data/o/out.jsonl",
            Named(files=("/data/o/out.jsonl",), folders=("/data/o",)),
        ),
        ("python x.py \\\n  --output_dir \\\n  /data/out", folders("/data/out")),
        ("OUT=/data/$USER\npython x.py --output_dir $OUT/r", folders("/data/alice/r")),
        ("export OUT='/d/$USER'\npython x.py --output_dir ${OUT}", folders("/d/$USER")),
        ("python x.py --output_dir /d/${SLURM_JOB_ID}", folders("/d/4711")),
        ("A=$B\nB=$A\npython x.py --output_dir $A", NOTHING_NAMED),
        ("python x.py --output_dir $UNKNOWN/r", NOTHING_NAMED),
        ("python x.py --output_dir $(mktemp -d)", NOTHING_NAMED),
        ("python x.py --output_dir `pwd`", NOTHING_NAMED),
        ("python x.py --output_dir ${OUT:-/d}", NOTHING_NAMED),
        ("# python x.py --output_dir /old", NOTHING_NAMED),
        ("python x.py --output_dir /", NOTHING_NAMED),
        ("python layout_dir /d", NOTHING_NAMED),
        (
            "srun --container-mounts=/lustre/al:/results,/h:/h python x.py ++output_dir=/results/r",
            folders("/lustre/al/r"),
        ),
        (
            "srun --container-mounts /l/al:/r:rw,/l/deep:/r/deep python x --output_dir /r/deep/x",
            folders("/l/deep/x"),
        ),
        (
            "apptainer exec --bind /lustre/al:/out img python x.py --output_dir /out",
            folders("/lustre/al"),
        ),
        (
            "docker run -v /lustre/al:/out img python x.py --output_dir /outer",
            folders("/outer"),
        ),
    ],
)
def test_a_script_names_its_places_of_output(script: str, named: Named):
    assert named_in(script, JOB) == named


def test_the_line_that_submitted_it_is_read_too():
    job = JOB.model_copy(update={"submit_line": "sbatch run.sh --output-dir /data/out"})

    assert named_in("", job) == folders("/data/out")


def test_a_task_of_an_array_has_folders_of_its_own():
    script = "python x.py --output_dir /d/$SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID"

    assert named_in(script, TASK) == folders("/d/4711/3")


@given(st.text(alphabet="output_dir=/$ {}'\"\\\n,:-abc`", max_size=200))
def test_nothing_but_absolute_paths_comes_of_any_script(script: str):
    named = named_in(script, JOB)

    for path in (*named.files, *named.folders):
        assert path.startswith("/")
        assert "\0" not in path
        assert "/../" not in path
