"""How do the container runtimes' command lines read: which options stand alone, which take a value, which let the host in?

Taken from the programs' own `--help` and manuals: Apptainer 1.4, SingularityCE 4, Docker 28, Podman 5, nerdctl 2, Charliecloud 0.38, Enroot 3.5,
Shifter 18, Sarus 1.6, podman-hpc 1.1, pyxis 0.20 (args.c). Tables only; `probes.script.options` reads with them.
"""

from __future__ import annotations

from dataclasses import replace

from probes.script.options import Grammar


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


APPTAINER_GLOBAL = Grammar(_set("-d --debug -h --help --build-config -q --quiet -s --silent -v --verbose --nocolor --version"))
APPTAINER = Grammar(
    alone=_set(
        "-h --help --allow-setuid --boot --build-config --compat -c --contain -C --containall -e --cleanenv --disable-cache --docker-login "
        "-f --fakeroot -F --force -i --ipc --keep-privs -n --net --no-eval --no-home --no-https --nohttps --no-init --no-pid --no-privs "
        "--no-umask --nv --nvccli --no-nv --no-rocm --oom-kill-disable -p --pid --passphrase --rocm --sharens --unsquash -u --userns --uts "
        "-w --writable --writable-tmpfs --underlay --ignore-subuid --ignore-userns --ignore-fakeroot-command --vm --vm-err --syos "
        "--oci --no-oci --no-compat --no-tmp-sandbox --tmp-sandbox"
    ),
    host=_set(
        "-B --bind -c --contain -C --containall -e --cleanenv --compat --no-compat --oci -w --writable --writable-tmpfs -o --overlay -H --home "
        "--no-home --mount --no-mount --nv --nvccli --no-nv --rocm --no-rocm --env --env-file -W --workdir -S --scratch -f --fakeroot "
        "-n --net --network --security --add-caps --allow-setuid --keep-privs --fusemount --hostname --unsquash --cwd --pwd"
    ),
    sets=_set("--env"),
)
APPTAINER_PULL = Grammar(
    _set(
        "-h --help --disable-cache --docker-login -F --force -f --fakeroot --no-cleanup --no-https --nohttps --sandbox -s -U --allow-unsigned "
        "--allow-unauthenticated -e --encrypt --fix-perms --json -T --notest --nv --nvccli --passphrase --rocm -u --update --userns "
        "--warn-unused-build-args --writable-tmpfs --keep-layers --oci --no-oci -r --remote -d --detached --no-setgroups --reproducible"
    )
)
_DOCKER_ALONE = (
    "-d --detach --disable-content-trust --help --init -i --interactive --no-healthcheck --oom-kill-disable --privileged -P --publish-all "
    "-q --quiet --read-only --rm --sig-proxy -t --tty --use-api-socket"
)
_PODMAN_ALONE = (
    f"{_DOCKER_ALONE} --env-host --http-proxy --no-hosts --no-hostname --passwd --read-only-tmpfs --replace --rmi --rootfs --tls-verify "
    "--unsetenv-all --latest"
)
_DOCKER_HOST = (
    "-v --volume --volumes-from --mount --gpus --device --privileged --network --net --ipc --pid --uts --userns -e --env --env-file "
    "--cap-add --security-opt -u --user --read-only --tmpfs -w --workdir"
)
DOCKER_GLOBAL = Grammar(_set("-D --debug --tls --tlsverify -v --version --help"))
DOCKER = Grammar(_set(_DOCKER_ALONE), host=_set(_DOCKER_HOST), sets=_set("-e --env"))
PODMAN_GLOBAL = Grammar(_set("-r --remote --help -v --version --syslog --transient-store --trace --noout"))
PODMAN = Grammar(
    _set(_PODMAN_ALONE), host=_set(f"{_DOCKER_HOST} --env-host --unsetenv-all --rootfs --group-add"), sets=_set("-e --env")
)
PODMAN_HPC = Grammar(
    PODMAN.alone | _set("--gpu --cuda-mpi --mpi --mpich --nccl --openmpi-pmi2 --openmpi-pmix --cvmfs --ssh --pipewire"),
    host=PODMAN.host | _set("--gpu --cuda-mpi --mpi --mpich --nccl --openmpi-pmi2 --openmpi-pmix --cvmfs"),
    sets=PODMAN.sets,
)
DOCKER_PULL = Grammar(_set("-a --all-tags --disable-content-trust -q --quiet --help --tls-verify --unpack --verify"))
DOCKER_BUILD = Grammar(
    _set("--no-cache --pull -q --quiet --rm --force-rm --squash --push --load --compress --layers --tls-verify --help --debug -D")
)
CHARLIECLOUD = Grammar(
    alone=_set(
        "-? --help --usage -j --join --home --no-home --no-passwd -q --quiet --seccomp -t --private-tmp --unsafe -v --verbose -V --version "
        "-w --write --env-no-expand --warnings --abort-fatal --feature"
    ),
    host=_set("-b --bind --home --no-home -t --private-tmp -w --write -W --write-fake --set-env --set-env0 --unset-env -c --cd"),
    sets=_set("--set-env"),
    optional=_set("--set-env --set-env0 -W --write-fake"),
)
CH_IMAGE = Grammar(
    _set(
        "--always-download --auth --cache --no-cache --rebuild --debug --dependencies --no-lock --no-xattrs --xattrs --password-many --profile "
        "--noprofile -q --quiet -v --verbose --tls-no-verify -h --help --version --force-cmd -n --dry-run --parse-only --reproducible"
    ),
    optional=_set("--force"),
)
ENROOT = Grammar(
    alone=_set("-r --root -w --rw -f --force -h --help"),
    host=_set("-m --mount -e --env -w --rw -r --root --rc -c --conf"),
    sets=_set("-e --env"),
)
ENROOT_IMPORT = Grammar(_set("-h --help -f --force"))
SHIFTER = Grammar(
    alone=_set("-h --help -v --verbose -V --version --clearenv"),
    host=_set("--volume -e --env --env-file --module -m --clearenv --workdir -w"),
    sets=_set("-e --env"),
    optional=_set("--entrypoint"),
)
SARUS = Grammar(
    alone=_set("--glibc --mpi -t --tty --init --ssh --centralized-repository --debug --verbose --help --temp-dir-clean"),
    host=_set("--mount --device -e --env --mpi --glibc --mpi-type --annotation -w --workdir"),
    sets=_set("-e --env"),
)
PYXIS = Grammar(
    alone=_set(
        "--container-mount-home --no-container-mount-home --container-remap-root --no-container-remap-root --container-entrypoint "
        "--no-container-entrypoint --container-entrypoint-log --container-writable --container-readonly"
    ),
    host=_set(
        "--container-mounts --container-mount-home --no-container-mount-home --container-writable --container-readonly --container-env "
        "--container-save --container-remap-root --no-container-remap-root --container-entrypoint --container-workdir --container-name"
    ),
    sets=_set("--container-env"),
)
SHIFTER_PLUGIN = replace(SHIFTER, host=_set("--volume -V --module --env"))

DOCKERS = {
    "docker": ("docker", DOCKER_GLOBAL, DOCKER),
    "nvidia-docker": ("docker", DOCKER_GLOBAL, DOCKER),
    "nerdctl": ("docker", DOCKER_GLOBAL, DOCKER),
    "podman": ("podman", PODMAN_GLOBAL, PODMAN),
    "podman-hpc": ("podman", PODMAN_GLOBAL, PODMAN_HPC),
    "sarus": ("sarus", SARUS, SARUS),
}
APPTAINERS = frozenset({"apptainer", "singularity"})
RUNTIMES = APPTAINERS | DOCKERS.keys() | _set("ch-run ch-image ch-convert enroot shifter shifterimg")
APPTAINER_RUNS = _set("exec run shell test")
DOCKER_RUNS = _set("run create exec shared-run")
ENROOT_RUNS = _set("start exec")
