// Runs every case of seven programs in a process of its own under the preload library; the names come from the
// programs. preload_helper knows what must be ours there; its cases called dies_of_... must end with SIGABRT and a
// line of ours on stderr. The others must do exactly what they do without the library.
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

Result run(const char* program, const std::string& argument, const char* preload) {
  int ends[2];
  if (pipe(ends) != 0) return {-1, "pipe failed"};
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (preload != nullptr) setenv("LD_PRELOAD", preload, 1);
    execl(program, program, argument.c_str(), nullptr);
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

std::vector<std::string> case_names(const char* program) {
  std::istringstream lines(run(program, "--list", nullptr).output);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

class Preload : public testing::TestWithParam<std::string> {};

TEST_P(Preload, Case) {
  const Result result = run(SMALLBLOCK_HELPER, GetParam(), SMALLBLOCK_PRELOAD);
  if (GetParam().starts_with("dies_of_")) {
    EXPECT_TRUE(WIFSIGNALED(result.status) && WTERMSIG(result.status) == SIGABRT) << result.output;
    EXPECT_NE(result.output.find("smallblock: "), std::string::npos) << result.output;
    return;
  }
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

void expect_same_as_plain(const char* program, const std::string& name) {
  const Result plain = run(program, name, nullptr);
  ASSERT_EQ(plain.status, 0) << plain.output;
  ASSERT_NE(plain.output, "");
  const Result preloaded = run(program, name, SMALLBLOCK_PRELOAD);
  EXPECT_EQ(preloaded.status, 0);
  EXPECT_EQ(preloaded.output, plain.output);
}

class CProgram : public testing::TestWithParam<std::string> {};

TEST_P(CProgram, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_C_PROGRAM, GetParam());
}

class Sandbox : public testing::TestWithParam<std::string> {};

TEST_P(Sandbox, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_SANDBOX, GetParam());
}

class OwnMalloc : public testing::TestWithParam<std::string> {};

TEST_P(OwnMalloc, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_OWN_MALLOC, GetParam());
}

class FixedAddress : public testing::TestWithParam<std::string> {};

TEST_P(FixedAddress, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_FIXED_ADDRESS, GetParam());
}

class OwnOperators : public testing::TestWithParam<std::string> {};

TEST_P(OwnOperators, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_OWN_OPERATORS, GetParam());
}

#ifdef SMALLBLOCK_TWO_LIBRARIES
class TwoLibraries : public testing::TestWithParam<std::string> {};

TEST_P(TwoLibraries, SameAsPlain) {
  expect_same_as_plain(SMALLBLOCK_TWO_LIBRARIES, GetParam());
}
#endif

std::string name_of(const testing::TestParamInfo<std::string>& parameter) {
  return parameter.param;
}

INSTANTIATE_TEST_SUITE_P(Helper, Preload, testing::ValuesIn(case_names(SMALLBLOCK_HELPER)), name_of);
INSTANTIATE_TEST_SUITE_P(Preload, CProgram, testing::ValuesIn(case_names(SMALLBLOCK_C_PROGRAM)), name_of);
INSTANTIATE_TEST_SUITE_P(Preload, Sandbox, testing::ValuesIn(case_names(SMALLBLOCK_SANDBOX)), name_of);
#ifdef SMALLBLOCK_TWO_LIBRARIES
INSTANTIATE_TEST_SUITE_P(Preload, TwoLibraries, testing::ValuesIn(case_names(SMALLBLOCK_TWO_LIBRARIES)), name_of);
#endif
INSTANTIATE_TEST_SUITE_P(Preload, OwnMalloc, testing::ValuesIn(case_names(SMALLBLOCK_OWN_MALLOC)), name_of);
INSTANTIATE_TEST_SUITE_P(Preload, FixedAddress, testing::ValuesIn(case_names(SMALLBLOCK_FIXED_ADDRESS)), name_of);
INSTANTIATE_TEST_SUITE_P(Preload, OwnOperators, testing::ValuesIn(case_names(SMALLBLOCK_OWN_OPERATORS)), name_of);

#endif

}  // namespace
