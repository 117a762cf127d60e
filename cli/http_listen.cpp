// Parsing and comparing addresses, and binding; see http_listen.hpp.

#include "cli/http_listen.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>

#include <array>

#include "cli/error.hpp"
#include "cli/number.hpp"

namespace smallblock::cli {

namespace {

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (host.starts_with('[') && host.ends_with(']'))
    return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), address.data()) == 1;
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

// Names of hosts are the same in both cases.
std::string lower_case(std::string text) {
  for (char& letter : text)
    if (letter >= 'A' && letter <= 'Z') letter += 'a' - 'A';
  return text;
}

// The names under which a browser may ask for us. Behind all addresses of this machine any of them is good, but no
// name: a site could let its name lead here.
bool is_own(const std::string& authority, const ListenAddress& listen) {
  constexpr int kPortOfHttp = 80;  // which nobody writes
  const std::string end = fmt::format(":{}", listen.port);
  std::string host = lower_case(authority);
  if (authority.ends_with(end)) {
    host.resize(authority.size() - end.size());
  } else if (listen.port != kPortOfHttp) {
    return false;
  }
  if (host == lower_case(bracketed(listen.host))) return true;
  if (listen.is_wildcard()) return host == "localhost" || is_ip_address(host);
  return listen.is_loopback() && (host == "localhost" || host == "127.0.0.1");
}

}  // namespace

bool ListenAddress::is_loopback() const {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

bool ListenAddress::is_wildcard() const {
  return host == "0.0.0.0" || host == "::";
}

std::string ListenAddress::text() const {
  return fmt::format("{}:{}", bracketed(host), port);
}

ListenAddress parse_listen(const std::string& text) {
  ListenAddress listen;
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
  if (colon != std::string::npos) listen.host = text.substr(0, colon);
  if (listen.host.starts_with('[') && listen.host.ends_with(']'))
    listen.host = listen.host.substr(1, listen.host.size() - 2);
  listen.port = as_number<int>(port).value_or(-1);
  if (listen.host.empty() || listen.port < 0 || listen.port > 65535)
    throw Error(kExitUsage, fmt::format("--listen takes ADDRESS:PORT, as in 127.0.0.1:8080, not '{}'", text));
  return listen;
}

void bind_server(httplib::Server& server, ListenAddress& listen) {
  // Two commands must not share a port, which SO_REUSEPORT would let them.
  server.set_socket_options([](int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  const int wanted = listen.port;
  if (wanted == 0) {
    listen.port = server.bind_to_any_port(listen.host);
  } else if (!server.bind_to_port(listen.host, wanted)) {
    listen.port = -1;
  }
  if (listen.port <= 0) {
    throw Error(kExitUsage, fmt::format("cannot listen on {}:{}: the port is taken, or this is no address of this "
                                        "machine",
                                        bracketed(listen.host), wanted));
  }
}

std::string only_value(const httplib::Request& request, const char* name) {
  return request.get_header_value_count(name) == 1 ? request.get_header_value(name) : std::string();
}

std::string objection_to(const httplib::Request& request, const ListenAddress& listen) {
  if (!is_own(only_value(request, "Host"), listen)) {
    if (listen.is_wildcard())
      return fmt::format(
          "this server answers under this machine's addresses and port {}, and under no name; for one: "
          "--listen NAME:{}",
          listen.port, listen.port);
    return fmt::format(
        "this server is {} and answers under that name only: forward the same port, or for another "
        "name: --listen NAME:{}",
        listen.text(), listen.port);
  }
  if (request.has_header("Origin")) {
    const std::string origin = only_value(request, "Origin");
    constexpr std::string_view kScheme = "http://";
    if (!origin.starts_with(kScheme) || !is_own(origin.substr(kScheme.size()), listen))
      return "requests of other sites are refused";
  }
  return {};
}

}  // namespace smallblock::cli
