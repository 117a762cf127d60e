// A file descriptor that is closed with its scope; a negative number is none.
#pragma once

#include <unistd.h>

namespace smallblock::cli {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

}  // namespace smallblock::cli
