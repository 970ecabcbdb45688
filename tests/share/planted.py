"""Which secrets and names lie about in a workplace? More than forty of them, each where a job can hold one, none twice.

Every one is made up and opens nothing. They are put together at run time so that no scanner of this repository finds them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

CONSOLE = str(Path(sys.executable).with_name("auditor"))
USER = "ghopper"
COLLEAGUE = "klamarr"
MAIL = "grace.hopper@navy-lab.edu"
HOST = "login07.navylab.edu"
NODE = "gpunode113"
ACCOUNT = "pr77cobol"
PRIVATE = f"{'cob'}ol-Sesame_5tory/91"
"""A value of an environment variable that no pattern knows."""
COMMENT = "for the grant of admiral Byron"
URLISH = "p&ss w0rd=Nautilus!9"


def made(head: str, body: str) -> str:
    return head + body


SECRETS: Mapping[str, str] = {
    "argument": "Flagship-4402-xyz",
    "script variable": made("hf", "_kQzWvUtSrQpOnMlKjIhGfEdCbA98"),
    "job label": made("gh", "p_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"),
    "git remote": "Remote-Harbor-771",
    "dirty difference": made("glp", "at-Dq8ZkX3vNw7Rt5Ys1UpL"),
    "netrc": "Netrc-Lagoon-318",
    "mlflow tag": made("gh", "o_Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2"),
    "mlflow parameter": "Mlflow-Reef-5521",
    "snakemake config": "Snake-Canyon-4410",
    "launchpad": "Fireworks-Gulf-6031",
    "parsl repr": "Parsl-Delta-2207",
    "wandb record": made("wandb", "_v1_4f7d0a9c8e6b5a4d3c2b1a0f"),
    "notebook output": made("sk", "-proj-N0tebookOutputKey77aa88bb99cc"),
    "log line": made("Tide-", "Bearer-0012ZxYwVu"),
    "file name": made("gh", "s_Fi1eNameC4naryAbCdEfGhIjKlMnOpQrStUv"),
    "folder name": made("AKIA", "F0LDERCANARY9876"),
    "registry auth": base64.b64encode(b"harbour:Docker-Jetty-5150").decode(),
    "cookie in a url": "5e551onC00kieValue88",
    "aws key": made("AKIA", "QWERTYUIOPASDF12"),
    "aws secret": "wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEYz",
    "azure key": "Azr" + "9Zx8Yw7Vu6Ts5Rq4Po3Nm2Lk1Ji0Hg+Fe/Dc==",
    "gcp key": made("AI", "zaSyD3adBeefCanaryKey0123456789abcd"),
    "github token": made("github", "_pat_11ABCDEFG0hijklmnopqr_stuvwxyz"),
    "huggingface token": made("hf", "_ZyXwVuTsRqPoNmLkJiHgFeDcBa"),
    "jwt": made("ey", "JhbGciOiJIUzI1NiJ9.ey") + "JzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ",
    "private key": "MIIEvQIBADANBgkqCanaryPrivateKeyBody",
    "dsn": "Postgres-Strait-9090",
    "slack hook": "T00CANARY/B00CANARY/XXXXcanaryXXXXcanary",
    "stripe key": made("sk", "_live_51CanaryStripeKey00aabbcc"),
    "password in code": "Anchor-Chain-3003",
    "index url": "Wheel-House-8118",
    "json output": "Compass-Rose-1313",
    "yaml output": "Yaml-Fjord-2929",
    "sas signature": "SasSig%2FnAutical7788%3D",
    "continued": made("gh", "r_C0ntinuedLineCanaryAbCdEfGhIjKlMnOp"),
    "basic auth": base64.b64encode(b"nemo:Basic-Squid-20000").decode(),
    "vault token": made("hvs", ".CAESIVaultCanaryTokenAAAABBBBCCCC"),
    "telegram": made("123456789:", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawC"),
}
"""By the place where they are; each is recognisable by its form or by what stands before it."""

NAMES: Mapping[str, str] = {
    "user": USER,
    "another user": COLLEAGUE,
    "another user's job": "secretproject",
    "mail address": MAIL,
    "submission host": HOST,
    "node": NODE,
    "account": ACCOUNT,
    "comment": COMMENT,
    "private variable": PRIVATE,
    "url-encoded variable": quote(URLISH, safe=""),
    "base64 of a variable": base64.b64encode(PRIVATE.encode()).decode()[:20],
    "ssh agent": "ssh-XXCANARYzz/agent.4711",
    "kerberos cache": "krb5cc_40117_Canary",
    "gpu uuid": "GPU-8f6a2c1e-1b2c-4d3e-9f00-aabbccddeeff",
    "mac address": "de:ad:be:ef:00:42",
    "address": "10.77.3.129",
    "scratch folder": "/scratch/navyops77",
    "group": "cobolcrew",
}
"""Allowed in the owner's own records, not in what is published."""


