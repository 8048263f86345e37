# SPDX-License-Identifier: Apache-2.0
# bash completion for dusk(1). Commands and options come from `dusk help words`, so they are always
# those of the dusk that is called; jobs and nodes come from the server, and nothing is said when it
# does not answer within two seconds.

_dusk_ask() {
    DUSK_TIMEOUT=2s "${COMP_WORDS[0]}" "$@" 2>/dev/null
}

_dusk_jobs() {
    _dusk_ask q --jobs -af job
}

_dusk_tasks() {
    _dusk_ask q --limit 200 -af id
}

_dusk_nodes() {
    _dusk_ask node list -af name
}

# The words that may stand at the cursor behind the command $1, after the operands $2...
_dusk_operands() {
    local command=$1
    shift
    case $command in
    wait | watch | history | fetch)
        _dusk_jobs
        ;;
    q | rm | hold | release | why | tail)
        case $cur in
        *.*) _dusk_tasks ;;
        *) _dusk_jobs ;;
        esac
        ;;
    node)
        case $1 in
        '') echo list show wake forget ;;
        show | wake | forget) _dusk_nodes ;;
        esac
        ;;
    drain)
        _dusk_nodes
        ;;
    image)
        case $1 in
        '') echo add list show rm ;;
        show | rm) _dusk_ask image list -af names ;;
        add) [ $# -lt 2 ] || compgen -f -- "$cur" ;;
        esac
        ;;
    owner)
        case $1 in
        '') echo status figures pause never resume ;;
        pause) [ $# -gt 1 ] || echo until ;;
        esac
        ;;
    token)
        case $1 in
        '') echo create list revoke ;;
        revoke) _dusk_ask token list -af id ;;
        esac
        ;;
    help)
        _dusk_ask help words
        echo exit-codes
        ;;
    esac
}

_dusk() {
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
    local -a operands=()
    local i

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(_dusk_ask help words)" -- "$cur")
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || operands+=("${COMP_WORDS[i]}")
    done
    # A program behind `dusk run` completes as if it were typed here.
    if [[ $command == run ]] && ((${#operands[@]} > 0)); then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    if [[ $cur == -* ]]; then
        words=$(_dusk_ask help words "$command")
    elif [[ $command == run ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        return
    elif [[ $command == submit ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    else
        words=$(_dusk_operands "$command" "${operands[@]}")
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o bashdefault -F _dusk dusk
