"""What may be stored? Environment by allow-list; secrets out of every text before it is hashed or kept.

Standard library only. The same list is written into the in-job shell hook, so there is no second one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "[withheld]"

# standards.md section 7: what changes results or says where the job ran, and carries no identity or secret
PREFIXES = (
    "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "CUDA_", "CUBLAS_", "CUDNN_", "NCCL_", "HIP_",
    "ROCR_", "UCX_", "FI_", "OMPI_MCA_", "I_MPI_", "MPICH_", "JAX_", "TF_", "TORCH_", "PYTORCH_", "LC_", "MALLOC_",
    "SLURM_", "SBATCH_",
)  # fmt: skip
NAMES = frozenset(
    """XLA_FLAGS PYTHONHASHSEED PYTHONPATH PYTHONNOUSERSITE PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE VIRTUAL_ENV CONDA_PREFIX
    CONDA_DEFAULT_ENV LANG LANGUAGE TZ LOADEDMODULES _LMFILES_ MODULEPATH LMOD_VERSION PATH LD_LIBRARY_PATH LD_PRELOAD
    SHELL PWD TMPDIR HOSTTYPE GLIBC_TUNABLES SOURCE_DATE_EPOCH APPTAINER_CONTAINER SINGULARITY_CONTAINER APPTAINER_NAME
    APPTAINER_BIND SINGULARITY_BIND APPTAINER_COMMAND SINGULARITY_COMMAND APPTAINER_CACHEDIR SHIFTER_IMAGE SHIFTER_IMAGEREQUEST
    SHIFTER_IMAGETYPE CH_RUNNING container CONTAINER_IMAGE SEED RANDOM_SEED PL_GLOBAL_SEED R_LIBS R_LIBS_USER JULIA_NUM_THREADS
    JULIA_PROJECT JULIA_DEPOT_PATH JULIA_CPU_TARGET SPACK_ENV SPACK_ROOT GUIX_ENVIRONMENT GUIX_PROFILE R_HOME ROCM_PATH MKLROOT
    FLEXIBLAS NPY_DISABLE_CPU_FEATURES NPY_ENABLE_CPU_FEATURES ONEDNN_MAX_CPU_ISA DNNL_MAX_CPU_ISA ONEDNN_CPU_ISA_HINTS
    ONEDNN_DEFAULT_FPMATH_MODE ATEN_CPU_CAPABILITY NUMBA_CPU_NAME NUMBA_CPU_FEATURES""".split()
)
NEVER = re.compile(
    r"JWT|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|_USER$|_UID$|_GID$|_ACCOUNT$|_COMMENT$"
    r"|SUBMIT_HOST|COOKIE|_AUTH$|SLURM_CONF$|_DOCKER_|CLI_CONFIG|LAUNCH_NODE_IPADDR|WORKING_CLUSTER|SRUN_COMM_HOST"
)
SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:JWT|TOKENS?|SECRETS?|PASSWD|PASSWORD|PASSPHRASE|PASS|PWD_?HASH|CREDENTIALS?|API_?KEYS?|APIKEY|ACCESS_?KEY(?:_ID)?"
    r"|PRIVATE_?KEY|AUTH|COOKIE|KEY|DSN)(?:$|_)"
)
_ASSIGN = re.compile(
    # every repetition is bounded: hostile text must not cost more than linear time
    r"""(?ix) (?P<head> (?: token | secret | passw(?:or)?d | passphrase | api[_-]?key | access[_-]?key(?:[_-]?id)?
        | private[_-]?key | credentials? | client[_-]?key | auth[_-]?key | dsn | cookie ) (?:_[\w-]{1,40})?
        ["']? (?: \s{0,4} (?: = | :(?!//) ) \s{0,4} | [ ] (?=["']?[\w/+.=-]{0,64}[0-9][\w/+.=-]{15,}) ) )
        (?P<value> "(?!,\s)[^"\n]{4,4096}" | '(?!,\s)[^'\n]{4,4096}' | [^\s"';,&|)<>$({\[]{4,4096} )"""
)
_KNOWN = re.compile(
    r"""(?x)
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | \b(?:gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{16,} | hf_[A-Za-z0-9]{16,} | sk-[\w-]{16,}
        | (?:AKIA|ASIA)[A-Z0-9]{16} | xox[abprs]-[\w-]{10,} | AIza[\w-]{30,} | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{30,} | dckr_pat_[\w-]{16,}
        | ya29\.[\w-]{16,} | SG\.[\w-]{16,}\.[\w-]{16,} | wandb_v1_\w{20,} )
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}
    | (?<=[Bb]earer\ )[\w.~+/=-]{12,}
    | (?<=[Bb]asic\ )[A-Za-z0-9+/]{12,}={0,2}
    """
)
_SECRET_OPTION = (
    r"--?(?:[\w-]{0,40}[_-])?(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
)
_OPTION = re.compile(
    rf"""(?ix) (?P<head> (?<![\w-]) {_SECRET_OPTION} [ ]{{1,4}} )
        (?P<value> "[^"\n]{{4,4096}}" | '[^'\n]{{4,4096}}' | [^\s"';,&|)<>({{\[-][^\s"';,&|)<>]{{3,4096}} )"""
)
_OPTION_WORD = re.compile(rf"(?i){_SECRET_OPTION}")
_BETWEEN = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"[-+]?[0-9.]{1,12}(?:[eE][-+]?[0-9]{1,3})?|(?i:true|false|null|none)")
_URL_LOGIN = re.compile(r"(?P<scheme>[a-zA-Z][\w+.-]{1,20}://)(?P<login>[^\s/@:'\"]*:[^\s/@'\"]+|[^\s/@:'\"]{16,})@")


