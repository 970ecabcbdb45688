"""Four trials of a study: one is pruned, one fails, one is never ended. Usage: optuna_study.py sqlite:///study.db | journal.log"""

import sys

import optuna


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["mean", "median"])
    trial.suggest_int("seed", 1, 9)
    trial.set_user_attr("slurm_job_id", "77")
    if trial.number == 1:
        trial.report(0.5, step=3)
        raise optuna.TrialPruned
    if trial.number == 2:
        raise ValueError("always")
    return x * x + (kind == "mean")


where = sys.argv[1]
if not where.startswith("sqlite"):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    where = JournalStorage(JournalFileBackend(where))
else:
    where = optuna.storages.RDBStorage(where, heartbeat_interval=60)
study = optuna.create_study(
    study_name="surrogate", storage=where, direction="minimize", sampler=optuna.samplers.RandomSampler(seed=1)
)
study.optimize(objective, n_trials=3, catch=(ValueError,))
study.ask().suggest_categorical("kind", ["mean", "median"])
