// The linker sends the engine's calls here (--wrap, see CMakeLists.txt); the table of the next allocator is
// replaced when the first fault is asked for. Several threads may call.

#include "failing_calls.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "heap/audit.hpp"
#include "heap/next_allocator.hpp"

namespace {

std::atomic<long> calls_left{0};
std::atomic<long> failed{0};
std::atomic<long> next_blocks{0};
std::atomic<bool> armed{false};
bool fails_forever = false;
int error_now = 0;

bool fails() {
  if (!armed) return false;
  const long left = calls_left.fetch_sub(1) - 1;
  if (left > 0 || (left < 0 && !fails_forever)) return false;
  ++failed;
  return true;
}

// The errno of a failed call, or 0.
int error_of_call() {
  return fails() ? error_now : 0;
}

smallblock::NextAllocator real_next;

void* counted(void* block) {
  if (block != nullptr) ++next_blocks;
  return block;
}

// A malloc has no other error.
bool refuses() {
  if (!fails()) return false;
  errno = ENOMEM;
  return true;
}

void replace_next_allocator() {
  if (real_next.malloc != nullptr) return;
  real_next = smallblock::next_allocator;
  smallblock::next_allocator.malloc = [](std::size_t bytes) {
    return refuses() ? nullptr : counted(real_next.malloc(bytes));
  };
  smallblock::next_allocator.calloc = [](std::size_t count, std::size_t bytes) {
    return refuses() ? nullptr : counted(real_next.calloc(count, bytes));
  };
  smallblock::next_allocator.realloc = [](void* block, std::size_t bytes) {
    return refuses() ? nullptr : real_next.realloc(block, bytes);
  };
  smallblock::next_allocator.aligned_alloc = [](std::size_t alignment, std::size_t bytes) {
    return refuses() ? nullptr : counted(real_next.aligned_alloc(alignment, bytes));
  };
  smallblock::next_allocator.free = [](void* block) {
    if (block != nullptr) --next_blocks;
    real_next.free(block);
  };
}

// Keys from before the first faults_start(): a sanitizer's, whose runtime does not stand to be refused.
std::uint64_t keys_of_others = 0;
bool started = false;

std::uint64_t key_bit(pthread_key_t key) {
  return key < 64 ? std::uint64_t{1} << key : 0;
}

int failure(int error) {
  errno = error;
  return -1;
}

}  // namespace

// The names are the linker's, not ours to choose.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

void* __real_mmap(void* address, std::size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void* address, std::size_t bytes);
int __real_mprotect(void* address, std::size_t bytes, int protection);
int __real_madvise(void* address, std::size_t bytes, int advice);
long __real_syscall(long number, ...);
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);
int __real_pthread_key_create(pthread_key_t* key, void (*destructor)(void*));
int __real_pthread_setspecific(pthread_key_t key, const void* value);

void* __wrap_mmap(void* address, std::size_t bytes, int protection, int flags, int file, off_t offset) {
  if (const int error = error_of_call()) return reinterpret_cast<void*>(static_cast<long>(failure(error)));
  return __real_mmap(address, bytes, protection, flags, file, offset);
}

int __wrap_munmap(void* address, std::size_t bytes) {
  const int error = error_of_call();
  return error != 0 ? failure(error) : __real_munmap(address, bytes);
}

int __wrap_mprotect(void* address, std::size_t bytes, int protection) {
  const int error = error_of_call();
  return error != 0 ? failure(error) : __real_mprotect(address, bytes, protection);
}

int __wrap_madvise(void* address, std::size_t bytes, int advice) {
  const int error = error_of_call();
  return error != 0 ? failure(error) : __real_madvise(address, bytes, advice);
}

// Declared with six arguments like the C library's own, which passes on as many, whatever the caller gave.
long __wrap_syscall(long number, long first, long second, long third, long fourth, long fifth, long sixth) {
  if (number == SYS_process_madvise) {
    if (const int error = error_of_call()) return failure(error);
  }
  return __real_syscall(number, first, second, third, fourth, fifth, sixth);
}

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* argument) {
  const int error = error_of_call();
  return error != 0 ? error : __real_pthread_create(thread, attributes, run, argument);
}

int __wrap_pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  if (const int error = error_of_call()) return error;
  const int error = __real_pthread_key_create(key, destructor);
  if (error == 0 && !started) keys_of_others |= key_bit(*key);
  return error;
}

int __wrap_pthread_setspecific(pthread_key_t key, const void* value) {
  if ((keys_of_others & key_bit(key)) != 0) return __real_pthread_setspecific(key, value);
  const int error = error_of_call();
  return error != 0 ? error : __real_pthread_setspecific(key, value);
}

void faults_start(long call, bool forever, int error) {
  started = true;
  replace_next_allocator();
  calls_left = call;
  fails_forever = forever;
  error_now = error;
  failed = 0;
  armed = call > 0;
}

long faults_stop() {
  armed = false;
  return failed;
}

long faults_next_blocks() {
  return next_blocks;
}

void faults_audit() {
  smallblock::audit_heap();
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
