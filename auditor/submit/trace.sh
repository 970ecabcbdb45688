# auditor's hook for a job that is to be traced: bash reads it before the batch script's first line, instead of the usual one. It takes
# the start snapshot, and then the shell starts once more, with the arguments and the environment it had, behind a tracer. The second
# start reads the hook. A tracer that does not work here is left out, and the trace's notes say so: the job runs in any case.
{ __auditor_u=${_-} __auditor_x=$-; set +aefkux; } 2>/dev/null
__auditor_b=${BASH:-/bin/bash} __auditor_s=@SNAPSHOT@ __auditor_h=@SHIM@ __auditor_c=@FOLDER@

__auditor_note() { printf '%s\n' "$1" >>"${__auditor_c}blind"; } 2>/dev/null

__auditor_names() { # WORDS: does the script name one of these programs?
    [[ $__auditor_w =~ (^|[^[:alnum:]_.-])($1)($|[^[:alnum:]_.-]) ]]
}

__auditor_setuid() { # does Apptainer or Singularity gain rights here? Where it is not found, a module may bring it
    local program prefix
    for program in apptainer singularity; do
        __auditor_names "$program" || continue
        prefix=$(command -v "$program") || return 0
        prefix=$(readlink -f "$prefix") prefix=${prefix%/*} prefix=${prefix%/*}
        ! compgen -G "$prefix/lib*/*/bin/starter-suid" && ! compgen -G "$prefix/lib*/*/*/bin/starter-suid" || return 0
    done
    return 1
} >/dev/null 2>&1

__auditor_strace() { # does strace work here, for this script?
    if ((EUID)) && { __auditor_names '@RIGHTS@' || __auditor_setuid; }; then
        __auditor_note 'strace was not used: the script calls programs that gain rights'
    elif [[ $(ulimit -f) != unlimited ]]; then
        __auditor_note 'strace was not used: a limit on the size of files holds for the trace too'
    elif ! strace @FLAGS@ -o /dev/null -- /bin/true; then
        __auditor_note "strace cannot follow a process on $HOSTNAME"
    elif ! : >>"${__auditor_c}strace"; then
        __auditor_note "there is no writing to the folder of traces on $HOSTNAME"
    else
        return 0
    fi
    return 1
} </dev/null >/dev/null 2>&1

__auditor_shim() { # the variables for it, as options of env; strace takes them too
    if [[ ! $__auditor_h || ! -r $__auditor_h || ! -w ${__auditor_c%/*} ]]; then
        __auditor_note 'the shim was not used: it could not be compiled at submission, or cannot be seen on the node'
        return 1
    fi
    __auditor_e+=("LD_PRELOAD=$__auditor_h${LD_PRELOAD:+:$LD_PRELOAD}" "AUDITOR_TRACE_TO=$__auditor_c")
    if command -v apptainer; then
        __auditor_e+=("APPTAINERENV_LD_PRELOAD=${APPTAINERENV_LD_PRELOAD-${LD_PRELOAD-}}")
    elif command -v singularity; then
        __auditor_e+=("SINGULARITYENV_LD_PRELOAD=${SINGULARITYENV_LD_PRELOAD-${LD_PRELOAD-}}")
    fi
} </dev/null >/dev/null 2>&1

case $0 in
*/slurm_script)
    # SUBMISSION:PRIOR:EXTRA: as auditor/submit/bashenv.py writes them
    __auditor_w=${BASH_ENV#*__auditor+:} __auditor_i=${__auditor_w%%:*} __auditor_w=${__auditor_w#*:*:} __auditor_w=${__auditor_w%%:*}
    __auditor_r=idle
    if @LOOK@; then __auditor_r=busy; fi
    case $__auditor_w in
    trace-strace*) __auditor_a=strace ;;
    trace-preload*) __auditor_a=preload ;;
    *) __auditor_a=auto ;;
    esac
    # the second start is told apart from the first, and whether there is to be a look at the end
    BASH_ENV=${BASH_ENV//"${BASH_SOURCE##*/}"/@HOOK@} BASH_ENV=${BASH_ENV/trace-$__auditor_a/traced-$__auditor_r}
    __auditor_j=${SLURM_JOB_ID-}
    [[ -z ${SLURM_ARRAY_TASK_ID-} ]] || __auditor_j=${SLURM_ARRAY_JOB_ID-}_$SLURM_ARRAY_TASK_ID
    [[ -z ${SLURM_HET_SIZE-} ]] || __auditor_j=$__auditor_j+0
    __auditor_c=$__auditor_c/$__auditor_i-$__auditor_j-${SLURM_RESTART_COUNT:-0}.
    { IFS= read -r -N 1048576 __auditor_w <"$0"; } 2>/dev/null
    __auditor_b=() __auditor_e=("_=$__auditor_u")
    while IFS= read -r -d '' __auditor_r; do __auditor_b+=("$__auditor_r"); done <"/proc/$$/cmdline"
    for __auditor_r in 0r 1w 2w; do # what is open already: no tracer sees it being opened
        printf '%s\0%s\0' "${__auditor_r#?}" "$(readlink "/proc/$$/fd/${__auditor_r%?}")"
    done </dev/null >"${__auditor_c}inherited" 2>/dev/null
    shopt -s execfail
    if shopt -q login_shell; then
        # a second start would read the profile twice: what this shell starts is seen, what it opens itself is not
        __auditor_note 'what the script itself opens: it runs in a login shell, where only the programs that it starts are traced'
        if __auditor_shim; then
            unset -v '__auditor_e[0]'
            export "${__auditor_e[@]}"
        fi
    elif [[ $__auditor_a != preload ]] && __auditor_strace; then
        if [[ $__auditor_a == auto ]] && __auditor_names '@OTHER_NODES@'; then __auditor_shim; fi
        __auditor_e=("${__auditor_e[@]/#/-E}")
        exec strace @FLAGS@ "${__auditor_e[@]}" -o "${__auditor_c}strace" -- "${__auditor_b[@]}"
    else
        if [[ $__auditor_a != strace ]]; then __auditor_shim; fi
        exec env "${__auditor_e[@]}" "${__auditor_b[@]}"
    fi
    shopt -u execfail
    ;;
*) BASH_ENV=${BASH_ENV//"${BASH_SOURCE##*/}"/@HOOK@} ;;
esac

# no second start: the usual hook, here and now, in the shell as it was found
__auditor_s=${__auditor_s%/*}/@HOOK@
unset -f __auditor_note __auditor_names __auditor_setuid __auditor_strace __auditor_shim
unset -v __auditor_a __auditor_c __auditor_e __auditor_h __auditor_i __auditor_j __auditor_r __auditor_w
__auditor_b=$__auditor_x
unset -v __auditor_x
case $__auditor_b in *a*) set -a ;; esac
case $__auditor_b in *f*) set -f ;; esac
case $__auditor_b in *k*) set -k ;; esac
case $__auditor_b in *u*) set -u ;; esac
case $__auditor_b in *e*) set -e ;; esac
# the last word is what $_ is then
case $__auditor_b in *x*) { set -x; . "$__auditor_s" "$__auditor_u"; } 2>/dev/null ;; *) . "$__auditor_s" "$__auditor_u" ;; esac
