"""One call of a client program, and what it prints; with the little parser for its options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A client program as a user started it on the login node."""

    program: str
    argv: tuple[str, ...]
    """Without the program; bytes that are no UTF-8 are surrogates."""

    user: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    work_dir: str = ""
    script: str | None = None
    """What sbatch was to read, once it was asked for."""

    @property
    def time_format(self) -> str:
        """How times are written; empty for the standard form."""
        return self.env.get("SLURM_TIME_FORMAT", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client program prints, and its exit status."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0
    wait_s: float = 0.0
    """How long the program takes, for one that waits for a dead controller."""

    wants_script: str | None = None
    """The file that must be sent first; empty for standard input."""


def refused(text: str, *, status: int = 1, wait_s: float = 0.0) -> Answer:
    """Give the answer of a program that failed with one line on standard error."""
    return Answer(stderr=f"{text}\n", status=status, wait_s=wait_s)


class UsageError(Exception):
    """An option that the program does not know, or that lacks its value."""

    def __init__(self, program: str, text: str) -> None:
        """Keep the message as getopt prints it."""
        super().__init__(f'{program}: {text}\nTry "{program} --help" for more information')


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The options of one program; each long name stands for itself."""

    flags: Mapping[str, str]
    """Short or long spelling to long name, for options without value."""

    valued: Mapping[str, str]
    """The same for options that take a value."""


def grammar(*, flags: str, valued: str) -> Grammar:
    """Give the options of a program.

    Args:
        flags: Options without value, each with its spellings: `h,noheader a,all`. The last
            spelling is the name by which `Options` knows it.
        valued: The same for options with a value.
    """
    return Grammar(flags=_spellings(flags), valued=_spellings(valued))


def _spellings(text: str) -> dict[str, str]:
    spelled: dict[str, str] = {}
    for option in text.split():
        *others, name = option.split(",")
        spelled |= dict.fromkeys((*others, name), name)
    return spelled


@dataclass(slots=True, kw_only=True)
class Options:
    """What was given: flags, values (the last one wins) and the words that are no options."""

    flags: set[str] = field(default_factory=set[str])
    values: dict[str, str] = field(default_factory=dict[str, str])
    words: list[str] = field(default_factory=list[str])


def read_options(
    program: str, argv: Sequence[str], grammar: Grammar, *, stop_at_word: bool = False
) -> Options:
    """Read options as getopt does: `-a`, `-abc`, `-j5`, `-j 5`, `--jobs=5`, `--jobs 5`.

    Args:
        program: For messages.
        argv: Without the program.
        grammar: What the program knows.
        stop_at_word: Whether everything after the first word belongs to it (a script's arguments).

    Raises:
        UsageError: An option is unknown or lacks its value.
    """
    options = Options()
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--" or (stop_at_word and not word.startswith("-")):
            options.words += rest if word == "--" else [word, *rest]
            break
        if word.startswith("--"):
            _long(program, word[2:], rest, grammar, options)
        elif word.startswith("-") and word != "-":
            _short(program, word[1:], rest, grammar, options)
        else:
            options.words.append(word)
    return options


def _long(program: str, text: str, rest: list[str], grammar: Grammar, options: Options) -> None:
    name, equals, value = text.partition("=")
    if name in grammar.flags:
        options.flags.add(grammar.flags[name])
    elif name in grammar.valued:
        if not equals and not rest:
            raise UsageError(program, f"option '--{name}' requires an argument")
        options.values[grammar.valued[name]] = value if equals else rest.pop(0)
    else:
        raise UsageError(program, f"unrecognized option '--{name}'")


def _short(program: str, text: str, rest: list[str], grammar: Grammar, options: Options) -> None:
    while text:
        letter, text = text[0], text[1:]
        if letter in grammar.flags:
            options.flags.add(grammar.flags[letter])
            continue
        if letter not in grammar.valued:
            raise UsageError(program, f"invalid option -- '{letter}'")
        if not text and not rest:
            raise UsageError(program, f"option requires an argument -- '{letter}'")
        options.values[grammar.valued[letter]] = text or rest.pop(0)
        return
