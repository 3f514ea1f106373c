# shellcheck shell=bash
# Completion of local53 for bash: commands, their options, words and files, the services of the catalogue.
# Asks neither the network nor the running local53.

_local53_options() { # command
    case "$1" in
    run | node) echo "-c --config" ;;
    check) echo "-c --config --strict -q --quiet" ;;
    explain) echo "--live -c --config -s --socket --json" ;;
    diff) echo "-r --replay --json" ;;
    ctl) echo "-c --config -s --socket --json --below" ;;
    services) echo "-r --region --json" ;;
    probe) echo "-c --config -j --json -t --timeout -p --port --ca -r --resolver" ;;
    import) echo "--services --interfaces --vpc --region --zone --zone-file -o --output" ;;
    doctor) echo "-c --config --json" ;;
    esac
}

# What follows an option: a file, another value, or nothing of it.
_local53_value() { # command option
    case "$1:$2" in
    *:-c | *:--config | *:-s | *:--socket | *:-o | *:--output | *:--ca | diff:-r | *:--replay) echo file ;;
    *:--services | *:--interfaces | *:--zone-file) echo file ;;
    *:-r | *:--region | *:--vpc | *:--resolver | *:--zone | *:-t | *:--timeout | *:-p | *:--port) echo other ;;
    esac
}

# What stands at a place that is no option's: "file", or the words.
_local53_place() { # command place
    case "$1:$2" in
    ctl:0) echo "ready alive status reload flush dump leaks top explain" ;;
    node:0) echo "clean" ;;
    import:0) echo "vpc-endpoints route53" ;;
    services:0) local53 services 2>/dev/null | awk '/^[a-z0-9]/ { print $1 }' ;;
    import:1 | diff:*) echo file ;;
    esac
}

# How many words stand before the cursor that are neither options nor their values.
_local53_count() { # command word...
    local command=$1 count=0
    shift
    while [ $# -gt 0 ]; do
        if [ -n "$(_local53_value "$command" "$1")" ]; then
            [ "${2:-}" != "=" ] || shift
            shift
        elif [ "${1:0:1}" != - ]; then
            count=$((count + 1))
        fi
        shift
    done
    echo "$count"
}

_local53() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} offered
    # bash hands --config=FILE over as three words.
    if [ "$word" = "=" ]; then
        word=""
    elif [ "$before" = "=" ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [ "$COMP_CWORD" -eq 1 ]; then
        offered="run check explain diff ctl services probe node import doctor --help --version"
    elif offered=$(_local53_value "$command" "$before") && [ -n "$offered" ]; then
        :
    elif [ "${word:0:1}" = - ]; then
        offered="$(_local53_options "$command") --help"
    else
        offered=$(_local53_place "$command" "$(_local53_count "$command" "${COMP_WORDS[@]:2:COMP_CWORD-2}")")
    fi

    COMPREPLY=()
    if [ "$offered" = file ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [ "$offered" != other ]; then
        mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
    fi
}

complete -F _local53 local53
