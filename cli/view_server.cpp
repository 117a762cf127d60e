// cpp-httplib, with every check before it routes; see view_server.hpp.

#include "cli/view_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <sys/random.h>

#include <array>
#include <charconv>
#include <set>
#include <span>
#include <thread>

#include "cli/error.hpp"
#include "cli/heap_answers.hpp"
#include "cli/view_page.hpp"

namespace smallblock::cli {

namespace {

using Handled = httplib::Server::HandlerResponse;

constexpr std::size_t kTokenBytes = 16;
constexpr std::size_t kThreads = 16;
constexpr std::size_t kRequestsPerConnection = 10000;
constexpr std::size_t kBodyBytesMax = 4096;
constexpr const char* kHtml = "text/html; charset=utf-8";

// A tab that has the token in its memory comes back with it after a reload.
constexpr std::string_view kNoTokenPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>smallblock view: token missing</title>"
    "<h1>Token missing</h1><p>Open the whole address that <code>smallblock view</code> printed, with "
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

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (host.starts_with('[') && host.ends_with(']'))
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), address.data()) == 1;
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
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

bool ListenAddress::is_loopback() const {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

bool ListenAddress::is_wildcard() const {
  return host == "0.0.0.0" || host == "::";
}

ListenAddress parse_listen(const std::string& text) {
  ListenAddress listen;
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos) listen.host = text.substr(0, colon);
  if (listen.host.starts_with('[') && listen.host.ends_with(']'))
    listen.host = listen.host.substr(1, listen.host.size() - 2);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (listen.host.empty() || port.empty() || error != std::errc{} || end != port.data() + port.size() ||
      listen.port < 0 || listen.port > 65535)
    throw Error(kExitUsage, fmt::format("--listen takes ADDRESS:PORT, as in 127.0.0.1:8080, not '{}'", text));
  return listen;
}

struct ViewServer::State {
  ViewAnswers& answers;
  ListenAddress listen;
  const std::string token = make_token();
  const std::string page_policy = policy_for(view_page());
  const std::string no_token_policy = policy_for(kNoTokenPage);
  httplib::Server server;
  std::thread thread;

  State(ViewAnswers& all, const ListenAddress& address) : answers(all), listen(address) {}

  // The names under which a browser may ask for us. Behind all addresses of this machine any of them is good, but
  // no name: a site could let its name lead here.
  bool is_own(const std::string& authority) const {
    const std::string end = fmt::format(":{}", listen.port);
    if (!authority.ends_with(end)) return false;
    const std::string host = authority.substr(0, authority.size() - end.size());
    if (host == bracketed(listen.host)) return true;
    if (listen.is_wildcard()) return host == "localhost" || is_ip_address(host);
    return listen.is_loopback() && (host == "localhost" || host == "127.0.0.1");
  }

  static std::string only_value(const httplib::Request& request, const char* name) {
    return request.get_header_value_count(name) == 1 ? request.get_header_value(name) : std::string();
  }

  // Why a request is refused; empty if it is not.
  std::string objection(const httplib::Request& request) const {
    if (!is_own(only_value(request, "Host"))) {
      return fmt::format("this server is {}:{} and answers under that name only; forward the same port",
                         bracketed(listen.host), listen.port);
    }
    if (request.has_header("Origin")) {
      const std::string origin = only_value(request, "Origin");
      constexpr std::string_view kScheme = "http://";
      if (!origin.starts_with(kScheme) || !is_own(origin.substr(kScheme.size())))
        return "requests of other sites are refused";
    }
    return {};
  }

  Handled handle(const httplib::Request& request, httplib::Response& response) {
    const bool is_get = request.method == "GET" || request.method == "HEAD";
    if (const std::string why = objection(request); !why.empty()) {
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
      return Handled::Unhandled;  // its body is read first
    } else {
      send(response, answers.get(request.path, [&request](const char* name) {
        return request.has_param(name) ? request.get_param_value(name) : std::string();
      }));
    }
    return Handled::Handled;
  }

  void send_page(const httplib::Request& request, httplib::Response& response) const {
    const bool is_good =
        request.get_param_value_count("token") == 1 && is_same(request.get_param_value("token"), token);
    response.set_header("Content-Security-Policy", is_good ? page_policy : no_token_policy);
    send(response, is_good ? 200 : 403, std::string(is_good ? view_page() : kNoTokenPage), kHtml);
  }

  void prepare() {
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server.set_keep_alive_max_count(kRequestsPerConnection);
    server.set_payload_max_length(kBodyBytesMax);
    server.set_tcp_nodelay(true);
    // Two commands must not share a port, which SO_REUSEPORT would let them.
    server.set_socket_options([](int socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                                {"X-Frame-Options", "DENY"},
                                {"Referrer-Policy", "no-referrer"},
                                {"Cross-Origin-Resource-Policy", "same-origin"},
                                {"Cross-Origin-Opener-Policy", "same-origin"},
                                {"Cache-Control", "no-store"}});
    server.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) { return handle(request, response); });
    server.Post("/api/.*", [this](const httplib::Request& request, httplib::Response& response) {
      send(response, answers.post(request.path));
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
  ListenAddress& bound = state_->listen;
  if (bound.port == 0) {
    bound.port = state_->server.bind_to_any_port(bound.host);
  } else if (!state_->server.bind_to_port(bound.host, bound.port)) {
    bound.port = -1;
  }
  if (bound.port <= 0) {
    throw Error(kExitUsage, fmt::format("cannot listen on {}:{}: the port is taken, or this is no address of this "
                                        "machine",
                                        bracketed(listen.host), listen.port));
  }
}

ViewServer::~ViewServer() {
  stop();
}

std::string ViewServer::url() const {
  const ListenAddress& listen = state_->listen;
  const std::string host = listen.is_wildcard() ? "127.0.0.1" : bracketed(listen.host);
  return fmt::format("http://{}:{}/?token={}", host, listen.port, state_->token);
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
