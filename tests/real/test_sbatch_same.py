"""`auditor sbatch` is sbatch to whoever calls it: the same inputs to both, and everything a caller or a job can see is equal."""

from __future__ import annotations

from pathlib import Path

import pytest
import slurmlab
from sidebyside import SHOW, Case, Outcome, run

from auditor.submit.shim import install_shim

pytestmark = pytest.mark.slurm


def told(directive: str) -> dict[str, str]:
    """The script that shows everything, with a directive in it."""
    return {"job.sh": SHOW.replace("#!/bin/bash\n", f"#!/bin/bash\n#SBATCH {directive}\n", 1)}


# `$_` at the first line is the last word of the user's BASH_ENV; one file deeper, it is not
CHAINED = {"job.sh": SHOW.replace("$_ ", "")}
TINY = "#!/bin/bash\necho ran $*\n"

CASES = (
    Case("a script with arguments", ("show.sh", "a b", "", "$x", "--wait")),
    Case("a script by its path", ("./show.sh",)),
    Case("directives in the script", ("job.sh",), files=told("-J named -o %x.log --open-mode=append")),
    Case("a script through a pipe", ("-J piped",), stdin=SHOW),
    Case("a script from a file on stdin", (), stdin=Path("show.sh")),
    Case("a here document", shell=f"sbatch --parsable <<'END'\n{SHOW}END\n"),
    Case("a slow writer on stdin", shell="{ read x; cat show.sh; } <show.sh | sbatch"),
    Case("--wrap", ("--wrap=echo wrapped $0; env | sort",)),
    Case("--wrap as a word", ("--wrap", "env | sort")),
    Case("an array", ("-a", "0-3", "show.sh")),
    Case("a throttled array with a step", ("--array=1-5:2%1", "show.sh")),
    Case("--parsable", ("--parsable", "show.sh")),
    Case("-Q", ("-Q", "show.sh")),
    Case("--quiet --parsable", ("--quiet", "--parsable", "show.sh")),
    Case("-Q with a script on stdin", ("-Q",), stdin=SHOW),
    Case("--wait gives the job's status", ("--wait", "show.sh")),
    Case("--wait in a directive", ("job.sh",), files=told("--wait")),
    Case("-W with an array", ("-W", "-a", "1-2", "show.sh")),
    Case("--parsable in a directive", ("job.sh",), files=told("--parsable")),
    Case("--test-only", ("--test-only", "show.sh")),
    Case("a dependency chain", shell="j=$(sbatch --parsable show.sh) && sbatch -d afterany:$j show.sh second; echo rc=$?"),
    Case("an impossible dependency", ("-d", "afterok:99999", "show.sh")),
    Case("singleton", ("-d", "singleton", "-J", "one", "show.sh")),
    Case("--export=NONE", ("--export=NONE", "show.sh")),
    Case("--export=NIL", ("--export=NIL", "show.sh")),
    Case("--export of some", ("--export=LANG,EXTRA=1", "show.sh")),
    Case("--export of all and one more", ("--export=ALL,EXTRA=one two", "show.sh")),
    Case("--export of one's own BASH_ENV", ("--export=ALL,BASH_ENV=mine.sh", "show.sh"), files={"mine.sh": "echo mine $0\n"}),
    Case("SBATCH_EXPORT", ("show.sh",), env={"SBATCH_EXPORT": "NONE"}),
    Case("a BASH_ENV that is there", ("job.sh",), files=CHAINED | {"mine.sh": "echo mine\nshopt -s extglob\n"}, env={"BASH_ENV": "./mine.sh"}),
    Case("a BASH_ENV with a variable", ("job.sh",), files=CHAINED | {"mine.sh": "echo mine\n"}, env={"BASH_ENV": "$PWD/mine.sh"}),
    Case("a BASH_ENV of a bare name", ("job.sh",), files=CHAINED | {"mine.sh": "echo mine\n"}, env={"BASH_ENV": "mine.sh"}),
    Case("a BASH_ENV that is missing", ("show.sh",), env={"BASH_ENV": "/no/such"}),
    Case("an empty BASH_ENV", ("show.sh",), env={"BASH_ENV": ""}),
    Case("an exported function", shell="bash -c 'f() { echo hi; }; export -f f; sbatch show.sh'"),
    Case("odd bytes in the environment", ("show.sh",), env={"ODD": "a\udcffb\nc'd\"$e`f\\", "EMPTY": ""}),
    Case("another cluster", ("-M", "lab", "show.sh")),
    Case("a cluster that is not there", ("-M", "nowhere", "show.sh")),
    Case("a heterogeneous job", ("-n1", ":", "-n1", "show.sh")),
    Case("held", shell="j=$(sbatch -H --parsable show.sh); scontrol release $j; echo rc=$?"),
    Case("an unknown option", ("--no-such-option", "show.sh")),
    Case("an option without its value", ("-n",)),
    Case("a bad number", ("-n", "x", "show.sh")),
    Case("a bad partition", ("-p", "nowhere", "show.sh")),
    Case("too much of everything", ("-N", "99", "show.sh")),
    Case("a bad directive", ("job.sh",), files=told("--no-such")),
    Case("a script that is not there", ("missing.sh",)),
    Case("a folder instead of a script", (".",)),
    Case("a script without #!", ("job.txt",), files={"job.txt": "echo hi\n"}),
    Case("a script with DOS line ends", ("job.txt",), files={"job.txt": "#!/bin/bash\r\necho hi\r\n"}),
    Case("an empty script", ("job.txt",), files={"job.txt": ""}),
    Case("nothing on stdin", ()),
    Case("an empty pipe", (), stdin=""),
    Case("--version", ("--version",)),
    Case("--usage", ("--usage",)),
    Case("--help", ("--help",)),
    Case("a sh script", ("job",), files={"job": "#!/bin/sh\nenv | sort\necho $0 $*\n"}),
    Case("a Python script", ("job",), files={"job": "#!/usr/bin/python3\nimport os\nfor pair in sorted(os.environ.items()):\n    print(*pair, sep='=')\n"}),
    Case("env bash", ("job",), files={"job": SHOW.replace("/bin/bash", "/usr/bin/env bash", 1)}),
    Case("bash -e", ("job",), files={"job": SHOW.replace("/bin/bash", "/bin/bash -e", 1)}),
    Case("bash -eu", ("job",), files={"job": SHOW.replace("/bin/bash", "/bin/bash -eu", 1)}),
    Case("bash -l", ("job",), files={"job": SHOW.replace("/bin/bash", "/bin/bash -l", 1)}),
    Case("bash -x", ("job",), files={"job": "#!/bin/bash -x\necho $1\ntrue\n"}),
    Case("bash -xv", ("job",), files={"job": "#!/bin/bash -xv\necho $1\n"}),
    Case("bash --posix", ("job",), files={"job": "#!/bin/bash --posix\necho $1; set -o\n"}),
    Case("stdin of a loop is not eaten", shell='printf "1\\n2\\n3\\n" | while read n; do sbatch --parsable job.sh $n; done', files={"job.sh": TINY}),
    Case("a closed stdin", shell="sbatch show.sh <&-"),
    Case("a closed stdout", shell="sbatch show.sh >&-; echo rc=$?"),
    Case("a closed stderr", shell="sbatch show.sh 2>&-"),
    Case("a closed stderr and an error", shell="sbatch -p nowhere show.sh 2>&-"),
    Case("a full disk behind stdout", shell="sbatch show.sh >/dev/full; echo rc=$?"),
    Case("umask and limits", shell="umask 027; ulimit -n 99; ulimit -c 0; sbatch show.sh"),
    Case("an open file of the caller's", shell="exec 7<show.sh 8>left.txt; sbatch show.sh; echo late >&8"),
    Case("a caller that ignores signals", shell="trap '' INT HUP PIPE; sbatch show.sh"),
    Case("another folder", shell="mkdir sub && sbatch -D sub show.sh && sbatch --chdir=$PWD/sub show.sh"),
    Case("a name with odd characters", ("a b'c|d.sh",), files={"a b'c|d.sh": TINY}),
    Case("a comment and a name", ("--comment=x y", "-J", "a|b c", "show.sh")),
)  # fmt: skip


@pytest.fixture(scope="module")
def first_in_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that PATH starts with, so that it is the same both ways; empty until the shim is put there."""
    return tmp_path_factory.mktemp("bin")


@pytest.fixture(scope="module")
def env(light_lab: slurmlab.Lab, first_in_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As small as a login shell's."""
    return {
        "PATH": f"{first_in_path}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "SLURM_CONF": light_lab.conf,
        "LANG": "C.UTF-8",
        "API_TOKEN": "canary-0123456789",
        "OMP_NUM_THREADS": "2",
    }


@pytest.fixture(scope="module")
def both(
    env: dict[str, str], first_in_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    base = tmp_path_factory.mktemp("cases")
    plain = run(CASES, base / "work", base / "plain", env)
    install_shim(str(first_in_path))
    return plain, run(CASES, base / "work", base / "wrapped", env)


@pytest.mark.parametrize("name", [c.name for c in CASES])
def test_a_caller_and_a_job_see_no_difference(both: tuple[dict[str, Outcome], dict[str, Outcome]], name: str) -> None:
    plain, wrapped = both
    assert wrapped[name].lines == plain[name].lines
