#!/usr/bin/env bash
# Fetches what a bare server lacks (nginx, Python, openssl; with --postgresql PostgreSQL too) into a folder for
# `make bundle PACKAGES=folder`. Run it as root on a machine with internet that has the very system of the server.
set -euo pipefail
wanted=(nginx python3 openssl)
if [[ ${1-} == --postgresql ]]; then
  wanted+=(postgresql)
  shift
fi
out=${1:?usage: deploy/packages.sh [--postgresql] FOLDER}
mkdir -p "$out"
out=$(cd "$out" && pwd)
if command -v apt-get >/dev/null; then
  # As if nothing were installed: what the server has already is not installed again there.
  empty=$(mktemp -d)
  touch "$empty/status"
  apt-get update -qq
  mkdir -p "$out/partial"
  apt-get -qq -y --download-only --no-install-recommends -o "Dir::State::status=$empty/status" -o "Dir::Cache::archives=$out" \
    -o APT::Sandbox::User=root install "${wanted[@]}" >/dev/null
  rm -rf "$out/partial" "$out/lock" "$empty"
  # The list that apt reads there; written here, since a bare system has nothing that could.
  for file in "$out"/*.deb; do
    dpkg-deb -f "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
  done >"$out/Packages"
elif command -v dnf >/dev/null; then
  [[ ${wanted[*]} != *postgresql* ]] || wanted+=(postgresql-server)
  dnf --quiet download --resolve --alldeps --destdir "$out" "${wanted[@]}"
else
  echo "Neither apt-get nor dnf is here." >&2
  exit 1
fi
echo "$(find "$out" -name '*.deb' -o -name '*.rpm' | wc -l) packages in $out, $(du -sh "$out" | cut -f1)"
