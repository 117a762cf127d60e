// Runs every case of preload_helper in a process of its own under the preload library. The names come from the
// helper itself; a case called dies_of_... must end with SIGABRT and a line of ours on stderr.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace {

#ifndef SMALLBLOCK_PRELOAD

TEST(Preload, AllCases) {
  GTEST_SKIP() << "a program cannot run under the preload library and a sanitizer at once";
}

#else

struct Result {
  int status = 0;
  std::string output;
};

Result run_helper(const std::string& argument, const char* preload) {
  int ends[2];
  if (pipe(ends) != 0) return {-1, "pipe failed"};
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (preload != nullptr) setenv("LD_PRELOAD", preload, 1);
    execl(SMALLBLOCK_HELPER, SMALLBLOCK_HELPER, argument.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  Result result;
  char buffer[4096];
  ssize_t bytes;
  while ((bytes = read(ends[0], buffer, sizeof buffer)) > 0)
    result.output.append(buffer, static_cast<size_t>(bytes));
  close(ends[0]);
  waitpid(child, &result.status, 0);
  return result;
}

std::vector<std::string> case_names() {
  std::istringstream lines(run_helper("--list", nullptr).output);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

class Preload : public testing::TestWithParam<std::string> {};

TEST_P(Preload, Case) {
  const Result result = run_helper(GetParam(), SMALLBLOCK_PRELOAD);
  if (GetParam().starts_with("dies_of_")) {
    EXPECT_TRUE(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGABRT) << result.output;
    EXPECT_NE(result.output.find("smallblock: "), std::string::npos) << result.output;
    return;
  }
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

INSTANTIATE_TEST_SUITE_P(Helper, Preload, testing::ValuesIn(case_names()),
                         [](const auto& parameter) { return parameter.param; });

#endif

}  // namespace
