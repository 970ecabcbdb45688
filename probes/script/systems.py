"""Which well-known systems are there, and by which commands, imports and files does one know them? Tables only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """family: `engine`, `tracker`, `format`, `framework`, `simulation`, `distributed`, `download`.

    files: names in the work directory, or suffixes that start with a dot and a star (`*.h5`).
    """

    name: str
    family: str
    commands: frozenset[str]
    imports: frozenset[str]
    files: tuple[str, ...]


# name | commands | imports (top-level, or dotted) | files
_TABLE = """
[engine]
snakemake | snakemake | snakemake | Snakefile workflow/Snakefile .snakemake
nextflow | nextflow | | nextflow.config main.nf .nextflow *.nf
cwl | cwltool cwl-runner toil-cwl-runner arvados-cwl-runner | cwltool | *.cwl
parsl | parsl | parsl | runinfo
pegasus | pegasus-run pegasus-plan pegasus-status | Pegasus | pegasus.properties
fireworks | rlaunch qlaunch lpad mlaunch | fireworks | my_launchpad.yaml FW_config.yaml
dask | dask dask-scheduler dask-worker dask-ssh | dask distributed dask_jobqueue dask_mpi |
ray | ray | ray |
luigi | luigi luigid | luigi |
airflow | airflow | airflow |
prefect | prefect | prefect |
dagster | dagster | dagster |
covalent | covalent | covalent |
radical | radical-pilot | radical |
balsam | balsam | balsam |
maestro | maestro | maestrowf |
merlin | merlin | merlin |
toil | toil | toil |
wdl | cromwell miniwdl | WDL | *.wdl
aiida | verdi | aiida |
jobflow | jf | jobflow atomate atomate2 |
signac | row | signac flow | signac.rc
redun | redun | redun |
metaflow | | metaflow |
kedro | kedro | kedro |
submitit | | submitit |
cylc | cylc | | flow.cylc
makeflow | makeflow work_queue_worker | | Makeflow
colmena | | colmena |
[tracker]
mlflow | mlflow | mlflow | mlruns mlflow.db MLproject
wandb | wandb | wandb | wandb
tensorboard | tensorboard | tensorboard tensorboardX torch.utils.tensorboard |
dvc | dvc | dvc dvclive | dvc.yaml .dvc dvc.lock
aim | aim | aim | .aim
optuna | optuna | optuna |
comet | comet | comet_ml |
neptune | neptune | neptune |
clearml | clearml-task clearml-agent | clearml |
sacred | | sacred |
hydra | | hydra | .hydra
guild | guild | guild |
codecarbon | codecarbon | codecarbon |
lightning-logs | | | lightning_logs
[format]
hdf5 | h5dump h5repack h5copy h5stat | h5py tables h5pyd | *.h5 *.hdf5
adios2 | bpls adios2_reorganize | adios2 | *.bp
zarr | | zarr | *.zarr
netcdf | ncdump ncks nccopy cdo | netCDF4 xarray h5netcdf | *.nc
webdataset | | webdataset |
parquet | | pyarrow.parquet fastparquet pyarrow | *.parquet
tfrecord | | tfrecord | *.tfrecord *.tfrecords
lmdb | | lmdb | *.lmdb
ffcv | | ffcv | *.beton
mosaic-streaming | | streaming |
petastorm | | petastorm |
numpy-archive | | | *.npz
[framework]
torch | | torch torchvision torchaudio |
tensorflow | | tensorflow tf_keras |
keras | | keras |
jax | | jax flax haiku equinox optax |
sklearn | | sklearn |
xgboost | xgboost | xgboost |
lightgbm | lightgbm | lightgbm |
catboost | catboost | catboost |
lightning | lightning | lightning pytorch_lightning |
transformers | transformers-cli | transformers peft trl |
diffusers | | diffusers |
stable-baselines3 | | stable_baselines3 |
vllm | vllm | vllm |
paddle | paddle | paddle |
mxnet | | mxnet |
deepmd | dp deepmd | deepmd |
mace | mace_run_train mace_eval_configs | mace |
nequip | nequip-train nequip-evaluate | nequip |
llama-cpp | llama-cli llama-server | llama_cpp |
[simulation]
gromacs | gmx gmx_mpi gmx_d mdrun mdrun_mpi | gmxapi gromacs |
lammps | lmp lmp_mpi lmp_serial lmp_gpu lammps | lammps |
namd | namd2 namd3 charmrun | |
openmm | | openmm simtk |
amber | pmemd pmemd.cuda pmemd.MPI sander sander.MPI | sander |
charmm | charmm | |
vasp | vasp_std vasp_gam vasp_ncl vasp | | INCAR
quantum-espresso | pw.x cp.x ph.x neb.x | |
cp2k | cp2k cp2k.popt cp2k.psmp cp2k.ssmp | |
orca | orca | |
gaussian | g09 g16 | |
nwchem | nwchem | |
psi4 | psi4 | psi4 |
pyscf | | pyscf |
siesta | siesta | |
dftb | dftb+ | |
xtb | xtb | xtb tblite |
ase | ase | ase |
openfoam | simpleFoam pimpleFoam pisoFoam icoFoam interFoam foamRun blockMesh snappyHexMesh | | system/controlDict
su2 | SU2_CFD | |
wrf | wrf.exe real.exe | |
fenics | | dolfin dolfinx firedrake |
abaqus | abaqus | |
ansys | fluent ansys cfx5solve mapdl | |
comsol | comsol | |
lsdyna | ls-dyna lsdyna mppdyna | |
matlab-simulink | | matlab.engine |
[distributed]
torchrun | torchrun torch.distributed.run | torch.distributed torch.nn.parallel |
horovod | horovodrun | horovod |
deepspeed | deepspeed | deepspeed |
accelerate | accelerate | accelerate |
mpi4py | | mpi4py |
mpi | mpirun mpiexec mpiexec.hydra orterun prun ibrun aprun jsrun | |
fsdp | | torch.distributed.fsdp fairscale |
jax-distributed | | jax.distributed |
tf-distribute | | tensorflow.distribute |
colossalai | colossalai | colossalai |
megatron | | megatron |
[download]
wget | wget | |
curl | curl | |
aria2 | aria2c | |
git | git-clone | |
pip | pip-install | |
conda | conda-install | |
huggingface | huggingface-cli hf | |
aws | aws | |
gcloud | gsutil gcloud | |
rclone | rclone | |
globus | globus | |
kaggle | kaggle | |
scp | scp sftp | |
python-http | | |
"""


def _systems() -> tuple[System, ...]:
    found, family = [], ""
    for row in _TABLE.strip().split("\n"):
        if row.startswith("["):
            family = row.strip("[]")
            continue
        name, commands, imports, files = (part.split() for part in row.split("|"))
        found.append(System(name[0], family, frozenset(commands), frozenset(imports), tuple(files)))
    return tuple(found)


SYSTEMS = _systems()
BY_COMMAND = {command: system for system in SYSTEMS for command in system.commands}
BY_IMPORT = {module: system for system in SYSTEMS for module in system.imports}
BY_FILE = {file: system for system in SYSTEMS for file in system.files if not file.startswith("*")}
BY_SUFFIX = {file[1:]: system for system in SYSTEMS for file in system.files if file.startswith("*")}
# an import alone fetches nothing: in Python a download is a call
_CALLS = {
    "python-http": "requests.get urllib.request.urlopen urllib.request.urlretrieve httpx.get gdown.download pooch.retrieve wget.download",
    "huggingface": "huggingface_hub.hf_hub_download huggingface_hub.snapshot_download datasets.load_dataset",
}
BY_CALL = {call: system for system in SYSTEMS for call in _CALLS.get(system.name, "").split()}
_INSTALL = {"pip": "pip", "pip3": "pip", "uv": "pip", "conda": "conda", "mamba": "conda", "micromamba": "conda"}


def of_command(name: str, words: tuple[str, ...]) -> System | None:
    """The system that a command belongs to. `pip`, `conda`, `git` count when they fetch, `scp` and `aws` always."""
    if name == "git":
        return BY_COMMAND["git-clone"] if words[:1] in (("clone",), ("pull",), ("fetch",)) else None
    if name in _INSTALL:
        return BY_COMMAND[f"{_INSTALL[name]}-install"] if {"install", "create", "sync"} & set(words[:2]) else None
    if name.startswith("lmp_"):
        return BY_COMMAND["lmp"]
    if name.endswith("Foam"):
        return BY_COMMAND["simpleFoam"]
    return BY_COMMAND.get(name)


def of_import(module: str) -> tuple[System, ...]:
    """The systems that `import a.b.c` uses: `torch.distributed` is both torch and its distributed half."""
    parts = module.split(".")
    found = (BY_IMPORT.get(".".join(parts[: n + 1])) for n in range(len(parts)))
    return tuple(dict.fromkeys(s for s in found if s))
