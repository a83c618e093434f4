#!/usr/bin/env bash
# Install what a bare Debian or Ubuntu lacks before Python can help itself, as root or with passwordless sudo.
# Does nothing when everything is there.
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin # ldconfig, for users who are not root
missing=()
command -v make >/dev/null || missing+=(make)
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
ldconfig -p 2>/dev/null | grep 'libcurl\.so\.4 ' >/dev/null || missing+=(libcurl4) # MongoDB links it
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || {
    printf 'This machine lacks %s. Run:  sudo apt-get install %s\n' "${missing[*]}" "${missing[*]}" >&2
    exit 1
  }
  root=(sudo -n)
fi
printf '== Installing %s\n' "${missing[*]}"
${root[@]+"${root[@]}"} apt-get update -qq
${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
