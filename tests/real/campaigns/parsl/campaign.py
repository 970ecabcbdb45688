"""simulate -> train -> predict -> simulate: two turns of the loop in Parsl; `campaign.py MODE` with MODE good, fails, join, killed or slurm."""

import os
import sys
import time
from pathlib import Path

import parsl
from parsl import File, bash_app, join_app, python_app
from parsl.config import Config
from parsl.dataflow.memoization import BasicMemoizer
from parsl.executors import HighThroughputExecutor, ThreadPoolExecutor
from parsl.monitoring import MonitoringHub
from parsl.providers import LocalProvider, SlurmProvider


@bash_app(executors=["sim"])
def simulate(seed, inputs=(), outputs=(), stdout=parsl.AUTO_LOGNAME):
    return f"echo {seed} > {outputs[0].filepath}"


@python_app(executors=["train"], cache=True)
def prepare(number):
    return number + 1


@python_app(executors=["train"])
def train(inputs=(), outputs=()):
    from pathlib import Path

    Path(outputs[0].filepath).write_text("".join(Path(f.filepath).read_text() for f in inputs))


@python_app(executors=["train"])
def predict(tries, inputs=(), outputs=()):
    from pathlib import Path

    mark = Path(tries)
    mark.write_text(mark.read_text() + "x" if mark.exists() else "x")
    if mark.read_text() == "x":
        raise ValueError("no luck at the first try")
    Path(outputs[0].filepath).write_text("next")


@python_app(executors=["train"])
def explode():
    raise ValueError("this never works")


@python_app(executors=["train"])
def after(value):
    return value


@join_app
def both():
    return [prepare(1), prepare(1)]


@python_app(executors=["train"])
def hang(mark):
    import time
    from pathlib import Path

    Path(mark).touch()
    time.sleep(600)


def good(turns=2):
    chosen = []
    for turn in range(turns):
        made = [simulate(seed, inputs=chosen, outputs=[File(f"{turn}_{seed}.txt")]) for seed in range(2)]
        model = train(inputs=[m.outputs[0] for m in made], outputs=[File(f"{turn}.model")])
        if turn + 1 < turns:
            chosen = predict("tries", inputs=[model.outputs[0]], outputs=[File(f"{turn}.next")]).outputs
    model.result()
    prepare(7).result()
    prepare(7).result()


def fails():
    bad = after(explode())
    simulate(1, outputs=[File("1.txt")]).result()
    bad.exception()


def join():
    both().result()


def killed():
    simulate(1, outputs=[File("1.txt")]).result()
    hang("hanging")
    time.sleep(600)


def config(mode):
    if mode == "slurm":
        provider = SlurmProvider(
            partition=os.environ["PARTITION"],
            nodes_per_block=1,
            init_blocks=1,
            max_blocks=1,
            cores_per_node=1,
            mem_per_node=1,
            walltime="00:05:00",
            exclusive=False,
            worker_init=f"export PATH={Path(sys.executable).parent}:$PATH",
        )
    else:
        provider = LocalProvider(init_blocks=1, max_blocks=1)
    return Config(
        executors=[
            HighThroughputExecutor(
                label="sim", address="127.0.0.1", max_workers_per_node=2, provider=provider, cores_per_worker=0.5
            ),
            ThreadPoolExecutor(label="train", max_threads=2),
        ],
        monitoring=None if os.environ.get("MONITORING") == "no" else MonitoringHub(resource_monitoring_interval=1),
        retries=0 if mode == "fails" else 2,
        memoizer=BasicMemoizer(checkpoint_mode="task_exit"),
    )


if __name__ == "__main__":
    mode = sys.argv[1]
    with parsl.load(config(mode)):
        {"good": good, "fails": fails, "join": join, "killed": killed, "slurm": good}[mode]()