@dataclass(frozen=True)
class Place:
    """home: of the user; work: where the job ran; records: what auditor keeps; run: name of the run."""

    home: Path
    work: Path
    records: Path
    environment: Mapping[str, str]


def environment(home: Path, records: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "USER": USER,
        "LOGNAME": USER,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "AUDITOR_HOME": str(records),
        "AUDITOR_CONFIG": str(home / "config.toml"),
        "HARBOUR_PHRASE": PRIVATE,
        "WEB_LOGIN": URLISH,
        "API_TOKEN": made("tok", "-environment-canary-0815"),
        "SSH_AUTH_SOCK": f"/tmp/{NAMES['ssh agent']}",
        "KRB5CCNAME": f"FILE:/tmp/{NAMES['kerberos cache']}",
        "HOSTNAME": HOST,
        "MODULEPATH": f"/apps/modules:/home/{USER}/modules/{SECRETS['huggingface token']}",
        "SLURM_JOB_NODELIST": NODE,
    }


def plant(folder: Path) -> Place:
    """Make the workplace and run its job, for real, with `auditor run`."""
    home = folder / "home" / USER
    work = home / "campaign"
    work.mkdir(parents=True)
    place = Place(home, work, home / "records", environment(home, home / "records"))
    _repository(place)
    (work / "job.sh").write_text(_script(work))
    (work / "make.py").write_text(_program(work))
    (work / "in.csv").write_text("x,y\n1,2\n2,4\n")
    (work / ".netrc").write_text(f"machine data.navylab.edu login {USER} password {SECRETS['netrc']}\n")
    words = ["--label", f"try {SECRETS['job label']}", "--input", "in.csv", "--output", "out.csv", "--output", "made/*"]
    script = ["bash", "job.sh", "--password", SECRETS["argument"]]
    auditor(place, "run", *words, "--", *script)
    return place


