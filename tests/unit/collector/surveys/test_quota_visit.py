from services.collector.surveys.quota_visit import Remembered
from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.df import Mount
from slurmfleet.filesystems.usage import UNTOLD, Usage

INTERVAL_S = 900.0
DAY_S = 86_400.0


def mount(place: str) -> Mount:
    usage = Usage(file_system=place, kind=QuotaKind.FILE_SYSTEM, space=UNTOLD, files=UNTOLD)
    return Mount(type="lustre", device="mgs:/big", mount_point=place, usage=usage)


def test_a_path_that_hangs_rests_longer_each_time_and_six_hours_at_most():
    known = Remembered()
    now_s = 1_000.0
    rests_min: list[float] = []

    for _ in range(40):
        known.rest(now_s, INTERVAL_S)
        rests_min.append((known.rests_until_s - now_s) / 60)
        now_s = known.rests_until_s

    assert rests_min == [30, 60, 120, 240] + [360] * 36


def test_what_was_learnt_is_believed_for_a_day_and_for_one_mount():
    known = Remembered()
    known.forget(mount("/lustre"), 100.0)
    known.place = "4711"
    known.without.add("user")

    known.forget(mount("/lustre"), 100.0 + DAY_S - 1)
    assert (known.place, known.without) == ("4711", {"user"})

    known.forget(mount("/other"), 100.0 + DAY_S - 1)
    assert (known.place, known.without) == (None, set())

    known.place = ""
    known.forget(mount("/other"), 100.0 + 2 * DAY_S)
    assert known.place is None
