// The HTTP server of `view` and `serve`, of which no client can have more than a little memory.
//
// The library reads lines and headers to their end, however long they are; here a request ends with the connection
// when it becomes longer than any that a browser sends. No body is ever read: a request with one, or of another
// method than GET and HEAD, is the last of its connection, so that its body is not taken for the next request; so
// is what is no request.
#pragma once

#include <httplib.h>

namespace smallblock::cli {

class HttpServer : public httplib::Server {
 private:
  bool process_and_close_socket(socket_t socket) override;
};

}  // namespace smallblock::cli
