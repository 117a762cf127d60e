// What --help prints. Written by hand, because short and right beats generated; tests/cli compares it with the
// options.
#pragma once

namespace smallblock::cli {

inline constexpr const char* kHelp =
    R"(smallblock: a small-object allocator that any program can run on, and whose heap can be seen.

Usage: smallblock COMMAND [OPTIONS] ...              'smallblock COMMAND --help' explains each

  run COMMAND ...           a program on smallblock: its malloc, and CPython's objects
  doctor                    what of this machine it can work with
  trim PID                  a process gives its free memory back

Of a heap: TARGET is a process id, a core dump, or a file that 'snapshot' wrote
  view TARGET | COMMAND ... arenas, pools and blocks in a browser, live
  top PID | COMMAND ...     the same in the terminal, as figures
  stats PID                 the report that 'run --stats' prints at exit
  types TARGET              what its blocks hold, by Python type or C++ class
  pinned TARGET             which few blocks keep whole pages of it
  explain TARGET ADDRESS    what lies there: block, object, pool, neighbours
  snapshot PID|CORE -o FILE the whole picture in a file
  serve PID | --all         figures over HTTP, for Prometheus

Examples:
  smallblock run --stats python3 script.py
  smallblock run --check ./program                   double frees, overruns and more, said at once
  smallblock types 4711

'smallblock --version' prints the version.
)";

inline constexpr const char* kRunHelp =
    R"(Run a program with smallblock in place of malloc and of CPython's allocator.

Usage: smallblock run [OPTIONS] [--] COMMAND [ARGUMENTS...]

  --stats[=text|json]  report at exit on stderr, as text if nothing else is said
  --stats-file FILE    write the report to FILE instead; child processes write to FILE.PID
  --check[=sample:N]   report misuse of memory when it happens, and abort; docs/reliability.md says more.
                       sample:N watches one allocation in N only and costs little
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

inline constexpr const char* kTrimHelp =
    R"(Make a running process with smallblock inside give its free memory back: preloaded, linked, or static and not
stripped. The thread that next frees or allocates does it, or the background thread; no thread is stopped.

Usage: smallblock trim PID [--wait MS]

  --wait MS   how long to wait for it: 5000 if nothing is said; 0: ask and go
  -h, --help  print this

You may trim what you may debug: your own processes, if kernel.yama.ptrace_scope allows it, and as root all.
Exit codes: 0 trimmed (with --wait 0: asked), 1 anything else, 2 wrong options, 3 no such process (any more),
4 no permission, 5 no smallblock in it, 6 a smallblock of another version, 7 asked, but it has not trimmed yet.

Environment of that process:
  SMALLBLOCK_BACKGROUND=1  it gives memory back, and answers, while all its threads sleep
)";

inline constexpr const char* kTypesHelp =
    R"(Count what a running process has in smallblock's blocks, by Python type (3.9 to 3.13) or C++ class (of objects
with a vtable). What cannot be proved to be an object counts as "unknown". The process is neither stopped nor asked.

Usage: smallblock types PID|CORE|SNAPSHOT [--limit N] [--json]

  --limit N   rows of the table: 30 if nothing is said
  --json      all types, as one JSON object
  -h, --help  print this

CORE is a core dump, as gcore writes them; the program's files must still be there. SNAPSHOT is a file of 'smallblock
snapshot'. Bytes are those of whole blocks. You may look into what you may debug, as with 'trim'; exit codes are as
there.
)";

inline constexpr const char* kSnapshotHelp =
    R"(Write the heap of a running process, or of a core dump, to a file: every arena, pool and block, its state and its
type. 'types', 'pinned', 'explain' and 'view' read it. The format is docs/snapshot.proto, compressed with zstd.

Usage: smallblock snapshot PID|CORE -o FILE [--exact] [--no-types]

  -o, --output FILE  where to
  --exact            stop the process meanwhile, so that nothing moves: about a second for four million blocks, and
                     with --no-types some milliseconds
  --no-types         do not read the blocks themselves
  -h, --help         print this

You may look into what you may debug, as with 'trim'; exit codes are the same.
)";

inline constexpr const char* kPinnedHelp =
    R"(Show which few live blocks keep memory: arenas and pools of which less than half is alive on the pages that
their live blocks keep, first those that keep most, and what their first blocks are.

