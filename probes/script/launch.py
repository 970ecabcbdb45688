"""Which program does a command line run in the end, once `srun`, `env`, `mpirun`, `apptainer exec` and their kin are taken off?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from probes.script import runtimes
from probes.script.expand import Word
from probes.script.options import read
from probes.script.runtimes import RUNTIMES

MAX_LAYERS = 12


def _table(text: str) -> dict[str, frozenset[str]]:
    """`a b: x y` lines (indented ones go on) as {a: {x, y}, b: {x, y}}."""
    rows = text.strip().replace("\n  ", " ").split("\n")
    return {name: frozenset(row.partition(":")[2].split()) for row in rows for name in row.partition(":")[0].split()}


# launchers: their options that take the next word; a long option written with `=` needs no entry (from each tool's manual page)
_VALUES = _table("""
srun: -A -b -B -c -C -d -D -e -F -G -i -J -L -m -M -n -N -o -p -q -r -S -t -T -w -W -x --account --acctg-freq --begin
  --chdir --cluster-constraint --clusters --comment --constraint --container --container-image --container-mounts
  --container-name --container-workdir --core-spec --cores-per-socket --cpu-bind --cpu-freq --cpus-per-gpu --cpus-per-task
  --deadline --delay-boot --dependency --distribution --epilog --error --exclude --export --extra-node-info --gpu-bind
  --gpu-freq --gpus --gpus-per-node --gpus-per-socket --gpus-per-task --gres --gres-flags --het-group --hint --input --jobid
  --job-name --licenses --mail-type --mail-user --mem --mem-bind --mem-per-cpu --mem-per-gpu --mincpus --mpi --network
  --nodefile --nodelist --nodes --ntasks --ntasks-per-core --ntasks-per-gpu --ntasks-per-node --ntasks-per-socket --open-mode
  --output --partition --power --priority --profile --prolog --qos --relative --reservation --signal
  --sockets-per-node --task-epilog --task-prolog --thread-spec --threads --threads-per-core --time --time-min --tmp
  --accel-bind --bb --bbf --bcast-exclude --gid --mcs-label --msg-timeout --prefer --slurmd-debug --switches --uid
  --container-env --container-save --image --volume --module
  --tres-per-task --wait --wckey
mpirun mpiexec mpiexec.hydra orterun prun: -np -n -c -N -H -host --host -hostfile --hostfile -machinefile --machinefile -f -ppn
  -perhost -x -mca --mca -gmca --map-by --bind-to --rank-by -wdir --wdir -env -genv --output-filename --npernode -npernode
  -npersocket --timeout --cpus-per-proc --prefix
aprun: -n -N -d -S -j -cc
jsrun: -n -a -c -g -r -d -b
ibrun: -n -o
horovodrun: -np -H --hostfile
torchrun: --nnodes --nproc_per_node --nproc-per-node --rdzv_backend --rdzv-backend --rdzv_endpoint --rdzv-endpoint --rdzv_id
  --rdzv-id --rdzv_conf --rdzv-conf --max_restarts --max-restarts --node_rank --node-rank --master_addr --master-addr
  --master_port --master-port --log_dir --log-dir --redirects -r --tee -t --role --start_method --local_addr --monitor_interval
deepspeed: --hostfile -i --include -e --exclude --num_nodes --num_gpus --master_port --master_addr --launcher
accelerate: --config_file --num_processes --num_machines --mixed_precision --machine_rank --main_process_ip --main_process_port
  --gpu_ids --dynamo_backend
