// A nameless file that a test writes to by descriptor and reads back.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace smallblock::tests {

class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) { EXPECT_NE(file_, nullptr); }
  ~TemporaryFile() { std::fclose(file_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return fileno(file_); }

  std::string content() const {
    std::string text;
    char part[4096];
    ssize_t bytes = 0;
    while ((bytes = pread(descriptor(), part, sizeof part, static_cast<off_t>(text.size()))) > 0) {
      text.append(part, static_cast<std::size_t>(bytes));
    }
    return text;
  }

 private:
  std::FILE* file_;
};

}  // namespace smallblock::tests
