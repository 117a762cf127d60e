// `smallblock serve`: figures of running processes over HTTP, for Prometheus and whoever reads JSON.
#pragma once

#include <sys/types.h>

#include <string>

namespace smallblock::cli {

struct ServeRequest {
  pid_t pid = 0;  // 0: none was named
  bool all = false;
  std::string listen = "127.0.0.1:9764";
};

// Serves until SIGINT, SIGTERM or SIGHUP, or until the one process ends. Returns the exit code; throws Error.
int run_serve(const ServeRequest& request);

}  // namespace smallblock::cli
