#!/usr/bin/env bash
# run_preset.sh build|test PRESET: one step of the other presets, called by the tests of presets.cmake.
# Works in the repository's root and in build/PRESET.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/build.sh

step=$1
preset=$2
case $step in
  build)
    # The command is tested in the release build; clang's view of it is clang-tidy's.
    configure "$preset" -DSMALLBLOCK_TESTS=ON -DSMALLBLOCK_CLI=OFF
    build "$preset" 2>&1
    ;;
  test)
    # What the compiler made of the library counts where it optimises; a sanitizer's build has none to preload.
    labels='unit|model'
    [[ $preset == *san ]] || labels+='|structure'
    # Rounds by the thousand, and what the documentation prints, are no different there.
    rounds='Forks\.AThousand|AddressSpace\.OfEveryLimit|^docs\.'
    [[ $preset == clang ]] && rounds+='|^model\.|^stress\.'
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -L "$labels" -LE 'soak|slow' -E "$rounds"
    ;;
  *)
    echo "run_preset.sh: unknown step '$step'; use build or test" >&2
    exit 2
    ;;
esac
