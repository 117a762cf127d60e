// The page that a browser shows, built from web/ into this command, and what may run in it.
#pragma once

#include <string>
#include <string_view>

namespace smallblock::cli {

// One HTML file with everything in it.
std::string_view view_page();

// The Content-Security-Policy under which a page runs: its own inline scripts, told by their hashes, and nothing
// from elsewhere.
std::string policy_for(std::string_view page);

// The page with `data` as the text of its element "smallblock-data"; in two parts, around that text.
struct PageAroundData {
  std::string_view before;
  std::string_view after;
};
PageAroundData around_data(std::string_view page);

}  // namespace smallblock::cli
