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
    # The command is tested in the release build; clang's view of it is clang-tidy's. What takes long to compile is
    # compiled by clang++ and by g++, with assertions and without, once each. The sanitizers' builds have assertions
    # too; what only the debug build has is a library to preload with them.
    declare -A without=([clang]='model;schedules;fuzz;stress' [tsan]=fuzz [asan]=''
      [debug]='base;os;core;heap;inspect;model;schedules;fuzz;stress')
    configure "$preset" -DSMALLBLOCK_CLI=OFF -DSMALLBLOCK_TESTS_WITHOUT="${without[$preset]}"
    build "$preset" 2>&1
    ;;
  test)
    # What the compiler made of the library counts where it optimises; a sanitizer's build has none to preload.
    labels='unit|model'
    [[ $preset == *san ]] || labels+='|structure'
    # Rounds by the thousand, what the documentation prints, and other programs' behaviour are no different there.
    same='Forks\.AThousand|AddressSpace\.OfEveryLimit|^docs\.|^misuse\.|^watched\.|^model\.new_seed'
    same+='|^api\.beside_thread|Standing/Clock'
    # With assertions on, it runs under AddressSanitizer.
    [[ $preset == asan ]] || same+='|EveryCall'
    # Each place and number one by one: in the release build, and under the sanitizers.
    [[ $preset == *san ]] || same+='|/InteriorPointer\.|ShortThreads\.AHundred|DoubleFree\.After1To64|Guards\.Find'
    # Of one thread, or seen by the other sanitizer.
    [[ $preset == tsan ]] && same+='|^core\.(EveryClass|SomeClasses)|^image\.Snapshot|/PageSize'
    [[ $preset == tsan ]] && same+='|^model\.(one_thread|audited_each_step)'
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -L "$labels" -LE 'soak|slow' -E "$same"
    ;;
  *)
    echo "run_preset.sh: unknown step '$step'; use build or test" >&2
    exit 2
    ;;
esac
