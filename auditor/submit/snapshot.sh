# auditor's snapshot of a job: a bash of its own (-p: no functions, options or BASH_ENV of the job's), so the job's shell stays as it was.
#   snapshot.sh start SUBMISSION SCRIPT ARGUMENT-COUNT EXTRA     status 0: an end snapshot makes sense
#   snapshot.sh end   SUBMISSION STATUS
# Writes one file of NUL-terminated keys and values; auditor/rawfile.py reads it. Builtins only. The file has its own name from
# the first byte on, and is whole when it ends in `end`: a rename would cost a process. auditor/spool.py waits for that.
set -f
trap '' XFSZ # a file size limit of the job's: a failed write, not a death with a core
out=() # what is said, in one go: bash writes after every printf
[[ ! -v LC_ALL ]] || out=(env:LC_ALL "$LC_ALL")
LC_ALL=C # bytes, ten times faster than characters; its own value is noted before
spool=@SPOOL@ python=@PYTHON@ injob=@INJOB@ watch=@WATCH@ ray=@RAY@ attached=@ATTACHED@ guests=(@GUESTS@)
max=1048576 phase=$1 submission=$2 asked=${5-}
asked=${asked%%input=*} # the words before the inputs: `nohash`, `libraries`

job=${SLURM_JOB_ID-}
[[ -z ${SLURM_ARRAY_TASK_ID-} ]] || job=${SLURM_ARRAY_JOB_ID-}_$SLURM_ARRAY_TASK_ID
[[ -z ${SLURM_HET_SIZE-} ]] || job=$job+0
[[ $job == +([0-9])?([_+]+([0-9])) && ${SLURM_RESTART_COUNT:-0} == +([0-9]) && $submission == *([0-9a-f]) ]] || exit 1
library=$spool/.libraries-$job-${SLURM_RESTART_COUNT:-0}${submission:+-$submission}
name=$job-${SLURM_RESTART_COUNT:-0}-$phase${submission:+-$submission}.raw record=$spool/$name hash=''
# a file that the guests are still going to add to stays hidden until they name it
[[ $phase != start || $asked == *nohash* || ! -x $python ]] || record=$spool/.$name.$$ hash=1

mask=''
IFS= read -r -N 64 text </proc/self/status # its second line
[[ $text != *$'\nUmask:\t'* ]] || { mask=${text#*$'\nUmask:\t'} mask=${mask%%$'\n'*}; }
read -r host </proc/sys/kernel/hostname
if ((BASH_VERSINFO[0] > 4)); then now=$EPOCHSECONDS; else printf -v now '%(%s)T' -1; fi
umask 077
[[ -d $spool ]] || command -p mkdir -p -- "$spool" || exit 1
exec >"$record" || exit 1

printf 'names\0\n'
compgen -e
mapfile -t names <"$record" # back from our own file: no pipe, no process
printf '\0ulimit\0'
ulimit -a
printf '\0'
out+=(auditor 1 phase "$phase" job "$job" attempt "${SLURM_RESTART_COUNT:-0}" submission "$submission" \
    cluster "${SLURM_CLUSTER_NAME-}" taken "$now" host "$host" cwd "$PWD" umask "$mask")
if [[ $phase == start ]]; then
    script=$3 ending=trap files=(@START@)
    IFS= read -r -N $max text <"$script"
    # an EXIT trap would show in the output of such a script, or its own will replace ours
    show='(^|[;&|[:space:]])(set[[:space:]]+-[a-zA-Z]*v|set[[:space:]].*-o[[:space:]]+verbose|BASH_XTRACEFD=|trap[[:space:]][^#]*[[:space:]]DEBUG)'
    own='(^|[;&|[:space:]])trap[[:space:]][^#]*[[:space:]](EXIT|0)([[:space:];&|]|$)'
    case $text in # most scripts need neither expression, and compiling one is dear
    *set[[:space:]]* | *trap[[:space:]]* | *BASH_XTRACEFD=*)
        if [[ $text =~ $show ]]; then ending=visible; elif [[ $text =~ $own ]]; then ending=own; fi
        ;;
    esac
    out+=(script "$script" arguments "$4" ending "$ending")
else
    files=(@END@)
    out+=(status "$3")
fi

out+=(@NAMES@)
for variable in "${names[@]}"; do
    case $variable in
    @PREFIXES@)
        case $variable in
        LC_ALL | @NEVER@) ;;
        *) out+=("env:$variable" "${!variable}") ;;
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
    found=("$pattern")
    case $pattern in
    *[*?[]*)
        set +f
        IFS=
        found=($pattern)
        unset IFS
        set -f
        ;;
    esac
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
living() { # libraries of the processes that the job leaves: children of its shell and theirs, but for us
    local queue=("$PPID") at=0 pid child children lines line path last text
    while ((at < ${#queue[@]} && at < 64)); do
        pid=${queue[at++]} children=()
        read -r -a children <"/proc/$pid/task/$pid/children"
        for child in "${children[@]}"; do [[ $child == "$$" ]] || queue+=("$child"); done
    done
    out+=("missing:/proc/[0-9]*/maps" '')
    for pid in "${queue[@]:1:16}"; do
        text='' last='' lines=()
        mapfile -n 8192 -t lines <"/proc/$pid/maps"
        for line in "${lines[@]}"; do # a file's mappings follow one another
            path=/${line#*/}
            case $path in "$last") ;; *.so | *.so.[0-9]*) text+=$line$'\n' last=$path ;; esac
        done
        out+=("file:/proc/$pid/maps" "$text")
    done
}
if [[ $phase == end ]]; then
    living
    if [[ -e $library ]]; then # what the watcher saw, where one was asked for
        save "$library" /auditor/libraries.json
        command -p rm -f -- "$library" "$library.new"
    fi
fi
groups=()
[[ $phase == start ]] || mapfile -t groups </proc/self/cgroup # in one read: each makes the kernel write it anew
for line in "${groups[@]}"; do
    case $line in
    *:/) ;; # the root is not a group of the job's
    *:memory:*) counters /sys/fs/cgroup/memory "${line#*:*:}" memory.max_usage_in_bytes memory.limit_in_bytes memory.oom_control ;;
    *::*) counters /sys/fs/cgroup "${line#*:*:}" memory.peak memory.max memory.events cpu.stat io.stat ;;
    *:*cpuacct*:*)
        kind=${line#*:}
        counters "/sys/fs/cgroup/${kind%%:*}" "${line#*:*:}" cpuacct.usage
        ;;
    esac
done
printf '%s\0' "${out[@]}" end '' || { command -p rm -f -- "$record"; exit 1; }
if [[ $phase == end && $submission && -e $attached/$submission/ray-wanted && -x $python ]]; then
    "$python" -I -S "$ray" "$attached/$submission" >/dev/null # export events, before the node is wiped; bounded by its own alarm
fi
[[ $phase == start ]] || exit 0
if [[ $hash ]]; then
    PATH=/usr/bin:/bin:$PATH
    # hashes what may be gone later, adds its evidence and gives the file its name; bounded by its own alarm
    "$python" -I -S "$injob" "$record" "$spool/$name" "$script" "$5" "${guests[@]}" >/dev/null
    [[ ! -e $record ]] || command -p mv -f -- "$record" "$spool/$name" || exit 1
fi
if [[ $asked == *libraries* && -x $python ]]; then
    # beside the job, not its child: nobody waits for it, and it ends with the job's shell
    "$python" -I -S "$watch" "$PPID" "$library" >/dev/null &
fi
[[ $ending != visible ]]
