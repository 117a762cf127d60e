# What ./run and ./test share: configure a preset and build targets of it, quietly unless something fails.
# Sourced, not run. Everything goes to stderr; stdout belongs to the command that follows.

# configure PRESET [CMAKE_ARGUMENT ...]: what is not said is as the preset has it, whatever was said before.
configure() { run_cmake "$1" --preset "$@"; }

# configure_again PRESET: as it was configured before.
configure_again() { run_cmake "$1" "build/$1"; }

run_cmake() {
  local preset=$1 log
  log=build/$preset.configure.log
  shift
  mkdir -p build
  if ! cmake "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "smallblock: configuring '$preset' failed; the lines above say why" >&2
    return 1
  fi
  sed -n 's/^-- \(smallblock: .*\)/\1/p' "$log" >&2
}

# Passes ninja's lines on, and tells the user once that something is built: not that it only looked.
announce_work() {
  local message=$1 told=$2 line
  while IFS= read -r line; do
    printf '%s\n' "$line"
    [[ -z $told && $line =~ ^\[[0-9]+/[0-9]+\]\ (.*) && ${BASH_REMATCH[1]} != Re-* ]] || continue
    echo "$message" >&2
    told=yes
  done
}

# build PRESET [TARGET ...]: both cores, as ninja does by itself.
build() {
  local preset=$1 log message told=
  log=build/$preset.build.log
  shift
  message="smallblock: building '$preset'"
  if [[ ! -e build/$preset/.ninja_log ]]; then
    told=yes
    echo "$message (about a minute, once)" >&2
  fi
  if ! ninja -C "build/$preset" "$@" 2>&1 | announce_work "$message" "$told" >"$log"; then
    grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2 || true
    echo "smallblock: building '$preset' failed; the whole output is in $log" >&2
    return 1
  fi
  grep '^smallblock: ' "$log" >&2 || true
}

# One build at a time in this tree; a second one waits for the first.
lock_builds() {
  if ! mkdir -p build 2>/dev/null || [[ ! -w build || (-e build/lock && ! -w build/lock) ]]; then
    echo "smallblock: nothing can be built here: $PWD/build cannot be written to" >&2
    return 1
  fi
  exec {build_lock}>build/lock
  if ! flock -n "$build_lock"; then
    echo "smallblock: waiting for another build in this folder" >&2
    flock "$build_lock"
  fi
}

unlock_builds() { exec {build_lock}>&-; }
