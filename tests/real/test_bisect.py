"""Does a bisection find the real cause in real programs, among differences that do nothing, and refuse what it cannot prove?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.needs import need
from tests.replay.bisect.twins import Side, bisected, causes, needs_sandbox, venv

INERT = {"LC_TIME": "C", "OMP_SCHEDULE": "static", "MKL_VERBOSE": "0", "CUDA_CACHE_DISABLE": "1"}
LINES = "import sys\nrows = [float(x) for x in open('in.txt').read().split()]\n{}\nprint(value, file=open('out.txt', 'w'))\n"


def program(line: str) -> dict[str, str]:
    return {"fit.py": LINES.format(line)}


@needs_sandbox
def test_a_byte_of_the_data_is_the_cause_and_the_line_is_shown(tmp_path: Path) -> None:
    a = Side(data={"in.txt": "1 2 3\n", "other.txt": "x\n"})
    found = bisected(tmp_path, a, a.but(data={"in.txt": "1 2 4\n", "other.txt": "y\n"}, environment=INERT))
    assert (found.certified, found.reason) == (True, "A differs from B because of in.txt")
    assert [(c.layer, c.detail) for c in found.causes] == [("data", ("-1 2 3", "+1 2 4"))]
    assert [(p.claim, p.holds) for p in found.proofs] == [
        ("A agrees with itself", True),
        ("B agrees with itself", True),
        ("A with it comes out as B (sufficient)", True),
        ("A with it, but without in.txt, does not come out as B (needed)", True),
        ("B without it comes out as A (counterfactual)", True),
    ]
    assert all(p.runs for p in found.proofs)


@needs_sandbox
def test_a_line_of_the_code_is_the_cause(tmp_path: Path) -> None:
    a = Side(code={**program("value = sum(rows)"), "unused.py": "# one\n"}, script="#!/bin/bash\npython3 fit.py\n: unused.py\n")
    b = a.but(code={**program("value = sum(sorted(rows)[1:])"), "unused.py": "# two\n"}, environment=INERT)
    found = bisected(tmp_path, a, b)
    assert (found.certified, causes(found)) == (True, ["code:fit.py"])
    assert found.causes[0].detail == ("-value = sum(rows)", "+value = sum(sorted(rows)[1:])")


@needs_sandbox
def test_an_argument_of_the_script_is_the_cause(tmp_path: Path) -> None:
    a = Side(arguments=("2", "--name", "first"))
    found = bisected(tmp_path, a, a.but(arguments=("3", "--name", "second"), environment=INERT))
    assert (found.certified, [(c.layer, c.name, c.before, c.after) for c in found.causes]) == (
        True,
        [("parameters", "argument 1", "2", "3")],
    )


@needs_sandbox
def test_the_version_of_a_package_is_the_cause_and_another_one_that_changed_is_not(tmp_path: Path) -> None:
    script = "#!/bin/bash\npython3 -c 'import tiny, idle; print(tiny.answer)' >out.txt\n"
    old = venv(tmp_path / "old", ("tiny", "1.0", "answer = 41\n"), ("idle", "1.0", "x = 1\n"))
    new = venv(tmp_path / "new", ("tiny", "1.1", "answer = 42\n"), ("idle", "2.0", "x = 2\n"))
    a = Side(code={}, data={}, arguments=(), script=script, had=old[0], wheels=old[1])
    found = bisected(tmp_path, a, a.but(had=new[0], wheels=new[1]))
    assert (found.certified, causes(found)) == (True, ["package:tiny"])
    assert [(c.layer, c.before[:3], c.after[:3]) for c in found.causes] == [("packages", "1.0", "1.1")]


@needs_sandbox
def test_the_locale_is_the_cause(tmp_path: Path) -> None:
    """Of one character in UTF-8 another locale sees two bytes."""
    script = "#!/bin/bash\ncase é in ?) echo one character;; *) echo bytes;; esac >out.txt\n"
    a = Side({}, script=script, environment={"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1", "TZ": "UTC"})
    found = bisected(tmp_path, a, a.but(environment={"LC_ALL": "POSIX", "LC_TIME": "C", "PYTHONHASHSEED": "2", "TZ": "CET"}))
    assert (found.certified, causes(found)) == (True, ["variable:LC_ALL"])


@needs_sandbox
def test_the_time_zone_is_the_cause(tmp_path: Path) -> None:
    script = "#!/bin/bash\ndate -d @1700000000 +%H >out.txt\n"
    a = Side(code={}, script=script, environment={"TZ": "UTC", "LANG": "C"})
    found = bisected(tmp_path, a, a.but(environment={"TZ": "Asia/Tokyo", "LANG": "C.UTF-8", **INERT}))
    assert (found.certified, causes(found)) == (True, ["variable:TZ"])


NUMPY = """
import numpy as np
x = np.random.default_rng(1).standard_normal((300, 300))
for _ in range(3):
    x = x @ x / np.linalg.norm(x) + float(open('in.txt').read())
