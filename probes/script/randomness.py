"""Where does code draw random numbers, set a seed, or ask for determinism? Python by syntax tree, other languages by pattern.

Names follow each library's page on reproducibility (PyTorch "Reproducibility", NumPy "Random Generator", TensorFlow, JAX "PRNG", R, Julia).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from probes.script import pycode

MAX_VALUE = 80
_SEED_CALLS = frozenset(
    """random.seed random.Random numpy.random.seed numpy.random.default_rng numpy.random.RandomState numpy.random.SeedSequence numpy.random.PCG64
    numpy.random.MT19937 numpy.random.Philox torch.manual_seed torch.cuda.manual_seed torch.cuda.manual_seed_all torch.random.manual_seed
    tensorflow.random.set_seed tensorflow.set_random_seed tensorflow.compat.v1.set_random_seed tensorflow.keras.utils.set_random_seed
    keras.utils.set_random_seed jax.random.PRNGKey jax.random.key cupy.random.seed dgl.seed dgl.random.seed pyro.set_rng_seed""".split()
)
_SEED_METHODS = frozenset("manual_seed set_seed seed_everything set_random_seed setRandomNumberSeed".split())
_SEED_KEYWORDS = frozenset("seed random_state random_seed rng_seed worker_seed".split())
_SWITCH_CALLS = frozenset(
    """torch.use_deterministic_algorithms torch.set_deterministic tensorflow.config.experimental.enable_op_determinism torch.set_num_threads
    torch.set_float32_matmul_precision jax.config.update""".split()
)
_SWITCH_TARGETS = re.compile(r"torch\.backends\.(cudnn\.(deterministic|benchmark|allow_tf32)|cuda\.matmul\.allow_tf32)$")
_DRAWS = re.compile(
    r"(random|secrets)\.(random|randint|randrange|choices?|shuffle|sample|uniform|gauss|normalvariate|betavariate|expovariate)$"
    r"|numpy\.random\.(?!seed$|default_rng$|RandomState$|SeedSequence$|Generator$|PCG64$|MT19937$|Philox$|get_state$|set_state$)\w+$"
    r"|torch\.(rand|randn|randint|randperm|normal|multinomial|bernoulli|poisson|rand_like|randn_like)$"
    r"|torch\.nn\.(Dropout\w*|init\.\w+)$|tensorflow\.random\.(?!set_seed$)\w+$|jax\.random\.(?!PRNGKey$|key$|split$|fold_in$)\w+$"
    r"|sklearn\.model_selection\.(train_test_split|ShuffleSplit|StratifiedShuffleSplit)$|cupy\.random\.(?!seed$)\w+$"
)
# (kind, pattern) for languages without a tree here; group 1 the name, group 2 the value
_R = (("seed", r"\b(set\.seed)\(\s*([^,)]*)"), ("draw", r"\b(rnorm|runif|rbinom|rpois|rexp|sample|sample_n|shuffle)\("))
_JULIA = (
    ("seed", r"\b(Random\.seed!|MersenneTwister|Xoshiro)\(\s*([^,)]*)"),
    ("draw", r"\b(randn?|shuffle!?|randperm|sample)\("),
)
_SHELL = (("seed", r"^\s*(RANDOM)=(\d+)"), ("draw", r"(\$\{?RANDOM\b|\bshuf\b|\bsort\s+-R\b)"))
_INPUT = (
    ("seed", r"(?im)^\s*([\w-]*seed[\w-]*)\s*[=\s]\s*(-?\d+)"),
    ("seed", r"(?im)^\s*(velocity\s+\S+\s+create)\s+\S+\s+(\d+)"),
)
_BY_LANGUAGE = {"r": _R, "julia": _JULIA, "shell": _SHELL, "input": _INPUT}


@dataclass(frozen=True)
class Sign:
    """kind: `seed`, `switch` or `draw`; value as written, cut at MAX_VALUE characters."""

    kind: str
    name: str
    value: str
    line: int


def signs(language: str, text: str) -> tuple[Sign, ...]:
    """In order of line."""
    if language == "python":
        parsed = pycode.tree(text)
        found = (
            _python(parsed) if parsed else _patterns(text, (("seed", r"([\w.]*(?:seed|default_rng|PRNGKey)\w*)\(\s*([^,)]+)"),))
        )
    else:
        found = _patterns(text, _BY_LANGUAGE.get(language, ()))
    return tuple(sorted(found, key=lambda s: s.line))


def _patterns(text: str, rules: tuple[tuple[str, str], ...]) -> Iterator[Sign]:
    for kind, pattern in rules:
        for match in re.finditer(pattern, text, re.MULTILINE):
            value = match[2].strip() if match.re.groups > 1 else ""
            yield Sign(kind, " ".join(match[1].split()), value[:MAX_VALUE], text.count("\n", 0, match.start(1)) + 1)


def _python(parsed: ast.Module) -> Iterator[Sign]:
    known = pycode.aliases(parsed)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Call):
            yield from _call(node, known)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assignment(target, node, known)


def _call(node: ast.Call, known: dict[str, str]) -> Iterator[Sign]:
    name = pycode.full_name(node.func, known)
    last = name.rsplit(".", 1)[-1] if name else node.func.attr if isinstance(node.func, ast.Attribute) else ""
    value = ast.unparse(node.args[0])[:MAX_VALUE] if node.args else next((_short(k) for k in node.keywords if _is_seed(k)), "")
    if name in _SEED_CALLS or last in _SEED_METHODS:
        given = bool(value) and value != "None"
        yield Sign("seed" if given else "draw", name or last, value if given else "", node.lineno)
        return
    if name in _SWITCH_CALLS:
        yield Sign("switch", name, ", ".join(ast.unparse(a) for a in node.args)[:MAX_VALUE], node.lineno)
    if _DRAWS.match(name):
        yield Sign("draw", name, "", node.lineno)
    for keyword in node.keywords:
        if _is_seed(keyword) and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
            yield Sign("seed", f"{name or last}({keyword.arg}=)", _short(keyword), node.lineno)
        elif keyword.arg == "shuffle" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            yield Sign("draw", f"{name or last}(shuffle=True)", "", node.lineno)


def _assignment(target: ast.expr, node: ast.Assign, known: dict[str, str]) -> Iterator[Sign]:
    value = ast.unparse(node.value)[:MAX_VALUE]
    name = pycode.full_name(target, known)
    if _SWITCH_TARGETS.match(name):
        yield Sign("switch", name, value, node.lineno)
    elif (
        isinstance(target, ast.Subscript)
        and pycode.full_name(target.value, known) == "os.environ"
        and isinstance(target.slice, ast.Constant)
    ):
        yield Sign("environment", str(target.slice.value), value.strip("'\""), node.lineno)


def _is_seed(keyword: ast.keyword) -> bool:
    return keyword.arg in _SEED_KEYWORDS


def _short(keyword: ast.keyword) -> str:
    return ast.unparse(keyword.value)[:MAX_VALUE]
