"""Which program does a command line run in the end, once `srun`, `env`, `mpirun`, `apptainer exec` and their kin are taken off?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_LAYERS = 12


def _table(text: str) -> dict[str, frozenset[str]]:
    """`a b: x y` lines (indented ones go on) as {a: {x, y}, b: {x, y}}."""
    rows = text.strip().replace("\n  ", " ").split("\n")
    return {name: frozenset(row.partition(":")[2].split()) for row in rows for name in row.partition(":")[0].split()}


# launchers: their options that take the next word; a long option written with `=` needs no entry (from each tool's manual page)
_VALUES = _table("""
srun: -A -B -c -C -d -D -e -F -G -i -J -L -m -M -n -N -o -p -q -r -S -t -T -w -W -x --account --acctg-freq --bcast --begin
  --chdir --cluster-constraint --clusters --comment --constraint --container --container-image --container-mounts
  --container-name --container-workdir --core-spec --cores-per-socket --cpu-bind --cpu-freq --cpus-per-gpu --cpus-per-task
  --deadline --delay-boot --dependency --distribution --epilog --error --exclude --export --extra-node-info --gpu-bind
  --gpu-freq --gpus --gpus-per-node --gpus-per-socket --gpus-per-task --gres --gres-flags --het-group --hint --input --jobid
  --job-name --licenses --mail-type --mail-user --mem --mem-bind --mem-per-cpu --mem-per-gpu --mincpus --mpi --network --nice
  --nodefile --nodelist --nodes --ntasks --ntasks-per-core --ntasks-per-gpu --ntasks-per-node --ntasks-per-socket --open-mode
  --output --partition --power --priority --profile --prolog --propagate --qos --relative --reservation --signal
  --sockets-per-node --task-epilog --task-prolog --thread-spec --threads --threads-per-core --time --time-min --tmp
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
apptainer singularity: -B --bind --mount -H --home -W --workdir --pwd --cwd --env --env-file --overlay -S --scratch --network
  --hostname --security --app --dns --memory --cpus --pid-file --docker-username --docker-password --fusemount --network-args
docker podman podman-hpc: -v --volume -e --env --env-file -w --workdir -u --user --name --gpus --mount -m --memory --cpus
  --shm-size --ulimit --network --net --entrypoint -p --publish --device --ipc --pid --platform --hostname -h --runtime --label
  -l --tmpfs --security-opt --cap-add --cap-drop --pull --userns
shifter: --image -V --volume --env --entrypoint --module -m
ch-run: -b --bind -c --cd -g -u --set-env --unset-env
env: -u --unset -C --chdir -S
timeout: -k --kill-after -s --signal
nice: -n --adjustment
ionice: -c -n -p
taskset: -c
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
""")
# launchers that launch only through a subcommand
_SUBCOMMAND = _table("""
apptainer singularity: exec run shell test
docker podman: exec run
podman-hpc: exec run shared-run
conda mamba micromamba uv pixi poetry pipenv hatch rye coverage: run
accelerate: launch
nsys: profile
perf: record stat
""")
_IMAGE_FIRST = frozenset("apptainer singularity docker podman podman-hpc ch-run".split())
_RUNS_PYTHON = frozenset("torchrun deepspeed accelerate coverage kernprof".split())
_COUNT = re.compile(r"\d+(\.\d+)?[smhd]?")


@dataclass(frozen=True)
class Launched:
    """words: the program and its arguments; layers: the launchers in front of it, outermost first; image: of a container, or empty."""

    words: tuple[str, ...]
    layers: tuple[str, ...]
    image: str = ""


def unwrap(words: Sequence[str]) -> Launched:
    """Take launchers off, at most MAX_LAYERS. A Python launcher (`torchrun x.py`) becomes `python x.py`."""
    rest, image = tuple(words), ""
    layers: list[str] = []
    for _ in range(MAX_LAYERS):
        while rest and re.match(r"[A-Za-z_]\w*=", rest[0]) and layers:
            rest = rest[1:]
        name = program(rest[0]) if rest else ""
        if re.fullmatch(r"python[\d.]*", name) and rest[1:3] in (
            ("-m", "torch.distributed.run"),
            ("-m", "torch.distributed.launch"),
        ):
            name, rest = "torchrun", rest[2:]
        if name not in _VALUES:
            break
        after = rest[1:]
        if name in _SUBCOMMAND:
            after = _options(after, _VALUES[name])
            if not after or after[0] not in _SUBCOMMAND[name]:
                break
            after = after[1:]
        after = _options(after, _VALUES[name], several=name in ("mpirun", "mpiexec"))
        if name in _IMAGE_FIRST and after:
            image, after = after[0], after[1:]
            after = after[1:] if after[:1] == ("--",) else after
        if (name == "timeout" and after and _COUNT.fullmatch(after[0])) or (name == "taskset" and after):
            after = after[1:]
        if name == "parallel" and ":::" in after:
            after = after[: after.index(":::")]
        layers.append(name)
        rest = after
        bare = bool(rest) and program(rest[0]) not in ("python", "python3")
        if bare and (name in _RUNS_PYTHON or (name in ("uv", "pipenv", "poetry") and rest[0].endswith(".py"))):
            rest = ("python", *rest)
            break
    return Launched(rest, tuple(layers), image)


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
