"""The demo campaign on Dask: simulate, train, predict, simulate again, twice; one flaky task. `fails` as an argument: one that always fails."""

import os
import sys
import time

from dask.distributed import Client, LocalCluster


def simulate(seed, near):
    return [((seed + 1) * 0.37 + i * 0.11 + near) % 1.0 for i in range(200)]


def train(*samples):
    return sum(map(sum, samples)) / sum(map(len, samples))


def predict(model):
    return round(model, 3)


def flaky(folder):
    """Fails once: a folder can be made only once."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        return 1
    raise RuntimeError("the first try always fails")


def waits():
    """Until it is killed."""
    with open("waiting", "w"):
        time.sleep(600)


def fails():
    raise ValueError("this task always fails")


def main(client):
    near = 0.0
    for step in range(2):
        samples = [client.submit(simulate, seed, near, key=f"simulate-{step}-{seed}") for seed in range(3)]
        model = client.submit(train, *samples, key=f"train-{step}")
        near = client.submit(predict, model, key=f"predict-{step}").result()
    sys.stdout.write(f"near {near}\n")
    done = client.submit(flaky, "first-try", key="flaky-0", retries=1).result()
    sys.stdout.write(f"flaky {done}\n")
    if "waits" in sys.argv:
        client.submit(waits, key="waits-0").result()
    if "fails" in sys.argv:
        client.submit(fails, key="fails-0", retries=1).result()


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        main(client)
