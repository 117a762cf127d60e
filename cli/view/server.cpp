// cpp-httplib, with every check before it routes; see server.hpp.

#include "cli/view/server.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <set>
#include <span>
#include <thread>

#include "cli/error.hpp"
#include "cli/heap_answers.hpp"
#include "cli/http_server.hpp"
#include "cli/view/page.hpp"

namespace smallblock::cli {

namespace {

constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kThreads = 16;
constexpr std::size_t kRequestsPerConnection = 10000;
constexpr const char* kHtml = "text/html; charset=utf-8";

// A tab that has the token in its memory comes back with it after a reload.
constexpr std::string_view kNoTokenPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>smallblock view: token missing</title>"
    "<style>:root { color-scheme: light dark } body { font: 15px/1.5 system-ui, sans-serif; max-width: 34rem; "
    "margin: 18vh auto 0; padding: 0 24px }</style><h1>Token missing</h1><p>Open the whole address that "
    "<code>smallblock view</code> printed, with "
    "<code>?token=</code> and what follows it.</p><script>"
    "const token = sessionStorage.getItem('smallblock-token');"
    "if (token && location.search === '') location.replace('/?token=' + encodeURIComponent(token));"
    "</script></html>";

std::string make_token() {
  std::array<unsigned char, kTokenBytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw Error(kExitProblem, "the system gives no random numbers for a token");
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

// Takes as long for a token that is nearly right as for any other.
bool is_same(const std::string& one, const std::string& other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]));
  return difference == 0;
}

// A provider, because the library would compress a body that it has whole, slowly.
void send(httplib::Response& response, int status, std::string body, const char* content_type) {
  response.status = status;
  const auto kept = std::make_shared<const std::string>(std::move(body));
  response.set_content_provider(kept->size(), content_type,
                                [kept](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
                                  return sink.write(kept->data() + offset, length);
                                });
}

void send(httplib::Response& response, Answer answer) {
  send(response, answer.status, std::move(answer.body), answer.content_type);
}

}  // namespace

struct ViewServer::State {
  ViewAnswers& answers;
  ListenAddress listen;
  const std::string token = make_token();
  const std::string page_policy = policy_for(view_page());
  const std::string no_token_policy = policy_for(kNoTokenPage);
  HttpServer server{kThreads};
  std::thread thread;

  State(ViewAnswers& all, const ListenAddress& address) : answers(all), listen(address) {}

  void answer(const httplib::Request& request, httplib::Response& response) {
    const bool is_get = request.method == "GET" || request.method == "HEAD";
    if (const std::string why = objection_to(request, listen); !why.empty()) {
      send(response, error_answer(403, why));
    } else if (!is_get && request.method != "POST") {
      send(response, error_answer(405, "only GET and POST are served"));
    } else if (is_get && request.path == "/") {
      send_page(request, response);
    } else if (!request.path.starts_with("/api/")) {
      send(response, error_answer(404, "there is nothing at this path"));
    } else if (!is_same(only_value(request, "X-Smallblock-Token"), token)) {
      send(response, error_answer(403, "the header X-Smallblock-Token is missing or wrong"));
    } else if (!is_get) {
      send(response, answers.post(request.path));
    } else {
      send(response, answers.get(request.path, [&request](const char* name) {
        return request.has_param(name) ? request.get_param_value(name) : std::string();
      }));
    }
  }

  void send_page(const httplib::Request& request, httplib::Response& response) const {
    const bool is_good =
        request.get_param_value_count("token") == 1 && is_same(request.get_param_value("token"), token);
    response.set_header("Content-Security-Policy", is_good ? page_policy : no_token_policy);
    send(response, is_good ? 200 : 403, std::string(is_good ? view_page() : kNoTokenPage), kHtml);
  }

  void prepare() {
    server.set_keep_alive_max_count(kRequestsPerConnection);
    server.set_tcp_nodelay(true);
    server.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                                {"X-Frame-Options", "DENY"},
                                {"Referrer-Policy", "no-referrer"},
                                {"Cross-Origin-Resource-Policy", "same-origin"},
                                {"Cross-Origin-Opener-Policy", "same-origin"},
                                {"Cache-Control", "no-store"}});
    server.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
      return httplib::Server::HandlerResponse::Handled;
    });
    server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.has_header("Content-Type"))
        response.set_content(error_answer(response.status, "this request cannot be read").body, "application/json");
    });
  }
};

ViewServer::ViewServer(ViewAnswers& answers, const ListenAddress& listen)
    : state_(std::make_unique<State>(answers, listen)) {
  state_->prepare();
  bind_server(state_->server, state_->listen);
}

ViewServer::~ViewServer() {
  stop();
}

std::string ViewServer::url() const {
  const ListenAddress& listen = state_->listen;
  const std::string authority =
      listen.is_wildcard() ? ListenAddress{"127.0.0.1", listen.port}.text() : listen.text();
  return fmt::format("http://{}/?token={}", authority, state_->token);
}

const ListenAddress& ViewServer::address() const {
  return state_->listen;
}

void ViewServer::start() {
  state_->thread = std::thread([this] { state_->server.listen_after_bind(); });
  while (!state_->server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void ViewServer::stop() {
  if (!state_->thread.joinable()) return;
  state_->server.stop();
  state_->thread.join();
}

}  // namespace smallblock::cli
