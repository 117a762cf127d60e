# What ./run and ./test share: configure a preset and build targets of it, quietly unless something fails.
# Sourced, not run. Everything goes to stderr; stdout belongs to the command that follows.

# configure PRESET [CMAKE_ARGUMENT ...]
configure() {
  local preset=$1 log
  log=build/$preset.configure.log
  mkdir -p build
  if ! cmake --preset "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "smallblock: configuring '$preset' failed; the lines above say why" >&2
    return 1
  fi
  sed -n 's/^-- \(smallblock: .*\)/\1/p' "$log" >&2
}

# build PRESET [TARGET ...]: both cores, as ninja does by itself.
build() {
  local preset=$1 log
  log=build/$preset.build.log
  shift
  if ninja -C "build/$preset" -n "$@" 2>/dev/null | grep -q '^ninja: no work to do'; then
    return 0
  fi
  local first=
  [[ -e build/$preset/.ninja_log ]] || first=' (about a minute, once)'
  echo "smallblock: building '$preset'$first" >&2
  if ! ninja -C "build/$preset" "$@" >"$log" 2>&1; then
    grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2 || true
    echo "smallblock: building '$preset' failed; the whole output is in $log" >&2
    return 1
  fi
  grep '^smallblock: ' "$log" >&2 || true
}

# One build at a time in this tree; a second one waits for the first.
lock_builds() {
  mkdir -p build
  exec {build_lock}>build/lock
  if ! flock -n "$build_lock"; then
    echo "smallblock: waiting for another build in this folder" >&2
    flock "$build_lock"
  fi
}

unlock_builds() { exec {build_lock}>&-; }
