// System calls and requests to the next allocator that fail by their number: the k-th one, or that and all later
// ones. Below the port, so that what os/linux_*.cpp makes of an errno is part of the test.
//
// Linked into the tests of this folder, and into a preload library of their own: so the functions have C names.
#pragma once

extern "C" {

// From now on the k-th call fails with `error`, and with `forever` all later ones, too; 0: none.
[[gnu::visibility("default")]] void faults_start(long call, bool forever, int error);
// Ends it. Returns how many calls failed.
[[gnu::visibility("default")]] long faults_stop();
// Blocks of the next allocator that the engine has.
[[gnu::visibility("default")]] long faults_next_blocks();
// Proves the engine's invariants.
[[gnu::visibility("default")]] void faults_audit();

}  // extern "C"
