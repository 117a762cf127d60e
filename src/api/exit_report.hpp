// The report that a process under the preload writes when it ends, if SMALLBLOCK_STATS asks for one.
//
// The preload's constructor and destructor call these two, once each. Both read nothing but what
// prepare_exit_report remembered in static memory, because the host may have changed its environment and closed its
// files since.
#pragma once

namespace smallblock {

// Reads SMALLBLOCK_STATS, SMALLBLOCK_STATS_FILE and SMALLBLOCK_STATS_PID, and keeps a copy of stderr if the report
// goes there. Says so on stderr if SMALLBLOCK_STATS is a word it does not know.
void prepare_exit_report() noexcept;

// Writes the report: in the first process to the file or stderr; in any other to FILE.PID, or not at all if no file
// was named. A process writes at most one.
void write_exit_report() noexcept;

}  // namespace smallblock
