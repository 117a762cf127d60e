// What to do when a thread touches memory that it may not: for the pages of sampled allocations.
#pragma once

namespace smallblock::os {

// Calls `handler` with the address of every access that faults, on the stack of the thread, inside the signal. When
// it returns, whatever was to happen before happens. Once per process; a program that sets a handler of its own for
// the signal later takes it over.
void handle_faults(void (*handler)(const void* address)) noexcept;

}  // namespace smallblock::os
