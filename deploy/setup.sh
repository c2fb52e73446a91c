#!/usr/bin/env bash
# Installs what the program needs into the checkout; what is there already is left alone. Safe to repeat.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

# A stamp holds the digest of what a step was made from; the step runs again when that changes.
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
fresh() { [[ -f $1 && "$(cat "$1")" == "$2" ]]; }

need_packages() {
    local missing=()
    command -v python3 >/dev/null || missing+=(python3)
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    command -v unshare >/dev/null && command -v setpriv >/dev/null || missing+=(util-linux)
    local java=0
    java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1) || true
    [[ ${java:-0} -ge 17 ]] || missing+=(openjdk-17-jre-headless)
    if [[ ! -f deploy/kafka/target/stamp ]]; then
        command -v mvn >/dev/null || missing+=(maven)
    fi
    [[ ${#missing[@]} -eq 0 ]] && return 0
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        say "Missing: ${missing[*]}. Install them, then run this again:"
        say "    sudo apt-get update && sudo apt-get install -y ${missing[*]}"
        exit 1
    fi
    say "Installing ${missing[*]} with apt-get ..."
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

need_python() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        say "Python 3.11 or later is wanted, this is $(python3 --version)."
        exit 1
    }
}

make_environment() {
    local want
    want=$(digest requirements/dev.txt pyproject.toml)-$PWD
    fresh .venv/stamp "$want" && return 0
    say "Python packages ..."
    # A virtual environment cannot be moved.
    [[ -f .venv/stamp && "$(cat .venv/stamp)" != *-$PWD ]] && rm -rf .venv
    [[ -x .venv/bin/python ]] || python3 -m venv .venv
    local loud=(--quiet)
    [[ -t 2 ]] && loud=(--progress-bar on)
    .venv/bin/python -m pip install "${loud[@]}" --disable-pip-version-check --require-hashes -r requirements/dev.txt >&2
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps --no-index \
        --editable . >&2
    printf '%s' "$want" >.venv/stamp
    say "Python packages: done after ${SECONDS} s"
}

fetch_kafka() {
    local want
    want=$(digest deploy/kafka/pom.xml)
    fresh deploy/kafka/target/stamp "$want" && return 0
    say "Apache Kafka ..."
    rm -rf deploy/kafka/target
    mvn --quiet --batch-mode -Dstyle.color=never --file deploy/kafka/pom.xml package | sed 's/\x1b\[[0-9;]*m//g' >&2
    printf '%s' "$want" >deploy/kafka/target/stamp
    say "Apache Kafka: done after ${SECONDS} s"
}

need_packages
need_python
# Two set-ups of one checkout at the same time would spoil each other.
exec 9>.setup.lock
flock 9
fetch_kafka &
kafka=$!
make_environment
wait "$kafka"
