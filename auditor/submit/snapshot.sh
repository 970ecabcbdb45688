# auditor's snapshot of a job: a bash of its own (-p: no functions, options or BASH_ENV of the job's), so the job's shell stays as it was.
#   snapshot.sh start SUBMISSION SCRIPT ARGUMENT-COUNT EXTRA     status 0: an end snapshot makes sense
#   snapshot.sh end   SUBMISSION STATUS
# Writes one file of NUL-terminated keys and values; auditor/rawfile.py reads it. Builtins only, but for one rename.
set -f
trap '' XFSZ # a file size limit of the job's: a failed write, not a death with a core
out=() # what is said, in one go: bash writes after every printf
[[ ! -v LC_ALL ]] || out=(env:LC_ALL "$LC_ALL")
LC_ALL=C # bytes, ten times faster than characters; its own value is noted before
spool=@SPOOL@ python=@PYTHON@ injob=@INJOB@ guests=(@GUESTS@)
max=1048576 phase=$1 submission=$2

job=${SLURM_JOB_ID-}
[[ -z ${SLURM_ARRAY_TASK_ID-} ]] || job=${SLURM_ARRAY_JOB_ID-}_$SLURM_ARRAY_TASK_ID
[[ -z ${SLURM_HET_SIZE-} ]] || job=$job+0
[[ $job =~ ^[0-9]+([_+][0-9]+)?$ && ${SLURM_RESTART_COUNT:-0} =~ ^[0-9]+$ && $submission =~ ^[0-9a-f]*$ ]] || exit 1
name=$job-${SLURM_RESTART_COUNT:-0}-$phase${submission:+-$submission}.raw
temporary=$spool/.$name.$$

mask='' line=''
while read -r key value; do [[ $key != Umask: ]] || { mask=$value; break; }; done </proc/self/status
read -r host </proc/sys/kernel/hostname
printf -v now '%(%s)T' -1
umask 077
[[ -d $spool ]] || command -p mkdir -p -- "$spool" || exit 1
exec >"$temporary" || exit 1

printf 'names\0\n'
compgen -e
mapfile -t names <"$temporary" # back from our own file: no pipe, no process
printf '\0'
printf '%s\0' auditor 1 phase "$phase" job "$job" attempt "${SLURM_RESTART_COUNT:-0}" submission "$submission" \
    cluster "${SLURM_CLUSTER_NAME-}" taken "$now" host "$host" cwd "$PWD" umask "$mask"
if [[ $phase == start ]]; then
    script=$3 ending=trap files=(@START@)
    printf '%s\0' script "$script" arguments "$4"
    IFS= read -r -N $max text <"$script"
    # an EXIT trap would show in the output of such a script, or its own will replace ours
    show='(^|[;&|[:space:]])(set[[:space:]]+-[a-zA-Z]*v|set[[:space:]].*-o[[:space:]]+verbose|BASH_XTRACEFD=|trap[[:space:]][^#]*[[:space:]]DEBUG)'
    own='(^|[;&|[:space:]])trap[[:space:]][^#]*[[:space:]](EXIT|0)([[:space:];&|]|$)'
    if [[ $text =~ $show ]]; then ending=visible; elif [[ $text =~ $own ]]; then ending=own; fi
    printf '%s\0' ending "$ending"
else
    files=(@END@)
    printf '%s\0' status "$3"
fi

printf 'ulimit\0'
ulimit -a
printf '\0'
for variable in @NAMES@; do
    [[ ! -v $variable ]] || out+=("env:$variable" "${!variable}")
done
for variable in "${names[@]}"; do
    case ${variable%%_*} in
    @HEADS@)
        case $variable in
        LC_ALL | @NEVER@) ;;
        @PREFIXES@) out+=("env:$variable" "${!variable}") ;;
        esac
        ;;
    esac
done

save() { # PATH AS: the first bytes of a file, or that it is not there
    if [[ ! -e $1 ]]; then
        out+=("missing:$2" '')
    elif { IFS= read -r -N $max text; :; } <"$1"; then
        out+=("file:$2" "$text")
    else
        out+=("denied:$2" '')
    fi
}
# what belongs to the job's shell is read under its own number: this process is only its child
for pattern in "${files[@]}"; do
    set +f
    IFS=
    found=($pattern)
    unset IFS
    set -f
    for file in "${found[@]}"; do save "${file/#\/proc\/self\///proc/$PPID/}" "$file"; done
done
counters() { # FOLDER PATH FILE...: from the leaf up to the whole job; Slurm nests job_N/step_batch/task_0
    local folder=$1 path=$2 file
    shift 2
    while :; do
        for file; do save "$folder${path%/}/$file" "$folder${path%/}/$file"; done
        [[ $path == */job_*/* ]] || break
        path=${path%/*}
    done
}
while IFS=: read -r _ kind path; do
    case $kind in
    memory) counters /sys/fs/cgroup/memory "$path" memory.max_usage_in_bytes memory.limit_in_bytes memory.oom_control ;;
    *cpuacct*) counters "/sys/fs/cgroup/$kind" "$path" cpuacct.usage ;;
    '') counters /sys/fs/cgroup "$path" memory.peak memory.max memory.events cpu.stat io.stat ;;
    esac
done </proc/self/cgroup
printf '%s\0' "${out[@]}" end '' || { command -p rm -f -- "$temporary"; exit 1; }

PATH=/usr/bin:/bin:$PATH
[[ $phase == start ]] || exec mv -f -- "$temporary" "$spool/$name"
if [[ -x $python && $5 != *nohash* ]]; then
    # hashes what may be gone later, adds its evidence and gives the file its name; bounded by its own alarm
    "$python" -I -S "$injob" "$temporary" "$spool/$name" "$script" "$5" "${guests[@]}" >/dev/null
fi
[[ ! -e $temporary ]] || mv -f -- "$temporary" "$spool/$name" || exit 1
[[ $ending != visible ]]
