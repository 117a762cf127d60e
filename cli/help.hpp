// What --help prints. Written by hand, because short and right beats generated; tests/cli compares it with the
// options.
#pragma once

namespace smallblock::cli {

inline constexpr const char* kHelp = R"(smallblock: a small-object allocator that any program can run on.

Usage:
  smallblock run [OPTIONS] [--] COMMAND [ARGUMENTS...]
  smallblock doctor [--json]
  smallblock --version | --help

Examples:
  smallblock run python3 script.py                    malloc and CPython's objects on smallblock
  smallblock run --stats ls -l                        and at exit, what its memory was
  smallblock run --stats=json --stats-file out.json make -j4
  smallblock doctor                                   what of this machine it can work with

'smallblock run --help' explains the options.
)";

inline constexpr const char* kRunHelp =
    R"(Run a program with smallblock in place of malloc and of CPython's allocator.

Usage: smallblock run [OPTIONS] [--] COMMAND [ARGUMENTS...]

  --stats[=text|json]  report at exit on stderr, as text if nothing else is said
  --stats-file FILE    write the report to FILE instead; child processes write to FILE.PID
  -h, --help           print this

COMMAND replaces this process: process id, exit code, signals and the standard streams are its own.
Exit codes of smallblock itself: 2 wrong options or no library, 126 COMMAND cannot be executed, 127 not found.

Environment:
  SMALLBLOCK_LIBRARY   the preload library to use instead of the one beside this command
  SMALLBLOCK_PYTHON=0  leave CPython's own allocator in place; only malloc is smallblock's
)";

inline constexpr const char* kDoctorHelp =
    R"(Say what of this machine smallblock can work with: kernel settings, the preload library,
every Python along PATH and in pyenv (each is run), and other allocators.

Usage: smallblock doctor [--json]

  --json      the same as one JSON object
  -h, --help  print this

Exit code: 0 if there is no problem, else 1.
)";

}  // namespace smallblock::cli
