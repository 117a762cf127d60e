// See path.hpp.

#include "path.hpp"

#include <algorithm>
#include <cstdlib>

namespace smallblock::schedules {

bool Path::read(const std::string& line) {
  choices_.clear();
  const char* next = line.c_str();
  while (*next != '\0') {
    char* end = nullptr;
    const unsigned long value = std::strtoul(next, &end, 10);
    if (end == next || value >= kThreadsMax) return false;
    unsigned long times = 1;
    if (*end == '*') {
      next = end + 1;
      times = std::strtoul(next, &end, 10);
      if (end == next || times > 1000000) return false;
    }
    Choice choice{.options = {}, .index = 0, .given = true};
    choice.options.add(static_cast<unsigned>(value));
    choices_.insert(choices_.end(), times, choice);
    if (*end != ',' && *end != '\0') return false;
    next = *end == ',' ? end + 1 : end;
  }
  return true;
}

std::string Path::line() const {
  std::string text;
  for (std::size_t i = 0; i < depth_;) {
    std::size_t end = i;
    while (end < depth_ && choices_[end].value() == choices_[i].value()) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(choices_[i].value());
    if (end - i > 1) text += "*" + std::to_string(end - i);
    i = end;
  }
  return text;
}

int Path::choose(const Options& options) {
  if (depth_ == choices_.size()) choices_.push_back({.options = options});
  const Choice& choice = choices_[depth_];
  const auto* end = options.values + options.count;
  const bool possible = choice.given ? std::find(options.values, end, choice.value()) != end
                                     : std::equal(options.values, end, choice.options.values,
                                                  choice.options.values + choice.options.count);
  if (!possible) return -1;
  ++depth_;
  return choice.value();
}

bool Path::advance() {
  choices_.resize(depth_);
  while (!choices_.empty() && choices_.back().index + 1 >= choices_.back().options.count) choices_.pop_back();
  if (choices_.empty()) return false;
  ++choices_.back().index;
  return true;
}

}  // namespace smallblock::schedules
