#!/usr/bin/env bash
# build-page.sh FOLDER FALLBACK: builds the page of `smallblock view` from web/, as FOLDER/index.html, with everything
# that it was made of in FOLDER/index.html.d. Called by web/CMakeLists.txt as a step of the build.
#
# Where npm cannot get its packages the page is FALLBACK, and a line says so; an empty FALLBACK makes that an error.
set -euo pipefail
folder=$1
fallback=$2
cd "$(dirname "${BASH_SOURCE[0]}")/../web"
page=$folder/index.html
log=$folder/npm.log
mkdir -p "$folder"

# Several builds of this tree share node_modules.
exec {packages_lock}<package.json
flock "$packages_lock"

list_sources() {
  printf '%s:' "${page// /\\ }"
  find src index.html vite.config.ts package.json package-lock.json -type f -printf " ${PWD// /\\ }/%p"
  echo
}

install_packages() {
  cmp -s package-lock.json node_modules/.installed-lock && return
  # No package's own script runs: none is needed.
  npm ci --ignore-scripts >"$log" 2>&1 || return
  cp package-lock.json node_modules/.installed-lock
}

list_sources >"$page.d"
if ! install_packages; then
  cat "$log"
  if [[ -z $fallback ]]; then
    echo "smallblock: npm could not install the packages of web/; the lines above say why" >&2
    exit 1
  fi
  cp "$fallback" "$page"
  echo "smallblock: npm could not install the packages of web/, so \`smallblock view\` has no page in this build" \
    "(${log#"${PWD%/web}/"} says why); remove ${page#"${PWD%/web}/"} to try again"
  exit 0
fi
node node_modules/vite/bin/vite.js build --logLevel warn --outDir "$folder/out" --emptyOutDir
mv "$folder/out/index.html" "$page"
