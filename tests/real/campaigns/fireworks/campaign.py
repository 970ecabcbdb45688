"""The demo campaign on FireWorks: simulate, train, predict; a detour runs it once more; one flaky firework is run again. `fails`: one that always fails.

The launch pad is FireWorks' own file backend (MONGOMOCK_SERVERSTORE_FILE).
"""

import os
import sys
import time

from fireworks import Firework, FWAction, FWorker, LaunchPad, PyTask, Workflow
from fireworks.core.rocket_launcher import rapidfire

STEPS = 2


def simulate(seed, near):
    return FWAction(stored_data={"mean": ((seed + 1) * 0.37 + near) % 1.0})


def train(step):
    return FWAction(stored_data={"model": step * 0.5})


def predict(step):
    """Asks for the next iteration, until there were enough."""
    return FWAction(detours=[iteration(step + 1)] if step + 1 < STEPS else [])


def flaky(folder):
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    raise RuntimeError("the first try always fails, password=hunter2secret")


def waits():
    """Until it is killed."""
    with open("../waiting", "w"):
        time.sleep(600)


def fails():
    raise ValueError("this task always fails")


def task(name, function, *args, **spec):
    return Firework(PyTask(func=f"campaign.{function.__name__}", args=list(args)), name=name, spec=spec)


def iteration(step):
    simulations = [task(f"simulate-{step}-{seed}", simulate, seed, step, _category="cpu") for seed in range(2)]
    training = task(f"train-{step}", train, step, _category="gpu", _queueadapter={"gres": "gpu:1", "walltime": "00:10:00"})
    asking = task(f"predict-{step}", predict, step)
    return Workflow(
        [*simulations, training, asking], {**{s: [training] for s in simulations}, training: [asking]}, name=f"iteration-{step}"
    )


def main():
    pad = LaunchPad(name="campaign", strm_lvl="ERROR")
    pad.reset("", require_password=False)
    # a PyTask takes what its function returns for its action
    pad.add_wf(iteration(0))
    pad.add_wf(Workflow([task("flaky", flaky, os.path.abspath("first-try"))], name="flaky"))
    if "fails" in sys.argv:
        first = task("fails", fails)
        pad.add_wf(Workflow([first, task("after", train, 9)], {first: []}, name="fails"))
    if "waits" in sys.argv:
        pad.add_wf(Workflow([task("waits", waits, _priority=9)], name="waits"))
    worker = FWorker(name="laptop")
    rapidfire(pad, worker, nlaunches=0, sleep_time=0, max_loops=1, strm_lvl="ERROR")
    for number in pad.get_fw_ids({"name": "flaky", "state": "FIZZLED"}):
        pad.rerun_fw(number)
    rapidfire(pad, worker, nlaunches=0, sleep_time=0, max_loops=1, strm_lvl="ERROR")
    sys.stdout.write(" ".join(f"{n}={pad.get_fw_dict_by_id(n)['state']}" for n in sorted(pad.get_fw_ids())) + "\n")


if __name__ == "__main__":
    main()
