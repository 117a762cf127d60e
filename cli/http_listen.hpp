// Where a server listens, and which requests are meant for it.
//
// Shared by `view` and `serve`. A browser runs the scripts of any site, and each may send requests to this machine:
// so the name that a request asks for (Host), and the site that it comes from (Origin), must be ours.
#pragma once

#include <string>

namespace httplib {
class Server;
struct Request;
}  // namespace httplib

namespace smallblock::cli {

struct ListenAddress {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any free one
  bool is_loopback() const;
  bool is_wildcard() const;
  std::string text() const;  // ADDRESS:PORT, as in an address of a browser
};

// "ADDRESS:PORT", "[ADDRESS]:PORT" or "PORT". Throws Error.
ListenAddress parse_listen(const std::string& text);

// Binds alone: no other process shares the port. `listen` gets the port that was free. Throws Error.
void bind_server(httplib::Server& server, ListenAddress& listen);

// Why a request is refused; empty if it is not.
std::string objection_to(const httplib::Request& request, const ListenAddress& listen);

// The value of a header that is there once; else empty.
std::string only_value(const httplib::Request& request, const char* name);

}  // namespace smallblock::cli