Usage: smallblock pinned PID|CORE|SNAPSHOT [--limit N] [--json]

  --limit N   arenas: 10 if nothing is said
  --json      the same as one JSON object, and as many pools of all arenas
  -h, --help  print this

You may look into what you may debug, as with 'trim'; exit codes are the same.
)";

inline constexpr const char* kExplainHelp =
    R"(Say what lies at an address of a running process: its block, the object in it, its pool, its neighbours.

Usage: smallblock explain PID|CORE|SNAPSHOT ADDRESS [--json]

  --json      the same as one JSON object
  -h, --help  print this

ADDRESS is written as in 0x7f0000001000, and may lie anywhere in a block. Exit code 1: it lies in none.
You may look into what you may debug, as with 'trim'; the other exit codes are the same.
)";

inline constexpr const char* kStatsHelp =
    R"(Print the report at exit of a running process now: what its memory is, size class by size class. The process is
neither stopped nor asked; docs/statistics.md says what every line and key means.

Usage: smallblock stats PID [--json | --openmetrics] [--watch[=SECONDS]]

  --json             as one JSON object, with the keys of the report at exit
  --openmetrics      as metrics, the same that 'smallblock serve' answers with
  --watch[=SECONDS]  again every SECONDS (0.1 to 3600), 2 if no number is said, until the process ends
  -h, --help         print this

You may look into what you may debug, as with 'trim'; exit codes are the same.
)";

inline constexpr const char* kServeHelp =
    R"(Answer with the figures of running processes over HTTP: at /metrics in OpenMetrics or, for a client that does not
ask for it, in the older format of Prometheus, at /stats as JSON. A process is read when somebody asks.

Usage: smallblock serve PID | --all [--listen ADDRESS:PORT]

  --all                  every process of this user that has smallblock in it, as they come and go
  --listen ADDRESS:PORT  serve there: 127.0.0.1:9764 if nothing is said; port 0: any free one. On another address
                         whoever can reach it can read the figures. Clients that ask by a name need that name here
  -h, --help             print this

Runs until Ctrl-C, or until the one process ends. Prints the address. docs/statistics.md lists the metrics.
You may look into what you may debug, as with 'trim'; exit codes are the same.
)";

inline constexpr const char* kTopHelp =
    R"(Show the heap of a running process in the terminal, or of a command that is started for it under smallblock: what
its memory is, now and over time, how much comes and goes, arenas and size classes. The process is neither stopped nor
asked; docs/statistics.md says what the figures mean.

Usage: smallblock top [OPTIONS] PID | [--] COMMAND [ARGUMENTS...]

  --once              print one frame as text and end; takes a process id. Looks twice, an interval apart. It is as
                      wide as COLUMNS says, or as all columns are
  --interval SECONDS  between two looks: 1 if nothing is said; 0.1 to 3600
  --sort COLUMN       sort classes by size, pools, live, cached, free, purged, used, bytes, idle, refills, new or gone:
                      bytes if nothing is said
  --log FILE          COMMAND's output goes there. Else it is printed when the screen is left, the last 64 KiB of it
  -h, --help          print this

Keys: q quit, p pause, left and right the column to sort by, r reverse, up and down scroll, g graph of the heap or of
the whole process, t over a longer time. Ends with the process, too. A COMMAND has no input, and ends with the screen.

Exit codes: that of COMMAND, if one was started; else 0; errors as with 'trim'.
)";

inline constexpr const char* kViewHelp =
    R"(Show a heap in a browser: of a running process, of a command that is started for it under smallblock, of a core
dump, or of a snapshot. Prints the address of the page; runs until Ctrl-C. The process is read twice a second while a
browser shows it, and not at all otherwise; it is neither stopped nor asked.

Usage: smallblock view [OPTIONS] PID | CORE | SNAPSHOT | [--] COMMAND [ARGUMENTS...]

  --output FILE          write the page with what it shows now into one HTML file, and end
  --rate HZ              frames a second: 2 if nothing is said; 0.1 to 20
  --allow-actions        let the page trim the process
  --no-browser           open no browser
  --listen ADDRESS:PORT  serve there: 127.0.0.1 and any free port if nothing is said. On another address whoever has
                         the printed token can read the heap, and nothing is encrypted
  -h, --help             print this

Exit codes: that of COMMAND, if one was started; else 0; errors as with 'trim'.
)";

}  // namespace smallblock::cli
