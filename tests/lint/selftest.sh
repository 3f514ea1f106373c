#!/usr/bin/env bash
# Proves that each check of the lint can fail: makes a small bad tree and expects the finding; and that a good one passes.
# Usage: tests/lint/selftest.sh; prints PASS or FAIL a case, exit 1 when one failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
failures=0

# A tree with one module a layer for base and dns that every check accepts.
make_good_tree() {
    rm -rf "$tree"
    mkdir -p "$tree"/{include/local53/{base,dns,net},src/{base,dns,net},tests/{unit/{base,dns},lint,e2e},deploy}
    cp "$here/layers.txt" "$tree/tests/lint/"
    cp "$here/../../.clang-format" "$tree/"
    echo '# none' >"$tree/tests/lint/exemptions.txt"
    printf '%s\n' '/* thing. */' '#ifndef THING_H' '#define THING_H' '' 'struct thing {' \
        '    int size; /* octets */' '};' '' '/* Its size. */' 'int thing_size(const struct thing *thing);' '' '#endif' \
        >"$tree/include/local53/base/thing.h"
    printf '%s\n' '#include "local53/base/thing.h"' '' 'int thing_size(const struct thing *thing)' '{' \
        '    return thing->size;' '}' >"$tree/src/base/thing.c"
    printf '%s\n' '#include <cmocka.h>' '' '#include "local53/base/thing.h"' >"$tree/tests/unit/base/test_thing.c"
}

report() { # verdict name [why]
    echo "$1 selftest.$2${3:+: $3}"
    [ "$1" = PASS ] || failures=$((failures + 1))
}

# Runs one check over the tree; passes when it fails with a finding that holds the text.
expect() { # case check text
    local output status=0
    output=$("$here/lint.sh" --root "$tree" ${2:+"$2"} 2>&1) || status=$?
    if [ "$status" -eq 1 ] && grep -E '^[^ ]+:[0-9]+: ' <<<"$output" | grep -qF -- "$3"; then
        report PASS "$1"
    else
        report FAIL "$1" "no finding with '$3' (status $status)"
    fi
}

# Lines of C that only fill a file.
filler() { # count
    local i
    for ((i = 0; i < $1; i++)); do
        echo "    value += $i;"
    done
}

make_good_tree
if output=$("$here/lint.sh" --root "$tree" 2>&1); then
    report PASS good_tree_is_clean
else
    report FAIL good_tree_is_clean "$(grep -m1 -E '^[^ ]+:[0-9]+: |FAIL' <<<"$output")"
fi

echo '#include "local53/dns/name.h"' >>"$tree/src/base/thing.c"
expect layers_include_upwards layers 'base may not include dns'

make_good_tree
echo '#include "local53/net/udp.h"' >"$tree/src/dns/name.c"
expect layers_include_sideways layers 'dns may not include net'

make_good_tree
echo '#include "local53/server/query.h"' >>"$tree/tests/unit/base/test_thing.c"
expect layers_test_includes_upwards layers 'base may not include server'

make_good_tree
echo '#include "../dns/private.h"' >>"$tree/src/base/thing.c"
expect layers_private_include layers 'is no door'

make_good_tree
echo '#include "local53/version.h"' >>"$tree/src/base/thing.c"
expect layers_generated_include layers 'is only for'

make_good_tree
mkdir "$tree/src/extra"
echo >"$tree/src/extra/thing.c"
expect layers_unknown_folder layers 'no layer extra'

make_good_tree
echo '#include <uv.h>' >>"$tree/src/base/thing.c"
expect third_party_outside_its_door third-party 'uv.h belongs behind its door'

make_good_tree
echo '#include <ldns/ldns.h>' >>"$tree/include/local53/dns/text.h"
expect third_party_in_a_public_door third-party 'ldns/ldns.h belongs behind its door'

make_good_tree
echo '#include <glib.h>' >>"$tree/src/base/thing.c"
expect third_party_unknown third-party 'glib.h has no door'

make_good_tree
{ echo 'int long_one(int value) {'; filler 70; echo '    return value;'; echo '}'; } >>"$tree/src/base/thing.c"
expect function_length function-length 'long_one has 73 lines'

make_good_tree
echo 'int six(int a, int b, int c, int (*d)(int, int), int e, int f);' >>"$tree/src/base/thing.c"
expect parameters parameters 'six takes 6 parameters'

make_good_tree
filler 601 >"$tree/tests/unit/base/test_thing.c"
expect file_length file-length '601 lines'

make_good_tree
sed -i '/Its size/d' "$tree/include/local53/base/thing.h"
expect door_comments_prototype door-comments 'thing_size has no comment'

make_good_tree
sed -i 's| /\* octets \*/||' "$tree/include/local53/base/thing.h"
expect door_comments_member door-comments 'size has no comment'

make_good_tree
rm "$tree/tests/unit/base/test_thing.c"
expect module_test module-test 'no unit test'

make_good_tree
echo "/* TO""DO later */" >>"$tree/src/base/thing.c"
expect words words 'finish it'

make_good_tree
touch "$tree/notes.txt"
expect top_level top-level 'not at the top level'

make_good_tree
echo 'int   spaced( void );' >>"$tree/src/base/thing.c"
if "$here/lint.sh" --root "$tree" format | grep -q '^SKIPPED'; then
    echo "SKIPPED selftest.format: needs clang-format 14"
else
    expect format format 'layout; run clang-format'
fi

make_good_tree
# shellcheck disable=SC2016 # the bad script's text, not ours
printf '%s\n' '#!/bin/bash' 'cd $1' >"$tree/deploy/bad.sh"
expect shell shell 'Double quote'

make_good_tree
echo 'file-length src/base/gone.c a file that is no more' >>"$tree/tests/lint/exemptions.txt"
expect exemptions_unused '' 'exempts nothing'

make_good_tree
echo 'file-length' >>"$tree/tests/lint/exemptions.txt"
expect exemptions_malformed '' 'no exemption: write'

make_good_tree
{ echo 'int long_one(int value) {'; filler 70; echo '    return value;'; echo '}'; } >>"$tree/src/base/thing.c"
echo 'function-length src/base/thing.c:long_one a table' >>"$tree/tests/lint/exemptions.txt"
if "$here/lint.sh" --root "$tree" function-length >/dev/null; then
    report PASS exemption_is_honoured
else
    report FAIL exemption_is_honoured
fi

[ "$failures" -eq 0 ]
