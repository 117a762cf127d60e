// Everything that the page asks for, by request path: one table for the server and for the static file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/view/target.hpp"

namespace smallblock::cli {

struct Answer {
  int status = 200;
  std::string body;
  const char* content_type = "application/json";
};

// The value of a request's parameter; empty if it is not there.
using Parameters = std::function<std::string(const char* name)>;

class ViewAnswers {
 public:
  ViewAnswers(ViewTarget& target, bool allow_actions) : target_(target), allow_actions_(allow_actions) {}

  // `path` without parameters, as in "/api/frame"; 404 if there is no such thing, 410 if the target has ended.
  Answer get(const std::string& path, const Parameters& parameters);
  // The same, but throws where the heap cannot be read any more.
  Answer find(const std::string& path, const Parameters& parameters);
  Answer post(const std::string& path);

 private:
  struct Types {
    std::uint32_t frame = 0;
    std::uint64_t made_ms = 0;
    std::string text;
  };

  Answer target_answer();
  Answer frame_answer(const Parameters& parameters);
  Answer blocks_answer(const Parameters& parameters);
  Answer block_answer(const Parameters& parameters);
  Answer types_answer();
  Answer pinned_answer(const Parameters& parameters);
  Answer search_answer(const Parameters& parameters);

  ViewTarget& target_;
  const bool allow_actions_;
  std::mutex types_mutex_;
  Types types_;
};

Answer error_answer(int status, const std::string& sentence);

}  // namespace smallblock::cli