env: -u --unset -C --chdir -S
timeout: -k --kill-after -s --signal
nice: -n --adjustment
ionice: -c -n -p
taskset: -p --pid
numactl: -N -m -C -i -p --cpunodebind --membind --physcpubind --interleave --preferred
stdbuf: -i -o -e
time: -f -o --format --output
xargs: -I -n -P -L -d -a -s -E --max-procs --max-args --arg-file --delimiter
parallel: -j --jobs -a --arg-file --joblog --results --tmpdir --retries --timeout --delay --colsep -S -C -n -N
conda mamba micromamba: -n --name -p --prefix --cwd
uv: --with --python -p --project --directory --extra --group --env-file
pixi: -e --environment --manifest-path
poetry: -C --directory
strace: -o -e -p -s
perf: -o -e -F
nsys: -o --output -t --trace
ncu: -o --set --metrics
sudo: -u -g
coverage: --source --omit --include --rcfile
kernprof: -o
valgrind gdb command builtin nohup setsid chronic unbuffer catchsegv wrun pipenv hatch rye:
exec: -a
flock: -w --timeout -E --conflict-exit-code
chrt: -T -P -D
unshare: --map-user --map-group -S -G -R -w --propagation --setgroups
ltrace: -o -e -p -s -n -l -u
doas: -u -C
proot: -r -b -q -w
""")
# launchers that launch only through a subcommand
_SUBCOMMAND = _table("""
conda mamba micromamba uv pixi poetry pipenv hatch rye coverage: run
accelerate: launch
nsys: profile
perf: record stat
""")
_RUNS_PYTHON = frozenset("torchrun deepspeed accelerate coverage kernprof".split())
_ONE_BEFORE = frozenset("taskset flock chrt".split())
_COUNT = re.compile(r"\d+(\.\d+)?[smhd]?")


@dataclass(frozen=True)
class Launched:
    """words: the program and its arguments; layers: the launchers in front of it, outermost first; image: of a container, or empty.

    starts: where each layer begins among the words given, and last where `words` does.
    """

    words: tuple[str, ...]
    layers: tuple[str, ...]
    image: str = ""
    starts: tuple[int, ...] = (0,)


def unwrap(words: Sequence[str]) -> Launched:
    """Take launchers off, at most MAX_LAYERS. A Python launcher (`torchrun x.py`) becomes `python x.py`."""
    rest, image, end = tuple(words), "", len(words)
    layers: list[str] = []
    starts: list[int] = []
    for _ in range(MAX_LAYERS):
        while rest and re.match(r"[A-Za-z_]\w*=", rest[0]) and layers:
            rest = rest[1:]
        name = program(rest[0]) if rest else ""
        start = end - len(rest)
        if re.fullmatch(r"python[\d.]*", name) and rest[1:3] in (
            ("-m", "torch.distributed.run"),
            ("-m", "torch.distributed.launch"),
        ):
            name, rest = "torchrun", rest[2:]
        if name in RUNTIMES:
            inside = _inside(name, rest[1:])
            if inside is None:
                break
            image, after = inside
        elif name in _VALUES:
            after = rest[1:]
            if name in _SUBCOMMAND:
                after = _options(after, _VALUES[name])
                if not after or after[0] not in _SUBCOMMAND[name]:
                    break
                after = after[1:]
            after = _options(after, _VALUES[name], several=name in ("mpirun", "mpiexec"))
            if (name == "timeout" and after and _COUNT.fullmatch(after[0])) or (name in _ONE_BEFORE and after):
                after = after[1:]
            if name == "parallel" and ":::" in after:
                end -= len(after) - after.index(":::")
                after = after[: after.index(":::")]
        else:
            break
        layers.append(name)
        starts.append(start)
        rest = after
        bare = bool(rest) and program(rest[0]) not in ("python", "python3")
        if bare and (name in _RUNS_PYTHON or (name in ("uv", "pipenv", "poetry") and rest[0].endswith(".py"))):
            return Launched(("python", *rest), tuple(layers), image, (*starts, end - len(rest)))
    return Launched(rest, tuple(layers), image, (*starts, end - len(rest)))


def _inside(name: str, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The image a container runtime is given and the command inside; None when these words start none."""
    rest = [Word(w, True, w) for w in words]
    if name in runtimes.DOCKERS:
        _, outer, grammar = runtimes.DOCKERS[name]
        verbs = runtimes.DOCKER_RUNS
    elif name in runtimes.APPTAINERS:
        outer, grammar, verbs = runtimes.APPTAINER_GLOBAL, runtimes.APPTAINER, runtimes.APPTAINER_RUNS
    elif name == "enroot":
        outer, grammar, verbs = runtimes.ENROOT, runtimes.ENROOT, runtimes.ENROOT_RUNS
    elif name == "ch-run":
        outer, grammar, verbs = runtimes.CHARLIECLOUD, runtimes.CHARLIECLOUD, frozenset()
    elif name == "shifter":
        found, rest = read(rest, runtimes.SHIFTER)
        image = next((o.value.text for o in found if o.name in ("-i", "--image") and o.value), "")
        return image or "shifter", tuple(w.text for w in rest)
    else:
        return None
    if verbs:
        _, rest = read(rest, outer)
        rest = rest[1:] if rest and rest[0].text in ("container", "image") else rest
        if not rest or rest[0].text not in verbs:
            return None
        rest = rest[1:]
    _, rest = read(rest, grammar)
    if not rest:
        return None
    after = tuple(w.text for w in rest[1:])
    return rest[0].text, after[1:] if after[:1] == ("--",) else after


def program(word: str) -> str:
    """The name without its folder."""
    return word.rsplit("/", 1)[-1]


def _options(words: tuple[str, ...], with_value: frozenset[str], several: bool = False) -> tuple[str, ...]:
    at = 0
    while at < len(words) and words[at].startswith(("-", "+")) and len(words[at]) > 1:
        word = words[at]
        if word == "--":
            return words[at + 1 :]
        at += 2 if word in with_value else 1
        if several and word in ("-mca", "--mca", "-gmca", "-env", "-genv"):
            at += 1  # two values
    return words[at:]
