#!/usr/bin/env bash
# run_installed.sh CMAKE BUILD_DIR CC: installs the build into a folder of its own, and uses it from there as a project
# with CMake, a program with pkg-config and a person with a terminal would. Everything must come from that folder.
set -euo pipefail

cmake=$1
build=$2
compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  echo "run_installed.sh: $1" >&2
  exit 1
}

"$cmake" --install "$build" --prefix "$prefix" >/dev/null
libraries=$(dirname "$(find "$prefix" -name libsmallblock_preload.so)")

cat >"$work/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.22)
project(program LANGUAGES CXX)
find_package(smallblock 0.1 REQUIRED)
set(CMAKE_CXX_STANDARD 20)
foreach(kind smallblock static)
  add_executable(program_${kind} program.cpp)
  target_link_libraries(program_${kind} PRIVATE smallblock::${kind})
endforeach()
add_executable(whole whole.cpp)
target_link_options(whole PRIVATE -Wl,--as-needed)
target_link_libraries(whole PRIVATE smallblock::preload ${CMAKE_DL_LIBS})
find_package(smallblock 0.1 QUIET COMPONENTS nonsense)
if(smallblock_FOUND)
  message(FATAL_ERROR "smallblock has no such component")
endif()
EOF
cat >"$work/whole.cpp" <<'EOF'
#include <dlfcn.h>

#include <cstdlib>
#include <string>

int main() {
  const auto owns = reinterpret_cast<bool (*)(const void*)>(dlsym(RTLD_DEFAULT, "sb_owns"));
  void* block = std::malloc(100);
  const std::string text(100, 'x');
  const bool ours = owns != nullptr && owns(block) && owns(text.data());
  std::free(block);
  return ours ? 0 : 1;
}
EOF
cat >"$work/program.cpp" <<'EOF'
#include <smallblock/allocator.hpp>
#include <smallblock/smallblock.h>

#include <vector>

int main() {
  const std::vector<int, smallblock::allocator<int>> numbers(40, 7);
  return sb_owns(numbers.data()) == 1 && numbers[39] == 7 ? 0 : 1;
}
EOF
"$cmake" -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "find_package(smallblock) failed"; }
"$cmake" --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the C++ programs were not built"; }
for kind in smallblock static; do
  "$work/build/program_$kind" || fail "the numbers of the C++ program with smallblock::$kind are not in a block"
done
"$work/build/whole" || fail "malloc and new of the C++ program with smallblock::preload are others"
! ldd "$work/build/program_static" | grep -q libsmallblock || fail "smallblock::static needs the shared library"

cat >"$work/program.c" <<'EOF'
#include <smallblock/smallblock.h>

int main(int count, char** arguments) {
  (void)arguments;
  void* block = sb_malloc(100);
  const int owned = sb_owns(block);
  sb_free(block);
  if (count > 1) sb_free(block);
  return owned == 1 ? 0 : 1;
}
EOF
flags=$(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --cflags --libs smallblock)
# shellcheck disable=SC2086  # the flags are words
"$compiler" -std=c11 "$work/program.c" $flags -o "$work/c_program"
LD_LIBRARY_PATH=$libraries "$work/c_program" || fail "the C program's block is none"

flags=$(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --static --cflags --libs smallblock)
# shellcheck disable=SC2086  # the flags are words
"$compiler" -static -std=c11 "$work/program.c" $flags -o "$work/static_program" 2>"$work/log" ||
  { cat "$work/log" >&2; fail "the static C program was not built"; }
"$work/static_program" || fail "the static C program's block is none"
# With an argument it frees twice.
reported=$(SMALLBLOCK_CHECK=1 "$work/static_program" twice 2>&1 >/dev/null) &&
  fail "the second free of the static C program is not seen"
[[ $(sed -n '/this call/{n;p}' <<<"$reported") == *"#0"*" main "* ]] ||
  fail "the second free of the static C program is reported so: $reported"

unset LD_PRELOAD SMALLBLOCK_LIBRARY
preloaded=$("$prefix/bin/smallblock" run sh -c 'echo "$LD_PRELOAD"')
[[ $preloaded == "$libraries/libsmallblock_preload.so" ]] || fail "the command preloads '$preloaded'"
