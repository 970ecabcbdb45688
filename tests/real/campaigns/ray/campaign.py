"""The demo campaign on Ray: simulate, train, predict, simulate again, twice; one flaky task; a small Tune search. `fails`: one task that always fails."""

import os
import sys

import ray


@ray.remote
def simulate(seed, near):
    return [((seed + 1) * 0.37 + i * 0.11 + near) % 1.0 for i in range(200)]


@ray.remote
def train(*samples):
    return sum(map(sum, samples)) / sum(map(len, samples))


@ray.remote
class Predictor:
    def predict(self, model):
        return round(model, 3)


@ray.remote(max_retries=1, retry_exceptions=True)
def flaky(folder):
    try:
        os.mkdir(folder)
    except FileExistsError:
        return 1
    raise RuntimeError("the first try always fails")


@ray.remote(max_retries=0)
def fails():
    raise ValueError("this task always fails")


def objective(config):
    from ray import tune

    for step in range(2):
        tune.report({"loss": config["x"] ** 2 / (step + 1)})


def main():
    near, predictor = 0.0, Predictor.remote()
    for _ in range(2):
        model = train.remote(*[simulate.remote(seed, near) for seed in range(2)])
        near = ray.get(predictor.predict.remote(model))
    sys.stdout.write(f"near {near}\n")
    done = ray.get(flaky.remote(os.path.abspath("first-try")))
    sys.stdout.write(f"flaky {done}\n")
    if "tune" in sys.argv:
        search()
    if "fails" in sys.argv:
        ray.get(fails.remote())


def search():
    from ray import tune

    space = tune.Tuner(
        objective,
        param_space={"x": tune.grid_search([1.0, 2.0])},
        run_config=tune.RunConfig(name="search", storage_path=os.path.abspath("results"), verbose=0),
    )
    space.fit()


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    main()
    ray.shutdown()
