"""Good: inference with a model from a hub, at a commit that its path names."""

from tests.calibration.made import campaign, case, files, link, run, scripts

SNAPSHOT = ".cache/huggingface/hub/models--org--net/snapshots/0123456789abcdef0123456789abcdef01234567/model.safetensors"

CASE = case(
    1, "good", "the model's folder names the commit on the hub; the data came from an earlier run",
    scripts({"run.sh": "#!/bin/bash\npython predict.py\n", "predict.py": "import torch\nmodel.predict(x)\n"}),
    files("results/pred.csv", inputs=("data.csv", SNAPSHOT)),
    campaign(run("a", -20, -10), links=(link("a", "me", "data.csv"),)),
    expected="""
        hidden-ai passed
        isolated-run passed
        unlinked-ai not-applicable
        unpinned-model passed
        unvalidated-model not-applicable
        lost-results passed
        unproved-results unknown
    """,
)  # fmt: skip