def auditor(place: Place, *words: str) -> tuple[int, bytes]:
    """Exit status and everything that was printed."""
    done = subprocess.run([CONSOLE, *words], cwd=place.work, env=place.environment, capture_output=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def _repository(place: Place) -> None:
    (place.work / "tracked.py").write_text("print('tracked')\n")
    remote = f"https://{USER}:{SECRETS['git remote']}@git.navylab.edu/{USER}/cobol.git"
    for words in (
        ["init", "-q"],
        ["remote", "add", "origin", remote],
        ["add", "tracked.py"],
        ["-c", f"user.name={USER}", "-c", f"user.email={MAIL}", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=place.work, env=place.environment, check=True)
    (place.work / "tracked.py").write_text(f"print('tracked')\nkey = '{SECRETS['dirty difference']}'\n")


def _script(work: Path) -> str:
    token = SECRETS["continued"]
    return f"""#!/bin/bash
#SBATCH --account={ACCOUNT} --mail-user={MAIL}
#SBATCH --comment="{COMMENT}"
#SBATCH --nodelist={NODE}
# written by {USER} on {HOST}, in {work}
export HF_TOKEN={SECRETS["script variable"]}
export AWS_ACCESS_KEY_ID={SECRETS["aws key"]} AWS_SECRET_ACCESS_KEY={SECRETS["aws secret"]}
curl() {{ :; }}
curl -H 'Authorization: Basic {SECRETS["basic auth"]}' https://u.navylab.edu/?sessionid={SECRETS["cookie in a url"]}
curl 'https://store.blob.core.windows.net/x?sv=2020&sig={SECRETS["sas signature"]}'
curl https://hooks.slack.com/services/{SECRETS["slack hook"]}
curl --oauth {token[:14]}\\
{token[14:]}
pip() {{ :; }}
pip install --index-url https://reader:{SECRETS["index url"]}@wheels.navylab.edu/simple nothing
echo {base64.b64encode(PRIVATE.encode()).decode()} >/dev/null
python3 {work}/make.py {work}/in.csv
"""


def _program(work: Path) -> str:
    return f'''"""Writes what programs write: outputs, records of trackers and engines, a log."""
import os, sys
PASSWORD = "{SECRETS["password in code"]}"
FILES = {_files()!r}
for name, text in FILES.items():
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    open(name, "w").write(text)
open("out.csv", "w").write(open("{work}/in.csv").read().upper())
print({_log()!r})
'''


def _log() -> str:
    return f"""running on {HOST} as {USER}
Authorization: Bearer {SECRETS["log line"]}
Config(executors=[HighThroughputExecutor(label='htex', address='{NAMES["address"]}', password='{SECRETS["parsl repr"]}')])
GPU 0: NVIDIA H200 (UUID: {NAMES["gpu uuid"]})
ether {NAMES["mac address"]} txqueuelen 1000
reading {NAMES["scratch folder"]}/run1/input.dat
-rw-r----- 1 {USER} {NAMES["group"]} 120 Nov 23 12:00 input.dat
  JOBID PARTITION NAME USER ST TIME NODES NODELIST
  4711 gpu train {USER} R 1:00 1 {NODE}
  4712 gpu {NAMES["another user's job"]} {COLLEAGUE} R 1:00 1 gpunode114
login {URLISH} as {quote(URLISH, safe="")}
phrase {PRIVATE}
agent /tmp/{NAMES["ssh agent"]} cache FILE:/tmp/{NAMES["kerberos cache"]}
connecting to postgresql://{USER}:{SECRETS["dsn"]}@db.navylab.edu:5432/runs"""


def _files() -> dict[str, str]:
    run = "mlruns/0/0123456789abcdef0123456789abcdef"
    cell = {"cell_type": "code", "source": [], "metadata": {}, "execution_count": 1}
    output = {"output_type": "stream", "name": "stdout", "text": [f"OPENAI_API_KEY={SECRETS['notebook output']}\n"]}
    return {
        "mlruns/0/meta.yaml": "artifact_location: mlruns/0\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n",
        f"{run}/meta.yaml": f"run_id: 0123456789abcdef0123456789abcdef\nexperiment_id: '0'\nuser_id: {USER}\nstatus: 3\n"
        "start_time: 1\nend_time: 2\nlifecycle_stage: active\nrun_name: x\n",
        f"{run}/tags/mlflow.note": f"token {SECRETS['mlflow tag']}",
        f"{run}/tags/mlflow.user": USER,
        f"{run}/params/db_password": SECRETS["mlflow parameter"],
        "config.yaml": f"samples: a\ndb_password: {SECRETS['snakemake config']}\n",
        "my_launchpad.yaml": f"host: db.navylab.edu\nusername: {USER}\npassword: {SECRETS['launchpad']}\n",
        "wandb/run-1/files/config.yaml": f"api:\n  value: {SECRETS['wandb record']}\n",
        "analysis.ipynb": json.dumps(
            {"cells": [{**cell, "outputs": [output]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        ),
        f"made/{SECRETS['file name']}.txt": "a file\n",
        f"made/{SECRETS['folder name']}/x.txt": "in a folder\n",
        "made/docker.json": json.dumps({"auths": {"r.navylab.edu": {"auth": SECRETS["registry auth"]}}}),
        "made/sum.json": json.dumps({"loss": 0.5, "password": SECRETS["json output"]}),
        "made/sum.yaml": f"passwd: {SECRETS['yaml output']}\n",
        "made/keys.txt": f"{SECRETS['gcp key']}\n{SECRETS['github token']}\n{SECRETS['jwt']}\n{SECRETS['stripe key']}\n"
        f"{SECRETS['vault token']}\n{SECRETS['telegram']}\n"
        f"AccountKey={SECRETS['azure key']}\n",
        "made/id_rsa": f"-----BEGIN PRIVATE KEY-----\n{SECRETS['private key']}\n-----END PRIVATE KEY-----\n",
        "made/plain.txt": "nothing to hide\n",
    }


def spread(root: Path) -> dict[str, bytes]:
    """Every file below `root`."""
    return {os.path.relpath(p, root): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file() and not p.is_symlink()}
