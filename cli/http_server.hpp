// The HTTP server of `view` and `serve`, of which no client can have more than a little memory.
//
// The library reads lines and headers to their end, however long they are; here a request ends with the connection
// when it becomes longer than any that a browser sends. No body is ever read: a request with one, or of another
// method than GET and HEAD, is the last of its connection, so that its body is not taken for the next request; so
// is what is no request.
//
// A connection has a thread as long as it is open, also between its requests; while others wait for a thread, one
// that asks nothing for a moment is closed.
#pragma once

#include <atomic>
#include <cstddef>

#include <httplib.h>

namespace smallblock::cli {

class HttpServer : public httplib::Server {
 public:
  // With so many connections open at once.
  explicit HttpServer(std::size_t threads);

 private:
  bool process_and_close_socket(socket_t socket) override;

  std::atomic<int> waiting_{0};  // connections that have no thread yet
};

}  // namespace smallblock::cli
