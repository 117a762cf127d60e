// The choices of one schedule, and the next schedule in depth-first order.
//
// Each point of a schedule is a choice, also where only one thread can go on, so that a line replays with any
// bound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smallblock::schedules {

inline constexpr unsigned kThreadsMax = 3;

struct Options {
  std::uint8_t values[kThreadsMax] = {};
  std::uint8_t count = 0;
  void add(unsigned value) { values[count++] = static_cast<std::uint8_t>(value); }
};

class Path {
 public:
  // From a line such as 0*12,1,0*3: twelve zeros, a one, three zeros. False: it is none.
  bool read(const std::string& line);
  std::string line() const;

  void begin() { depth_ = 0; }
  // The first option that was not tried yet in what follows from here; -1 if the choices before led elsewhere the
  // last time: the run does not repeat.
  int choose(const Options& options);
  // False: all schedules were tried.
  bool advance();
  std::size_t depth() const { return depth_; }

 private:
  struct Choice {
    Options options;
    std::uint8_t index = 0;
    bool given = false;  // read from a line
    std::uint8_t value() const { return options.values[index]; }
  };

  std::vector<Choice> choices_;
  std::size_t depth_ = 0;
};

}  // namespace smallblock::schedules
