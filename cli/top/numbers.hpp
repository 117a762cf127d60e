// Numbers in few columns, as `top` shows them.
#pragma once

#include <cstdint>
#include <string>

namespace smallblock::cli {

// "0", "512", "3.4K", "120M": at most 5 columns below 1000 TiB; K is 1024 bytes.
std::string short_bytes(double bytes);

// All digits if `columns` are enough for them, else "12.3k", "4.5M"; k is 1000.
std::string short_count(double count, int columns);

}  // namespace smallblock::cli
