// The contract between smallblock and the operating system: everything the layers above may ask for.
//
// Chosen by file, not by #if: os/linux_*.cpp implements it, tests/os holds a fake that injects failures. No
// function here allocates through malloc unless it says so; none that a malloc or free calls changes errno, what
// concerns files and the process's end may.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "os/thread_number.hpp"

namespace smallblock::os {

// Memory. Addresses and sizes are multiples of page_bytes() unless stated.

// Read at run time; a power of two.
Bytes page_bytes() noexcept;

// Address space that cannot be touched yet, aligned to `alignment` (a power of two >= a page); nullptr if refused.
void* reserve(Bytes bytes, Bytes alignment) noexcept;

// Gives a reservation back, or a part of it that nobody uses.
void unreserve(void* address, Bytes bytes) noexcept;

// Makes reserved memory readable and writable; it reads as zero until written. False if refused: nothing changed.
bool commit(void* address, Bytes bytes) noexcept;

// Takes the access away again; the content may stay in memory.
void forbid(void* address, Bytes bytes) noexcept;

// Gives the pages of committed memory back; the range stays committed and then reads as zero.
// False if the system kept some of them.
bool decommit(void* address, Bytes bytes) noexcept;

// The same for several ranges at once, in order. Returns how many of them were given back; the next one was
// refused.
struct Range {
  void* address;
  Bytes bytes;
};
unsigned decommit_ranges(const Range* ranges, unsigned count) noexcept;

// Advice on huge pages for a whole reservation, before any of it is touched: kWanted, or kUnwanted where the system
// would use them by itself and fill purged pages again.
enum class HugePages : std::uint8_t { kUnwanted, kWanted };
void advise_huge_pages(void* address, Bytes bytes, HugePages advice) noexcept;

// Whether a limit (ulimit -v) bounds the address space of this process.
bool address_space_limited() noexcept;

// What such a limit counts: all that is mapped or reserved in this process; 0 where the system does not tell.
Bytes address_space_bytes() noexcept;

// Time since some fixed point, in milliseconds, cheap and a few milliseconds coarse.
std::uint32_t coarse_now_ms() noexcept;

// The same in nanoseconds, exact.
std::uint64_t now_ns() noexcept;

// Threads.

// The system's number of the calling thread, and whether a thread of this process has that number now.
std::uint32_t thread_id() noexcept;
bool thread_runs(std::uint32_t thread) noexcept;

// Starts a thread that nobody waits for and that takes no signals. False if the system refuses. Allocates.
bool start_thread(void (*run)()) noexcept;
void sleep_ms(std::uint32_t milliseconds) noexcept;
// Whether the process's first thread has ended, and none but the calling one is left.
bool is_last_thread() noexcept;
// What the C library does at the end of a program's last thread.
[[noreturn]] void end_process() noexcept;
// Opens what sleep_or_pressure() waits on, in this process; before the thread that calls it is started.
void watch_pressure() noexcept;
// Like sleep_ms; true, and sooner, when tasks of this control group or machine have to wait for memory. One thread
// only.
bool sleep_or_pressure(std::uint32_t milliseconds) noexcept;

// Returns when every thread of the process has passed a full memory barrier.
void synchronise_threads() noexcept;

// Registers the function that runs at the end of each thread that called arm_thread_exit. Once per process.
bool register_thread_exit(void (*handler)(void*)) noexcept;
// The handler will be called with `value` (not null) when the calling thread ends; nullptr disarms.
bool arm_thread_exit(void* value) noexcept;

// Handlers around fork(): prepare runs last of all registered so far, parent and child first. The C library's list
// of streams is locked around them, as it is locked around the fork itself: whoever holds it may allocate. While
// prepare returns false it is called again, with the number of calls before it; in between the list is let go.
bool register_fork_handlers(bool (*prepare)(unsigned tries), void (*parent)(), void (*child)()) noexcept;

// Processes and files. A descriptor is -1 where there is none.

int process_id() noexcept;
// A handler that a forked child runs, after those above.
bool register_child_handler(void (*child)()) noexcept;
// Writes everything, across signals and short writes. False on error; no signal of the kind that ends a writer
// (SIGPIPE, SIGXFSZ) comes of it.
bool write_all(int descriptor, const void* data, Bytes bytes) noexcept;
// A close-on-exec copy of a descriptor, numbered high so that no program trips over it.
int duplicate_high(int descriptor) noexcept;
// What tells one open file from another: a program may close any descriptor and use its number again.
struct FileIdentity {
  bool is_open = false;
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  bool operator==(const FileIdentity&) const noexcept = default;
};
FileIdentity file_behind(int descriptor) noexcept;
bool closes_on_exec(int descriptor) noexcept;
// Creates or truncates; close-on-exec. Of a pipe that nobody reads nobody waits for a reader: that is an error.
int open_for_writing(const char* path) noexcept;
void close_descriptor(int descriptor) noexcept;
// nullptr if unset. Never in a set-user-id program.
const char* environment(const char* name) noexcept;

// Filters of system calls. A program may shut itself in, and let what it does not know of kill it.

// Whether it began to: then nothing is called any more that the C library's malloc does not call, and no thread is
// to be started.
bool is_shut_in() noexcept;
// prctl, by `next` or, if that is nullptr, by the bare system call; notes when it shuts the process in. Sets errno.
using Prctl = int(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int prctl_noted(Prctl* next, int option, unsigned long a, unsigned long b, unsigned long c,
                unsigned long d) noexcept;

// prlimit, and setrlimit, which is the same with process 0: by `next` or, if that is nullptr, by the bare system
// call. `limited` is called after a limit of this process's address space was set. Sets errno.
using Prlimit = int(int process, int resource, const void* limit, void* before);
int prlimit_noted(Prlimit* next, int process, int resource, const void* limit, void* before,
                  void (*limited)(Bytes address_space)) noexcept;

// Dynamic symbols: the next definition after this library in load order, and the first one anywhere. One that is
// not found leaves no error behind for dlerror(); any look-up makes it forget an earlier one.
void* next_symbol(const char* name) noexcept;
void* global_symbol(const char* name) noexcept;
// Of the C++ library: like next_symbol, and if there is none, the definition that code at `caller` would use
// without this library, which may have been loaded late and for its caller alone.
void* next_symbol_for(const char* name, const void* caller) noexcept;
// Whether the function at its address, as the dynamic linker gave it, is defined there: a program that is linked
// for a fixed address may have a jump there instead, to the function that the process would use without it.
bool is_defined_at(const void* function) noexcept;
// A mode of dlopen without the wish that the library see its own definitions before those of the process.
int without_own_scope(int mode) noexcept;
// The same of dlmopen, which loads into a namespace: only those of the process's own lose it.
int without_own_scope_in(long name_space, int mode) noexcept;

}  // namespace smallblock::os
