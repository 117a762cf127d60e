// System calls that fail on demand with an errno of choice, below the port: what os/linux_memory.cpp makes of them
// is part of the test. Calls that are not told to fail reach the system.
#pragma once

namespace smallblock::test {

struct CallFault {
  int error = 0;        // 0: none fails
  long calls_left = 0;  // still succeed first
  bool once = false;    // one fails, the later ones succeed again

  // Counts a call; true if it is to fail, with errno set.
  bool fails();
};

struct CallFaults {
  CallFault mprotect;
  CallFault madvise;
};

extern CallFaults call_faults;

}  // namespace smallblock::test
