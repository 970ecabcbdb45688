"""How do the runtimes' command lines read: which options stand alone, which take a value, which let the host in?

Taken from the programs' own `--help` (Apptainer 1.4, Docker 28, Podman 4.3, Charliecloud 0.31, Enroot 3, Shifter 18, Sarus 1.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.redact import allowed


@dataclass(frozen=True)
class Grammar:
    """Options without a value (others take one); options worth keeping; options that set a variable; ones that name the image."""

    alone: frozenset[str]
    host: frozenset[str]
    sets: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    """Their value, if any, is in the same word."""
    image: frozenset[str] = frozenset()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


APPTAINER_GLOBAL = Grammar(
    alone=_set("-d --debug -h --help --build-config -q --quiet -s --silent -v --verbose --nocolor --version"), host=frozenset()
)
APPTAINER = Grammar(
    alone=_set(
        "-h --help --allow-setuid --boot --build-config --compat -c --contain -C --containall -e --cleanenv --disable-cache --docker-login "
        "-f --fakeroot --fix-perms -F --force -i --ipc --json --keep-privs -n --net --no-cleanup --no-eval --no-home --no-https --nohttps "
        "--no-init --no-pid --no-privs --no-umask --nv --nvccli --oom-kill-disable -p --pid --passphrase --rocm --runscript-timeout "
        "--sandbox --sharens -T --notest --unsquash -u --userns --update --uts -w --writable --writable-tmpfs -U --allow-unsigned"
    ),
    host=_set(
        "-B --bind -c --contain -C --containall -e --cleanenv --compat -w --writable --writable-tmpfs -o --overlay -H --home --no-home --mount "
        "--no-mount --nv --nvccli --rocm --env --env-file -W --workdir -S --scratch -f --fakeroot --network --net --security --add-caps "
        "--allow-setuid --fusemount --hostname --unsquash"
    ),
    sets=_set("--env"),
)
DOCKER = Grammar(
    alone=_set(
        "-d --detach --disable-content-trust --help --init -i --interactive --no-healthcheck --oom-kill-disable --privileged -P --publish-all -q "
        "--quiet --read-only --rm --sig-proxy -t --tty --use-api-socket --env-host --http-proxy --no-hosts --no-hostname --passwd "
        "--read-only-tmpfs --replace --rmi --rootfs --tls-verify -l --latest -a --all-tags --unsetenv-all --gpu --cuda-mpi --mpi --nccl"
    ),
    host=_set(
        "-v --volume --volumes-from --mount --gpus --gpu --device --privileged --network --net --ipc --pid --uts --userns -e --env --env-file "
        "--env-host --cap-add --security-opt -u --user --rootfs --read-only --tmpfs"
    ),
    sets=_set("-e --env"),
)
CHARLIECLOUD = Grammar(
    alone=_set(
        "-? --help --usage -j --join --home --no-home --no-passwd -q --quiet --seccomp -t --private-tmp --unsafe -v --verbose -V --version "
        "-w --write --env-no-expand --warnings"
    ),
    host=_set("-b --bind --home --no-home -t --private-tmp -w --write -W --write-fake --set-env --unset-env -c --cd"),
    sets=_set("--set-env"),
    optional=_set("--set-env -W --write-fake"),
)
ENROOT = Grammar(
    alone=_set("-r --root -w --rw -f --force"),
    host=_set("-m --mount -e --env -w --rw -r --root --rc"),
    sets=_set("-e --env"),
)
SHIFTER = Grammar(
    alone=_set("-h --help -v --verbose -V --version --clearenv"),
    host=_set("--volume -e --env --env-file --module -m --clearenv"),
    sets=_set("-e --env"),
    image=_set("-i --image"),
)
SARUS = Grammar(
    alone=_set("--glibc --mpi -t --tty --init --ssh --centralized-repository --debug --verbose --help"),
    host=_set("--mount --device -e --env --mpi --glibc --mpi-type"),
    sets=_set("-e --env"),
)
PYXIS = Grammar(
    alone=_set(
        "--container-mount-home --no-container-mount-home --container-remap-root --no-container-remap-root --container-entrypoint "
        "--no-container-entrypoint --container-writable --container-readonly"
    ),
    host=_set(
        "--container-mounts --container-mount-home --no-container-mount-home --container-writable --container-env --container-save "
        "--container-remap-root --container-entrypoint"
    ),
    sets=_set("--container-env"),
)


@dataclass(frozen=True)
class Option:
    """One option as read: its name, its value (empty for one that stands alone) and the words it took, as they are kept."""

    name: str
    value: str
    kept: str


def options(words: Sequence[str], grammar: Grammar) -> Iterator[Option | int]:
    """The options that lead `words`, and last the index of the first word that is none."""
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if not word.startswith("-") or word == "-":
            break
        single, name, has_value, value = _parts(word, grammar)
        yield from (Option(one, "", _kept(one, "", grammar)) for one in single)
        if not has_value and name not in grammar.alone and name not in grammar.optional and at + 1 < len(words):
            at += 1
            value = words[at]
        yield Option(name, value, _kept(name, value, grammar))
        at += 1
    yield min(at, len(words))


def _parts(word: str, grammar: Grammar) -> tuple[list[str], str, str, str]:
    """A cluster such as `-it` or `-v/a:/b`: the letters that stand alone; then the last, or the first that takes a value, with it."""
    if word.startswith("--"):
        return [], *word.partition("=")
    letters = [f"-{letter}" for letter in word[1:]]
    alone = next((n for n, letter in enumerate(letters) if letter not in grammar.alone), len(letters) - 1)
    rest = word[alone + 2 :]
    return letters[:alone], letters[alone], "=" if rest else "", rest.removeprefix("=")


def _kept(name: str, value: str, grammar: Grammar) -> str:
    if name not in grammar.host:
        return ""
    if name in grammar.sets:  # a variable's name says enough; its value only where it may be stored
        pairs = value.strip("\"'").split(",")
        value = ",".join(one if allowed(one.partition("=")[0]) else one.partition("=")[0] for one in pairs)
    return f"{name} {value}".strip() if not name.startswith("--") or not value else f"{name}={value}"
