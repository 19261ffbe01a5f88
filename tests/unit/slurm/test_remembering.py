from slurmfleet.slurm.remembering import LONGEST_REMEMBERED, remembers_short_texts


def test_only_short_texts_are_remembered():
    asked: list[str] = []

    @remembers_short_texts(8)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    short, long = "a", "a" * (LONGEST_REMEMBERED + 1)

    assert [length(short), length(short), length(long), length(long)] == [1, 1, 2_049, 2_049]
    assert asked == [short, long, long]
