#!/usr/bin/env bash
# Create .venv and install this project into it, with tested versions. Called by the Makefile.
#   .ci/setup.sh [--dev]      PYTHON=python3.12 chooses the interpreter, CONSTRAINTS= (empty) drops the pins.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
CONSTRAINTS=${CONSTRAINTS-.ci/constraints.txt}
NEEDED_GB=9 # torch with its GPU libraries, FiftyOne, MongoDB, and pip's temporary copies

say() { printf '== %s\n' "$*"; }
fail() {
  printf '\nSet-up stopped: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.10; do
    if new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
    [ "$candidate" != "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not Python 3.10 or newer."
  done
  fail "no Python 3.10 or newer was found." \
    "On Debian or Ubuntu:  sudo apt-get install python3 python3-venv" \
    "Or name one:          make setup PYTHON=/path/to/python3.12"
}

create_venv() {
  if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    return
  fi
  local python version
  python=$(find_python)
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python $version cannot create virtual environments." \
    "On Debian or Ubuntu:  sudo apt-get install python$version-venv   (or python3-venv)"
  say "Creating $VENV with Python $version ($python)"
  rm -rf "$VENV"
  "$python" -m venv "$VENV" || fail "could not create $VENV; is this folder writable?"
}

check_disk() {
  local free
  free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
  if [ "$free" -lt "$NEEDED_GB" ] && [ ! -d "$VENV"/lib/python3*/site-packages/torch ]; then
    say "WARNING: $free GB free here, about $NEEDED_GB GB are needed; free some space if pip stops below"
  fi
}

install() {
  local wanted=$1 pins=()
  [ -z "$CONSTRAINTS" ] || pins=(-c "$CONSTRAINTS")
  say "Installing $wanted (the first time several minutes: torch alone is large)"
  "$VENV/bin/python" -m pip install --disable-pip-version-check --quiet --progress-bar off \
    ${pins[@]+"${pins[@]}"} -e "$wanted" || fail "pip could not install the packages (its last lines are above)." \
    "No network or a full disk?   mend that and run the same command again" \
    "No such pinned version?      make $GOAL CONSTRAINTS=   (newest versions in the allowed ranges)"
}

ensure_mongod() {
  say "Checking that FiftyOne's MongoDB server starts"
  if "$VENV/bin/sem-curate" doctor --fix --only mongod; then
    return
  fi
  # A bare machine may lack a library that the server links.
  if ! .ci/system.sh || ! "$VENV/bin/sem-curate" doctor --only mongod; then
    fail "there is no working MongoDB server (see the line above)." \
      "Libraries missing:  sudo apt-get install libcurl4 libssl3" \
      "Own server:         export FIFTYONE_DATABASE_URI=mongodb://127.0.0.1:27017"
  fi
}

GOAL=setup
extras=.
stamps=("$VENV/.ready")
if [ "${1:-}" = "--dev" ]; then
  GOAL=dev
  extras=".[dev]"
  stamps+=("$VENV/.ready-dev") # what developers need includes what users need
fi

check_disk
create_venv
install "$extras"
ensure_mongod
touch "${stamps[@]}"
say "Ready: $VENV/bin/sem-curate"
