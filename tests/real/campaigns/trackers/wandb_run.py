"""An offline run of W&B; with `killed` it ends without the tracker's noticing. Usage: wandb_run.py [killed | fail]"""

import os
import signal
import sys

import wandb

run = wandb.init(project="campaign", name="surrogate", config={"lr": 0.1, "seed": 3, "model": {"layers": [1, 2]}})
for step in range(4):
    run.log({"loss": 1 / (step + 1), "note": "text"})
if sys.argv[1:] == ["killed"]:
    import time

    time.sleep(2)
    os.kill(os.getpid(), signal.SIGKILL)
with open("weights.bin", "wb") as file:
    file.write(b"w" * 1000)
artifact = wandb.Artifact("surrogate", type="model")
artifact.add_file("weights.bin")
run.log_artifact(artifact)
run.summary["best"] = 0.25
if sys.argv[1:] == ["fail"]:
    raise ValueError("always")
run.finish()