np.save('out.npy', x)
"""


def numeric(**environment: str) -> Side:
    """A program with this interpreter's NumPy, which no sandbox shows."""
    script = f"#!/bin/bash\nexec {sys.executable} fit.py\n"
    return Side({"fit.py": NUMPY}, {"in.txt": "0.5\n"}, (), environment, script, ("out.npy",))


def kernels() -> None:
    """Needs an OpenBLAS that can choose kernels: x86-64 with AVX2."""
    pytest.importorskip("numpy")
    flags = Path("/proc/cpuinfo").read_text()
    need(*([] if " avx2" in flags else ["a processor with AVX2"]))


def test_a_blas_kernel_is_the_cause(tmp_path: Path) -> None:
    kernels()
    a = numeric(OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="1")
    b = numeric(OPENBLAS_CORETYPE="Nehalem", OPENBLAS_NUM_THREADS="1", **INERT)
    found = bisected(tmp_path, a, b, sandbox=False, exact=True)
    assert (found.certified, causes(found)) == (True, ["variable:OPENBLAS_CORETYPE"])


def test_the_code_paths_of_numpy_are_the_cause(tmp_path: Path) -> None:
    """As on a processor without AVX2: NumPy's own loops for float32 give other last digits."""
    kernels()
    code = "import numpy as np\nnp.save('out.npy', np.exp(np.linspace(0, 5, 9999, dtype='f')))\n"
    a = numeric().but(code={"fit.py": code})
    found = bisected(tmp_path, a, a.but(environment={"NPY_DISABLE_CPU_FEATURES": "X86_V3", **INERT}), sandbox=False, exact=True)
    assert (found.certified, causes(found)) == (True, ["variable:NPY_DISABLE_CPU_FEATURES"])


def test_a_blas_kernel_within_the_tolerance_needs_no_cause(tmp_path: Path) -> None:
    kernels()
    a, b = numeric(OPENBLAS_CORETYPE="Haswell"), numeric(OPENBLAS_CORETYPE="Nehalem")
    found = bisected(tmp_path, a, b, sandbox=False)
    assert (found.certified, found.reason) == (
        False,
        "A and B come out the same within the tolerance; add --exact to ask for the last digits",
    )


def test_two_causes_together_are_found_among_eight_differences_that_do_nothing(tmp_path: Path) -> None:
    kernels()
    a = numeric(OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="1")
    b = numeric(
        OPENBLAS_CORETYPE="Nehalem", OPENBLAS_NUM_THREADS="1", TZ="CET", PYTHONHASHSEED="3", LANG="C", LC_NUMERIC="C", **INERT
    )
    found = bisected(tmp_path, a, b.but(data={"in.txt": "0.500000001\n"}), sandbox=False, exact=True)
    assert (found.certified, causes(found)) == (True, ["input:in.txt", "variable:OPENBLAS_CORETYPE"])
    assert (found.differences, found.search_runs <= 8) == (10, True)


