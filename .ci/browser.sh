#!/usr/bin/env bash
# Install a browser and Japanese fonts for the end-to-end tests, where this user may. Never fails the build:
# without a browser those tests are skipped, and the test run says so. BROWSER=no turns this off.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=.venv/bin/python
LOG=.venv/browser.log

have() { "$PYTHON" -c 'import sys; from sem_curate.app.browser import find_browser; sys.exit(find_browser() is None)'; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

may_install() {
  [ "${BROWSER:-yes}" != no ] && command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$LOG" 2>&1; }

install_browser() {
  as_root apt-get update >"$LOG" 2>&1 || true
  apt_install chromium fonts-noto-cjk && have && return
  # Ubuntu has no chromium package, only a snap: take Playwright's build and its libraries.
  apt_install fonts-noto-cjk || true
  as_root "$PYTHON" -m playwright install-deps chromium >>"$LOG" 2>&1 || true
  "$PYTHON" -m playwright install chromium >>"$LOG" 2>&1 && have
}

have && exit 0
if may_install; then
  printf '== Installing Chromium and Japanese fonts for the browser tests (log: %s)\n' "$LOG"
  install_browser && exit 0
  tail -n 3 "$LOG" >&2 || true
fi
cat >&2 <<'NOTE'

  !!  NO BROWSER: the end-to-end tests will be SKIPPED.
  !!  To run them:  sudo apt-get install chromium fonts-noto-cjk
  !!  or set SEM_CURATE_BROWSER=/path/to/chrome

NOTE
