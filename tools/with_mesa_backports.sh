#!/usr/bin/env bash
# Runs a command on lavapipe of Debian's backports (Mesa 25 for Debian 12), beside the Mesa that is installed, which stays as it is:
#
#   tools/with_mesa_backports.sh cargo test --test gpu
#
# The packages come once from the machine's own Debian mirror, are checked by apt against Debian's keys, and are unpacked, not
# installed, in $CONVOKE_MESA_FOLDER (the user's cache, where nothing is said).
set -euo pipefail

folder=${CONVOKE_MESA_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/convoke/mesa-backports}
[ "$#" -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
grep -qs '^ID=debian$' /etc/os-release || { echo "$0: expected Debian, whose backports it takes, and this is another system" >&2; exit 1; }
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

# Debian's mirror in this machine's sources, in either of their two forms.
mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    sed -nE 's/^(URIs:|deb( \[[^]]*\])?) +([^ ]*\/debian\/?)( .*)?$/\3/p' | head -n 1
}

fetch() {
  local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg options
  mirror=$(mirror)
  [ -n "$mirror" ] || { echo "$0: no mirror of Debian among apt's sources" >&2; exit 1; }
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
  printf 'deb [signed-by=%s] %s %s main\n' "$key" "$mirror" "$release" "$key" "$mirror" "$release-backports" >"$scratch/sources.list"
  options=(-qq -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Dir::Etc::sourcelist="$scratch/sources.list"
    -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch"
    -o Dir::Cache::archives="$scratch/archives")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install --yes --download-only --no-install-recommends --target-release "$release-backports" mesa-vulkan-drivers
  for package in "$scratch"/archives/*.deb; do dpkg-deb -x "$package" "$scratch/unpacked"; done
  local libraries=("$scratch"/unpacked/usr/lib/*/libvulkan_lvp.so)
  [ -e "${libraries[0]}" ] || { echo "$0: expected libvulkan_lvp.so among what $release-backports has, got: $(ls "$scratch/archives")" >&2; exit 1; }
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder"
  mv "$scratch/unpacked" "$folder"
}

compgen -G "$folder/usr/lib/*/libvulkan_lvp.so" >/dev/null || (fetch)
library=$(compgen -G "$folder/usr/lib/*/libvulkan_lvp.so" | head -n 1)
icd=$folder/lavapipe.json
printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.4.0"}}\n' "$library" >"$icd"
# An older loader knows the second name only. Nothing of the installed Mesa's is kept for this one, or of this one's for that.
export VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd MESA_SHADER_CACHE_DISABLE=true
export LD_LIBRARY_PATH=$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
exec "$@"
