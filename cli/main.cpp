// The smallblock command: reads the options, calls run_command.cpp, doctor.cpp or trim.cpp, turns errors
// into one line.
//
// For `run`, the options end at the first word that is none: from there on everything belongs to the command. CLI11
// therefore only sees what stands before it.

#include <fmt/format.h>
#include <smallblock/smallblock.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "cli/doctor.hpp"
#include "cli/error.hpp"
#include "cli/help.hpp"
#include "cli/run_command.hpp"
#include "cli/snapshot.hpp"
#include "cli/trim.hpp"
#include "cli/types.hpp"

namespace smallblock::cli {

namespace {

// `run`'s words in two parts; the command starts after "--" or at the first word that is no option and no option's
// value.
struct RunWords {
  std::vector<std::string> options;
  std::vector<std::string> command;
};

RunWords split_run_words(const CLI::App& run, const std::vector<std::string>& words) {
  std::size_t index = 0;
  for (; index < words.size(); ++index) {
    const std::string& word = words[index];
    if (word == "--" || word.size() < 2 || word.front() != '-') break;
    const CLI::Option* option = run.get_option_no_throw(word);
    if (option != nullptr && option->get_items_expected_min() > 0) ++index;
  }
  index = std::min(index, words.size());
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(index);
  RunWords split{{words.begin(), end}, {end, words.end()}};
  if (!split.command.empty() && split.command.front() == "--") split.command.erase(split.command.begin());
  return split;
}

// CLI11's own checks of numbers name their range with 300 digits.
CLI::Validator whole_number(int least, std::string what) {
  const auto check = [least, what = std::move(what)](const std::string& word) {
    int number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool is_good = error == std::errc{} && end == word.data() + word.size() && number >= least;
    return is_good ? std::string() : fmt::format("'{}' is not {}", word, what);
  };
  return {check, ""};
}

// "1", or "sample:N".
CLI::Validator one_or_sample() {
  const auto check = [number = whole_number(1, "a number")](std::string& word) {
    constexpr std::string_view kSample = "sample:";
    if (word == "1") return std::string();
    std::string count = word.starts_with(kSample) ? word.substr(kSample.size()) : std::string();
    return number(count).empty() ? std::string() : fmt::format("'{}' is not sample:N, as in sample:5000", word);
  };
  return {check, ""};
}

struct Options {
  CLI::App app;
  CLI::App* run = nullptr;
  CLI::App* doctor = nullptr;
  CLI::App* trim = nullptr;
  CLI::App* types = nullptr;
  CLI::App* snapshot = nullptr;
  RunRequest request;
  bool doctor_json = false;
  TrimRequest trim_request;
  TypesRequest types_request;
  SnapshotRequest snapshot_request;

  Options() {
    app.set_version_flag("--version", std::string("smallblock ") + SB_VERSION_STRING);
    set_help(app, kHelp);
    run = app.add_subcommand("run");
    run->add_flag("--stats{text}", request.stats_format)->check(CLI::IsMember({"text", "json"}));
    run->add_option("--stats-file", request.stats_file)->type_name("FILE");
    run->add_flag("--check{1}", request.check)->check(one_or_sample());
    set_help(*run, kRunHelp);
    doctor = app.add_subcommand("doctor");
    doctor->add_flag("--json", doctor_json);
    set_help(*doctor, kDoctorHelp);
    trim = app.add_subcommand("trim");
    add_pid(*trim, trim_request.pid);
    trim->add_option("--wait", trim_request.wait_ms)
        ->type_name("MS")
        ->check(whole_number(0, "a number of milliseconds"));
    set_help(*trim, kTrimHelp);
    types = app.add_subcommand("types");
    types->add_option("TARGET", types_request.target)->required();
    types->add_option("--limit", types_request.limit)->type_name("N")->check(whole_number(1, "a number of rows"));
    types->add_flag("--json", types_request.json);
    set_help(*types, kTypesHelp);
    snapshot = app.add_subcommand("snapshot");
    snapshot->add_option("TARGET", snapshot_request.target)->required();
    snapshot->add_option("-o,--output", snapshot_request.file)->type_name("FILE")->required();
    snapshot->add_flag("--exact", snapshot_request.exact);
    snapshot->add_flag("!--no-types", snapshot_request.types);
    set_help(*snapshot, kSnapshotHelp);
  }

 private:
  static void add_pid(CLI::App& command, int& pid) {
    command.add_option("PID", pid)->required()->check(whole_number(1, "a process id"));
  }
  static void set_help(CLI::App& app, const char* text) {
    app.formatter_fn([text](const CLI::App*, const std::string&, CLI::AppFormatMode) { return std::string(text); });
  }
};

int dispatch(Options& options, std::vector<std::string> words) {
  RunWords split;
  const bool is_run = !words.empty() && words.front() == "run";
  if (is_run) {
    split = split_run_words(*options.run, {words.begin() + 1, words.end()});
    words = split.options;
    words.insert(words.begin(), "run");
  }
  if (words.empty()) {
    throw Error(kExitUsage,
                "say what to do: 'smallblock run COMMAND', 'smallblock doctor' or 'smallblock trim PID'; see "
                "'smallblock --help'");
  }
  const auto is_named = [&words](const CLI::App* command) { return command->get_name() == words.front(); };
  if (!words.front().starts_with('-') && options.app.get_subcommands(is_named).empty()) {
    throw Error(kExitUsage,
                fmt::format("there is no '{0}'; to run a program: 'smallblock run {0}'", words.front()));
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes the words from the back
  options.app.parse(words);
  if (options.doctor->parsed()) return run_doctor(options.doctor_json);
  if (options.trim->parsed()) return run_trim(options.trim_request);
  if (options.types->parsed()) return run_types(options.types_request);
  if (options.snapshot->parsed()) return run_snapshot(options.snapshot_request);
  if (split.command.empty())
    throw Error(kExitUsage, "run: name a command, as in 'smallblock run python3 script.py'");
  options.request.command = split.command;
  run_command(options.request);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int run_main(int argument_count, char** arguments) {
  Options options;
  try {
    return dispatch(options, {arguments + 1, arguments + argument_count});
  } catch (const CLI::CallForHelp& help) {
    return options.app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return options.app.exit(version);
  } catch (const CLI::ParseError& error) {
    std::string which;
    for (const CLI::App* command : options.app.get_subcommands()) which = " " + command->get_name();
    fmt::print(stderr, "smallblock: {}; see 'smallblock{} --help'\n", one_line(error.what()), which);
    return kExitUsage;
  } catch (const Error& error) {
    fmt::print(stderr, "smallblock: {}\n", one_line(error.what()));
    return error.exit_code();
  } catch (const std::exception& error) {
    fmt::print(stderr, "smallblock: {}\n", one_line(error.what()));
    return kExitProblem;
  }
}

}  // namespace

}  // namespace smallblock::cli

int main(int argument_count, char** arguments) {
  try {
    return smallblock::cli::run_main(argument_count, arguments);
  } catch (...) {
    return smallblock::cli::kExitProblem;  // even the error could not be printed
  }
}
