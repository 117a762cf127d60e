// Runs every case of eight programs in a process of its own under the preload library; the names come from the
// programs. preload_helper knows what must be ours there; its cases called dies_of_... must end with SIGABRT and a
// line of ours on stderr. The others must do exactly what they do without the library.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>
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

struct Case {
  const char* program;
  std::string name;
};
void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

std::vector<Case> cases_of(const char* program) {
  std::vector<Case> cases;
  for (const std::string& name : case_names(program)) cases.push_back({program, name});
  return cases;
}

class SameAsPlain : public testing::TestWithParam<Case> {};

TEST_P(SameAsPlain, Case) {
  const auto& [program, name] = GetParam();
  const Result plain = run(program, name, nullptr);
  ASSERT_EQ(plain.status, 0) << plain.output;
  ASSERT_NE(plain.output, "");
  const Result preloaded = run(program, name, SMALLBLOCK_PRELOAD);
  EXPECT_EQ(preloaded.status, 0);
  EXPECT_EQ(preloaded.output, plain.output);
}

std::string name_of(const testing::TestParamInfo<std::string>& parameter) {
  return parameter.param;
}
std::string name_of_case(const testing::TestParamInfo<Case>& parameter) {
  return parameter.param.name;
}

INSTANTIATE_TEST_SUITE_P(Helper, Preload, testing::ValuesIn(case_names(SMALLBLOCK_HELPER)), name_of);
INSTANTIATE_TEST_SUITE_P(CProgram, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_C_PROGRAM)), name_of_case);
INSTANTIATE_TEST_SUITE_P(Sandbox, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_SANDBOX)), name_of_case);
INSTANTIATE_TEST_SUITE_P(Limits, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_LIMITS)), name_of_case);
INSTANTIATE_TEST_SUITE_P(OwnMalloc, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_OWN_MALLOC)), name_of_case);
INSTANTIATE_TEST_SUITE_P(FixedAddress, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_FIXED_ADDRESS)),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(EarlyBlocks, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_EARLY_BLOCKS)),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(OwnOperators, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_OWN_OPERATORS)),
                         name_of_case);
#ifdef SMALLBLOCK_TWO_LIBRARIES
INSTANTIATE_TEST_SUITE_P(TwoLibraries, SameAsPlain, testing::ValuesIn(cases_of(SMALLBLOCK_TWO_LIBRARIES)),
                         name_of_case);
#endif

#endif

}  // namespace