def allowed(name: str) -> bool:
    """May the value of this environment variable be stored?"""
    return (name in NAMES or name.startswith(PREFIXES)) and not NEVER.search(name)


class Redactor:
    """Takes secrets out of texts: the values of secret-looking variables literally, then known shapes."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        values = {v for k, v in (environ or {}).items() if SECRET_NAME.search(k) and len(v) >= 8 and not v.startswith("/")}
        self._literal = re.compile("|".join(re.escape(v) for v in sorted(values, key=len, reverse=True))) if values else None

    def text(self, text: str) -> str:
        if self._literal:
            text = self._literal.sub(MARK, text)
        text = _KNOWN.sub(MARK, text)
        text = _URL_LOGIN.sub(lambda m: f"{m['scheme']}{MARK}@", text)
        text = _ASSIGN.sub(_assignment, text)
        return _OPTION.sub(lambda m: m["head"] + _without(m["value"]), text)

    def value(self, value: Any) -> Any:
        """The same over JSON-like data: keys stay, strings are cleaned."""
        if isinstance(value, str):
            return value if len(value) < 4 else self.text(value)
        if isinstance(value, Mapping):
            return {k: self._entry(str(k), v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._word(before, v) for before, v in zip(("", *value), value, strict=False)]
        return value

    def _entry(self, name: str, value: Any) -> Any:
        """A value beside its name, as in a tracker's parameters: `db_password`; not `max_tokens: 4096`, and no field that is just a `key`."""
        cleaned = self.value(value)
        if isinstance(cleaned, str) and name.lower() != "key" and SECRET_NAME.search(_BETWEEN.sub("_", name)):
            return cleaned if _NUMBER.fullmatch(cleaned) else _without(cleaned)
        return cleaned

    def _word(self, before: Any, value: Any) -> Any:
        """An element of a list; in a command line `--password` may be one word and its value the next."""
        if isinstance(before, str) and isinstance(value, str) and len(before) < 64 and _OPTION_WORD.fullmatch(before):
            return _without(self.value(value))
        return self.value(value)


def _assignment(match: re.Match[str]) -> str:
    value = match["value"]
    if value == MARK or value.startswith(("$", "${", "/", "~/")):  # a reference to a secret is not one
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    if quote and value[1:-1].startswith(("$", "/", "~/")):
        return match[0]
    return f"{match['head']}{quote}{MARK}{quote}"


def _without(value: str) -> str:
    """What follows `--password`: withheld, unless it is a reference, a path, a placeholder (`<pad>`) or a small number."""
    quote = value[0] if value[:1] in {'"', "'"} and value[-1] == value[0] else ""
    word = value.strip(quote) if quote else value
    if len(word) < 4 or word.startswith(("$", "/", "~/", "<", "[", "{", "-")) or (word.isdecimal() and len(word) < 7):
        return value
    return f"{quote}{MARK}{quote}"


def withheld(names: Iterable[str]) -> tuple[str, ...]:
    """The names whose values we do not store, sorted."""
    return tuple(sorted(n for n in names if not allowed(n)))
