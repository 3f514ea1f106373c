# shellcheck shell=bash
# Completion of dnsbench for bash: commands, their options, words and files.

_dnsbench_options() { # command
    local asked="--server --transport --tls-name --timeout --queries --edns --do --cookie --expect --quiet --allow-remote"
    local load="$asked --profile --random-label --zipf --names --seed --clients --source --ports --threads --cpus
        --batch --receive-buffer --warmup --interval --fail-if --json --svg"
    case "$1" in
    run) echo "$load --duration --server-pid --rate --arrival --schedule --slo --hdr" ;;
    max) echo "$load --duration --server-pid --window" ;;
    search) echo "$load --duration --server-pid --rate --arrival --slo" ;;
    compare)
        echo "${load/--server /} --a --b --rate --arrival --window --slice --pairs --alpha --a-pid --b-pid"
        ;;
    check) echo "$asked" ;;
    serve)
        echo "--listen --delay --jitter --service-time --queue --stall --loss --rcode --tc --wrong --duplicate
            --answer --ttl --seed --no-cluster --truth --duration --no-tcp --cpu --allow-remote"
        ;;
    report) echo "--json --svg --hdr" ;;
    esac
}

# What follows an option: "file", the words, "other" for another value, or nothing of it.
_dnsbench_value() { # option
    case "$1" in
    --queries | --expect | --json | --svg | --hdr | --truth) echo file ;;
    --transport) echo "udp tcp dot udp+tc" ;;
    --profile) echo "k8s-aws hit nx miss" ;;
    --arrival) echo "poisson constant burst:" ;;
    --ports) echo "pool per-lookup" ;;
    --wrong) echo "address question id empty" ;;
    --do | --cookie | --quiet | --allow-remote | --no-cluster | --no-tcp | --help) ;;
    --*) echo other ;;
    esac
}

_dnsbench() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} offered=""
    # bash hands --json=FILE over as three words.
    if [ "$word" = "=" ]; then
        word=""
    elif [ "$before" = "=" ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    # Without a command it is run.
    [ "${command:0:1}" != - ] || command=run
    if [ "$COMP_CWORD" -eq 1 ] && [ "${word:0:1}" != - ]; then
        offered="run max search compare check serve report"
    elif [ "$COMP_CWORD" -gt 1 ] && offered=$(_dnsbench_value "$before") && [ -n "$offered" ]; then
        :
    elif [ "${word:0:1}" = - ]; then
        offered="$(_dnsbench_options "$command") --help"
        [ "$COMP_CWORD" -gt 1 ] || offered="$offered --version"
    elif [ "$command" = report ]; then
        offered="file"
    fi

    COMPREPLY=()
    if [ "$command $offered" = "report file" ] && [ "$COMP_CWORD" -eq 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "merge diff" -- "$word")
    fi
    if [ "$offered" = file ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
    elif [ "$offered" != other ]; then
        mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
    fi
}

complete -F _dnsbench dnsbench