def test_the_number_of_threads_is_the_cause(tmp_path: Path) -> None:
    """Partial sums by thread, as OpenMP and BLAS make them: real threads, the order of addition depends on how many."""
    code = (
        "import os\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "n = int(os.environ['OMP_NUM_THREADS'])\nxs = [1 / (i + 1) for i in range(100001)]\n"
        "print(sum(ThreadPoolExecutor(n).map(sum, [xs[i::n] for i in range(n)])), file=open('out.txt', 'w'))\n"
    )
    a = Side({"fit.py": code}, environment={"OMP_NUM_THREADS": "1"})
    found = bisected(tmp_path, a, a.but(environment={"OMP_NUM_THREADS": "3", **INERT}), exact=True)
    assert (found.certified, causes(found)) == (True, ["variable:OMP_NUM_THREADS"])


@needs_sandbox
def test_the_cores_that_were_asked_for_are_the_cause(tmp_path: Path) -> None:
    need(*([] if len(os.sched_getaffinity(0)) > 1 else ["two cores"]))
    code = "import os\nprint(len(os.sched_getaffinity(0)), file=open('out.txt', 'w'))\n"
    a = Side({"fit.py": code}, cores=1)
    found = bisected(tmp_path, a, a.but(cores=2, environment=INERT))
    assert (found.certified, causes(found)) == (True, ["cores"])


@needs_sandbox
def test_a_program_that_does_not_agree_with_itself_is_held_still_first(tmp_path: Path) -> None:
    """Then the cause is found beside the chance."""
    a = Side(program("import random\nvalue = sum(rows) + random.random()"), environment=INERT)
    found = bisected(tmp_path, a, a.but(data={"in.txt": "1 2 30\n"}, environment={"TZ": "CET"}))
    assert (found.certified, causes(found)) == (True, ["input:in.txt"])
    assert found.stabilisers == ("random numbers start from a fixed seed",)


@needs_sandbox
@pytest.mark.parametrize(
    ("line", "stabiliser"),
    [
        ("value = list({str(x) for x in range(50)})", "PYTHONHASHSEED=0"),
        ("import time\nvalue = time.time_ns()", "the clock stands still"),
        ("import datetime\nvalue = datetime.datetime.now().isoformat()", "the clock stands still"),
        ("import os\nvalue = os.urandom(8)", "random numbers start from a fixed seed"),
        ("import uuid\nvalue = uuid.uuid4()", "random numbers start from a fixed seed"),
    ],
)
def test_two_runs_that_differ_by_chance_alone_have_no_other_cause(tmp_path: Path, line: str, stabiliser: str) -> None:
    a = Side(program(line))
    found = bisected(tmp_path, a, a.but(environment={"TZ": "UTC"}))
    assert (found.certified, found.stabilisers) == (False, (stabiliser,))
    assert found.reason == f"A and B differ by chance: held still ({stabiliser}), they come out the same"


@needs_sandbox
def test_a_program_that_breaks_when_it_is_held_still_is_not_taken_for_one_that_agrees(tmp_path: Path) -> None:
    script = '#!/bin/bash\n[ -n "$AUDITOR_HELD_STILL" ] && exit 3\nhead -c 8 /dev/urandom >out.txt\n'
    a = Side({}, script=script)
    found = bisected(tmp_path, a, a.but(environment={"TZ": "UTC"}))
    assert (found.certified, found.stabilisers) == (False, ())


@needs_sandbox
def test_chance_that_nothing_here_holds_still_is_said(tmp_path: Path) -> None:
    a = Side(code={}, script="#!/bin/bash\nhead -c 8 /dev/urandom >out.txt\n")
    found = bisected(tmp_path, a, a.but(environment={"TZ": "UTC"}))
    assert not found.certified
    assert found.reason.startswith("A and B do not agree with themselves, and nothing that can be held still here changes that")
