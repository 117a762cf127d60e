// The smallblock command: reads the options, calls the file of the command (run_command.cpp, trim.cpp ...), turns
// errors into one line.
//
// For `run`, `view` and `top`, the options end at the first word that is none: from there on everything belongs to
// the command that they start. CLI11 therefore only sees what stands before it.

#include <fmt/format.h>
#include <smallblock/smallblock.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/doctor.hpp"
#include "cli/error.hpp"
#include "cli/heap_commands.hpp"
#include "cli/help.hpp"
#include "cli/notice.hpp"
#include "cli/number.hpp"
#include "cli/preload_check.hpp"
#include "cli/run_command.hpp"
#include "cli/serve.hpp"
#include "cli/snapshot.hpp"
#include "cli/standard_output.hpp"
#include "cli/stats.hpp"
#include "cli/target/viewed_heap.hpp"
#include "cli/top/classes.hpp"
#include "cli/top/top.hpp"
#include "cli/trim.hpp"
#include "cli/types.hpp"
#include "cli/view/view.hpp"

namespace smallblock::cli {

namespace {

// The words of `run`, `view` and `top` in two parts; the command starts after "--" or at the first word that is no
// option and no option's value.
struct RunWords {
  std::vector<std::string> options;
  std::vector<std::string> command;
  bool has_dashes = false;
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
  split.has_dashes = !split.command.empty() && split.command.front() == "--";
  if (split.has_dashes) split.command.erase(split.command.begin());
  return split;
}

// A file that is missing, as no command is called so and what follows is for one: `view HEAP --output PAGE`.
bool is_missing_file(const std::vector<std::string>& words) {
  return !find_program(words.front()) && std::any_of(words.begin() + 1, words.end(), [](const std::string& word) {
    return word == "--output" || word.starts_with("--output=");
  });
}

// As for `run`, but options may also stand behind a process id or a file.
RunWords split_view_words(const CLI::App& view, const std::vector<std::string>& words) {
  RunWords split = split_run_words(view, words);
  if (split.has_dashes || split.command.empty()) return split;
  if (!names_heap(split.command.front()) && !is_missing_file(split.command)) return split;
  split.options.insert(split.options.end(), split.command.begin() + 1, split.command.end());
  split.command.resize(1);
  return split;
}

// CLI11's own checks of numbers name their range with 300 digits.
CLI::Validator whole_number(int least, std::string what) {
  const auto check = [least, what = std::move(what)](const std::string& word) {
    const auto number = as_number<int>(word);
    return number && *number >= least ? std::string() : fmt::format("'{}' is not {}", word, what);
  };
  return {check, ""};
}

CLI::Validator number_between(double least, double most, std::string what) {
  const auto check = [least, most, what = std::move(what)](const std::string& word) {
    char* end = nullptr;
    const double number = std::strtod(word.c_str(), &end);
    const bool is_good = end != word.c_str() && *end == '\0' && number >= least && number <= most;
    return is_good ? std::string() : fmt::format("'{}' is not a number of {}, {} to {}", word, what, least, most);
  };
  return {check, ""};
}

// An empty name is a variable of a script that is not set.
CLI::Validator file_name() {
  return {[](const std::string& word) { return word.empty() ? std::string("the name of the file is empty") : ""; },
          ""};
}

CLI::Validator seconds() {
  return number_between(0.1, 3600, "seconds");
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
  CLI::App* stats = nullptr;
  CLI::App* serve = nullptr;
  CLI::App* view = nullptr;
  CLI::App* top = nullptr;
  CLI::App* pinned = nullptr;
  CLI::App* explain = nullptr;
  RunRequest request;
  bool doctor_json = false;
  TrimRequest trim_request;
  TypesRequest types_request;
  SnapshotRequest snapshot_request;
  StatsRequest stats_request;
  std::string stats_watch;
  ServeRequest serve_request;
  ViewRequest view_request;
  TopRequest top_request;
  PinnedRequest pinned_request;
  ExplainRequest explain_request;

  Options() {
    app.set_version_flag("--version", std::string("smallblock ") + SB_VERSION_STRING);
    set_help(app, kHelp);
    run = app.add_subcommand("run");
    run->add_flag("--stats{text}", request.stats_format)->check(CLI::IsMember({"text", "json"}));
    run->add_option("--stats-file", request.stats_file)->type_name("FILE")->check(file_name());
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
    snapshot->add_option("-o,--output", snapshot_request.file)->type_name("FILE")->required()->check(file_name());
    snapshot->add_flag("--exact", snapshot_request.exact);
    snapshot->add_flag("!--no-types", snapshot_request.types);
    set_help(*snapshot, kSnapshotHelp);
    add_stats();
    add_view();
    add_top();
    add_heap_commands();
  }

 private:
  void add_stats() {
    stats = app.add_subcommand("stats");
    add_pid(*stats, stats_request.pid);
    CLI::Option* json = stats->add_flag("--json", stats_request.json);
    CLI::Option* openmetrics = stats->add_flag("--openmetrics", stats_request.openmetrics)->excludes(json);
    // As text: a flag's number would be a whole one.
    stats->add_flag("--watch{2}", stats_watch)->check(seconds())->excludes(openmetrics);
    set_help(*stats, kStatsHelp);
    serve = app.add_subcommand("serve");
    CLI::Option* all = serve->add_flag("--all", serve_request.all);
    serve->add_option("PID", serve_request.pid)->check(whole_number(1, "a process id"))->excludes(all);
    serve->add_option("--listen", serve_request.listen)->type_name("ADDRESS:PORT");
    set_help(*serve, kServeHelp);
  }
  void add_view() {
    view = app.add_subcommand("view");
    CLI::Option* output = view->add_option("--output", view_request.output)->type_name("FILE")->check(file_name());
    view->add_option("--listen", view_request.listen)->type_name("ADDRESS:PORT")->excludes(output);
    view->add_option("--rate", view_request.rate_hz)
        ->type_name("HZ")
        ->check(number_between(0.1, 20, "frames a second"))
        ->excludes(output);
    view->add_flag("--allow-actions", view_request.allow_actions)->excludes(output);
    view->add_flag("--no-browser", view_request.no_browser)->excludes(output);
    set_help(*view, kViewHelp);
  }
  void add_top() {
    top = app.add_subcommand("top");
    CLI::Option* once = top->add_flag("--once", top_request.once);
    top->add_option("--interval", top_request.interval_seconds)->type_name("SECONDS")->check(seconds());
    top->add_option("--sort", top_request.sort)->type_name("COLUMN")->check(CLI::IsMember(class_columns()));
    top->add_option("--log", top_request.log)->type_name("FILE")->check(file_name())->excludes(once);
    set_help(*top, kTopHelp);
  }
  void add_heap_commands() {
    pinned = app.add_subcommand("pinned");
    pinned->add_option("TARGET", pinned_request.target)->required();
    pinned->add_option("--limit", pinned_request.limit)
        ->type_name("N")
        ->check(whole_number(1, "a number of arenas"));
    pinned->add_flag("--json", pinned_request.json);
    set_help(*pinned, kPinnedHelp);
    explain = app.add_subcommand("explain");
    explain->add_option("TARGET", explain_request.target)->required();
    explain->add_option("ADDRESS", explain_request.address)->required();
    explain->add_flag("--json", explain_request.json);
    set_help(*explain, kExplainHelp);
  }
  static void add_pid(CLI::App& command, int& pid) {
    command.add_option("PID", pid)->required()->check(whole_number(1, "a process id"));
  }
  static void set_help(CLI::App& app, const char* text) {
    app.formatter_fn([text](const CLI::App*, const std::string&, CLI::AppFormatMode) { return std::string(text); });
  }
};

// What does not go to CLI11: the command of `run`, and what `view` and `top` are to show.
RunWords take_command(const Options& options, std::vector<std::string>& words) {
  if (words.empty()) return {};
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  RunWords split;
  if (words.front() == "run") {
    split = split_run_words(*options.run, rest);
  } else if (words.front() == "view") {
    split = split_view_words(*options.view, rest);
  } else if (words.front() == "top") {
    split = split_view_words(*options.top, rest);
  } else {
    return split;
  }
  words.resize(1);
  words.insert(words.end(), split.options.begin(), split.options.end());
  return split;
}

// `run_it` is run_view or run_top; `what` is what may be named.
template <typename Request>
int start_shown(const char* name, const char* what, Request& request, const RunWords& split,
                int (*run_it)(const Request&)) {
  if (split.command.empty())
    throw Error(kExitUsage, fmt::format("{0}: name {1}, as in 'smallblock {0} 4711'", name, what));
  request.target = split.command;
  request.is_command = split.has_dashes;
  return run_it(request);
}

// Where an option is unknown and a word is missing, CLI11 tells of the word, which the unknown one may have cost.
void parse(CLI::App& app, std::vector<std::string>& words) {
  const std::vector<std::string> all(words.rbegin(), words.rend());
  try {
    app.parse(words);
  } catch (const CLI::RequiredError&) {
    const CLI::App* command = app.get_subcommands().empty() ? nullptr : app.get_subcommands().front();
    for (const std::string& word : all) {
      if (word == "--") break;
      const bool is_option = command != nullptr && word.size() > 1 && word.starts_with('-');
      const std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
      if (is_option && command->get_option_no_throw(name) == nullptr)
        throw CLI::ExtrasError(command->get_name(), {word});
    }
    throw;
  }
}

// "help COMMAND" is "COMMAND --help".
void turn_help(std::vector<std::string>& words) {
  if (words.empty() || words.front() != "help") return;
  words.erase(words.begin());
  words.resize(std::min<std::size_t>(words.size(), 1));
  words.emplace_back("--help");
}

int dispatch(Options& options, std::vector<std::string> words) {
  turn_help(words);
  const RunWords split = take_command(options, words);
  if (words.empty()) {
    throw Error(kExitUsage,
                "say what to do: 'smallblock run COMMAND', 'smallblock view PID', 'smallblock trim PID' or "
                "'smallblock doctor'; see 'smallblock --help'");
  }
  const auto is_named = [&words](const CLI::App* command) { return command->get_name() == words.front(); };
  if (!words.front().starts_with('-') && options.app.get_subcommands(is_named).empty()) {
    throw Error(kExitUsage,
                fmt::format("there is no '{0}'; to run a program: 'smallblock run {0}'", words.front()));
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes the words from the back
  parse(options.app, words);
  if (options.doctor->parsed()) return run_doctor(options.doctor_json);
  if (options.trim->parsed()) return run_trim(options.trim_request);
  if (options.types->parsed()) return run_types(options.types_request);
  if (options.snapshot->parsed()) return run_snapshot(options.snapshot_request);
  if (!options.stats_watch.empty()) options.stats_request.watch_seconds = std::stod(options.stats_watch);
  if (options.stats->parsed()) return run_stats(options.stats_request);
  if (options.serve->parsed()) return run_serve(options.serve_request);
  if (options.pinned->parsed()) return run_pinned(options.pinned_request);
  if (options.explain->parsed()) return run_explain(options.explain_request);
  if (options.view->parsed())
    return start_shown("view", "a process id, a command or a snapshot", options.view_request, split, run_view);
  if (options.top->parsed())
    return start_shown("top", "a process id or a command", options.top_request, split, run_top);
  if (split.command.empty())
    throw Error(kExitUsage, "run: name a command, as in 'smallblock run python3 script.py'");
  options.request.command = split.command;
  run_command(options.request);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// --help and --version print to the standard output, too.
int dispatch_all(Options& options, const std::vector<std::string>& words) {
  try {
    return dispatch(options, words);
  } catch (const CLI::CallForHelp& help) {
    return options.app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return options.app.exit(version);
  }
}

int run_main(int argument_count, char** arguments) {
  Options options;
  try {
    const int exit_code = dispatch_all(options, {arguments + 1, arguments + argument_count});
    flush_output();
    return exit_code;
  } catch (const CLI::ParseError& error) {
    std::string which;
    for (const CLI::App* command : options.app.get_subcommands()) which = " " + command->get_name();
    notice("{}; see 'smallblock{} --help'", one_line(error.what()), which);
    return kExitUsage;
  } catch (const Error& error) {
    if (*error.what() != '\0') notice("{}", one_line(error.what()));
    return error.exit_code();
  } catch (const std::exception& error) {
    // {fmt} throws an exception of its own when it cannot write.
    const bool is_output = std::ferror(stdout) != 0;
    notice("{}", is_output ? kNoOutput : one_line(error.what()));
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
