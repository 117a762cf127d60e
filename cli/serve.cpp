// Three pages, of what is read when they are asked for; see serve.hpp.
//
// Requests are answered by the library's threads, one look at a time; the main thread waits for the end.

#include "cli/serve.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <array>
#include <mutex>
#include <thread>

#include "cli/descriptor.hpp"
#include "cli/error.hpp"
#include "cli/http_listen.hpp"
#include "cli/http_server.hpp"
#include "cli/notice.hpp"
#include "cli/openmetrics.hpp"
#include "cli/signals.hpp"
#include "cli/target/heap_processes.hpp"

namespace smallblock::cli {

namespace {

using Handled = httplib::Server::HandlerResponse;

constexpr std::size_t kThreads = 16;
constexpr int kStatusUnavailable = 503;
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kIndex =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>smallblock serve</title>"
    "<h1>smallblock serve</h1><ul><li><a href=\"/metrics\">/metrics</a> for Prometheus</li>"
    "<li><a href=\"/stats\">/stats</a> as JSON</li></ul></html>\n";

// One process, or all of them.
class Reports {
 public:
  explicit Reports(pid_t pid) {
    if (pid != 0) one_.emplace(pid);
  }

  // Can be read once the one process has ended; -1 for all.
  int end_descriptor() const noexcept { return one_ ? one_->end().descriptor() : -1; }

  std::vector<HeapReport> look() {
    const std::lock_guard guard(mutex_);
    std::vector<HeapReport> reports;
    if (one_) {
      reports.push_back(one_->look());
    } else {
      reports = all_.look();
      say_what_is_lacking();
    }
    return reports;
  }

  bool is_one() const noexcept { return one_.has_value(); }

 private:
  void say_what_is_lacking() {
    if (has_said_it_ || !all_.has_lacked_descriptors()) return;
    has_said_it_ = true;
    notice(
        "some processes are left out, as each takes a file descriptor and no more are allowed: raise 'ulimit -Hn'");
  }

  std::mutex mutex_;
  std::optional<FollowedReport> one_;
  HeapProcesses all_;
  bool has_said_it_ = false;
};

class StatsServer {
 public:
  StatsServer(Reports& reports, const ListenAddress& listen) : reports_(reports), listen_(listen) {
    server_.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) { return check(request, response); });
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(kIndex, "text/html; charset=utf-8");
    });
    server_.Get("/metrics", [this](const httplib::Request& request, httplib::Response& response) {
      answer(response, [&] {
        const MetricsForm form = form_for(request.get_header_value("Accept"));
        response.set_content(metrics_of(reports_.look(), form), content_type(form));
      });
    });
    server_.Get("/stats", [this](const httplib::Request&, httplib::Response& response) {
      answer(response, [&] { response.set_content(json(), "application/json"); });
    });
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.has_header("Content-Type"))
        response.set_content("there is /, /metrics and /stats, to be read with GET\n", kText);
    });
    bind_server(server_, listen_);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~StatsServer() {
    server_.stop();
    thread_.join();
  }
  StatsServer(const StatsServer&) = delete;
  StatsServer& operator=(const StatsServer&) = delete;

  const ListenAddress& address() const noexcept { return listen_; }

 private:
  Handled check(const httplib::Request& request, httplib::Response& response) const {
    if (const std::string objection = objection_to(request, listen_); !objection.empty()) {
      response.status = 403;
      response.set_content(objection + "\n", kText);
    } else if (request.method != "GET" && request.method != "HEAD") {
      response.status = 405;
      response.set_content("only GET is served\n", kText);
    } else {
      return Handled::Unhandled;
    }
    return Handled::Handled;
  }

  template <typename Make>
  static void answer(httplib::Response& response, Make make) {
    try {
      make();
    } catch (const std::exception& error) {
      response.status = kStatusUnavailable;
      response.set_content(fmt::format("{}\n", error.what()), kText);
    }
  }

  std::string json() {
    const std::vector<HeapReport> reports = reports_.look();
    if (reports_.is_one()) return written(reports.front(), ReportForm::kJson);
    std::string text = "{\"processes\": [\n";
    for (std::size_t index = 0; index < reports.size(); ++index)
      text += (index == 0 ? "" : ",\n") + written(reports[index], ReportForm::kJson);
    return text + "]}\n";
  }

  Reports& reports_;
  ListenAddress listen_;
  HttpServer server_{kThreads};
  std::thread thread_;
};

// Each process of --all takes one.
void allow_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void wait_for_end(const Descriptor& signals, int process_end, pid_t pid) {
  std::array<pollfd, 2> ends{pollfd{signals.number(), POLLIN, 0}, pollfd{process_end, POLLIN, 0}};
  while (poll(ends.data(), ends.size(), -1) < 0) {
  }
  if (ends[1].revents != 0) notice("process {} has ended", pid);
}

}  // namespace

int run_serve(const ServeRequest& request) {
  if ((request.pid == 0) != request.all)
    throw Error(kExitUsage, "serve: name a process id, as in 'smallblock serve 4711', or say --all");
  const sigset_t signals = signal_set({SIGINT, SIGTERM, SIGHUP});
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Descriptor signal_file(signalfd(-1, &signals, SFD_CLOEXEC));
  if (request.all) allow_all_descriptors();
  Reports reports(request.pid);
  const StatsServer server(reports, parse_listen(request.listen));
  if (!server.address().is_loopback()) {
    notice("warning: whoever can reach {} can read these figures; nothing is encrypted", server.address().text());
  }
  fmt::print("http://{}/metrics\n", server.address().text());
  std::fflush(stdout);
  wait_for_end(signal_file, reports.end_descriptor(), request.pid);
  return 0;
}

}  // namespace smallblock::cli
