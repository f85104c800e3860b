#!/usr/bin/env bash
# What `make run` does once everything is installed: index $PHOTOS, or a sample library, and write the report.
# usage: run.sh BIN OUT
set -euo pipefail

bin=$1
out=$2
photos=${PHOTOS:-}
# Not every shell expands the ~ in `make run PHOTOS=~/Pictures`.
case $photos in "~" | "~/"*) photos=$HOME${photos#"~"} ;; esac

mkdir -p "$out"
if [[ -z $photos ]]; then
    # Nothing of the user's is touched: the sample has a catalog of its own, made anew each time.
    photos=$out/sample
    rm -rf "$photos" "$out/sample-home"
    "$bin/python" tools/sample_library.py "$photos"
    export DEDUPCTL_HOME=$out/sample-home
fi

# 1: some folder could not be read, and was named; the rest is indexed all the same.
"$bin/dedupctl" scan "$photos" || [[ $? -eq 1 ]]
"$bin/dedupctl" report -o "$out/report.html" >/dev/null
echo
if [[ -z ${PHOTOS:-} ]]; then
    echo "To go on with the sample:  export DEDUPCTL_HOME=$(printf %q "$(realpath "$out")/sample-home") PATH=$(printf %q "$(realpath "$bin")"):\$PATH"
fi
echo "The report is in $(realpath "$out")/report.html"
