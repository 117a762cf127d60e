// A socket as the library's stream, with a bound on what is read of it; see http_server.hpp.

#include "cli/http_server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <utility>

namespace smallblock::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRequestBytesMax = 64 << 10;
constexpr int kLookForEndMs = 100;
// For a connection to send something, while others wait.
constexpr std::chrono::milliseconds kIdleMax{200};

class RequestStream : public httplib::Stream {
 public:
  RequestStream(int socket, std::chrono::milliseconds read_timeout, std::chrono::milliseconds write_timeout)
      : socket_(socket), read_timeout_(read_timeout), write_timeout_(write_timeout) {}

  void begin_request() { bytes_left_ = kRequestBytesMax; }
  bool has_bytes() const { return begin_ < end_; }
  bool is_ready(short events, std::chrono::milliseconds timeout) const {
    pollfd file{socket_, events, 0};
    return poll(&file, 1, static_cast<int>(timeout.count())) > 0;
  }

  bool is_readable() const override { return has_bytes() || is_ready(POLLIN, read_timeout_); }
  bool is_writable() const override { return is_ready(POLLOUT, write_timeout_); }

  // -1 behind the most that a request may have.
  ssize_t read(char* target, std::size_t bytes) override {
    const std::size_t wanted = std::min(bytes, bytes_left_);
    if (wanted == 0) return -1;
    if (!has_bytes()) {
      if (!is_readable()) return -1;
      const ssize_t received = recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (received <= 0) return received;
      begin_ = 0;
      end_ = static_cast<std::size_t>(received);
    }
    const std::size_t part = std::min(wanted, end_ - begin_);
    std::memcpy(target, buffer_.data() + begin_, part);
    begin_ += part;
    bytes_left_ -= part;
    return static_cast<ssize_t>(part);
  }

  ssize_t write(const char* source, std::size_t bytes) override {
    return is_writable() ? send(socket_, source, bytes, MSG_NOSIGNAL) : -1;
  }

  // Nobody asks for them.
  void get_remote_ip_and_port(std::string& /*ip*/, int& port) const override { port = 0; }
  void get_local_ip_and_port(std::string& /*ip*/, int& port) const override { port = 0; }
  socket_t socket() const override { return socket_; }

 private:
  int socket_;
  std::chrono::milliseconds read_timeout_;
  std::chrono::milliseconds write_timeout_;
  std::size_t bytes_left_ = 0;
  std::size_t begin_ = 0;  // of what was received and not yet read
  std::size_t end_ = 0;
  std::array<char, 4096> buffer_;
};

std::chrono::milliseconds milliseconds(time_t seconds, time_t microseconds) {
  return std::chrono::milliseconds(seconds * 1000 + microseconds / 1000);
}

bool may_have_body(const httplib::Request& request) {
  const bool is_reading = request.method == "GET" || request.method == "HEAD";
  return !is_reading || request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
}

// The library's pool of threads, which counts the connections that have none.
class CountingPool : public httplib::TaskQueue {
 public:
  CountingPool(std::size_t threads, std::atomic<int>& waiting) : pool_(threads), waiting_(waiting) {}
  void enqueue(std::function<void()> task) override {
    ++waiting_;
    pool_.enqueue([this, task = std::move(task)] {
      --waiting_;
      task();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  httplib::ThreadPool pool_;
  std::atomic<int>& waiting_;
};

}  // namespace

HttpServer::HttpServer(std::size_t threads) {
  new_task_queue = [this, threads] { return new CountingPool(threads, waiting_); };
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  RequestStream stream(socket, milliseconds(read_timeout_sec_, read_timeout_usec_),
                       milliseconds(write_timeout_sec_, write_timeout_usec_));
  const auto has_request = [&] {
    const auto begin = Clock::now();
    const auto is_idle_for = [begin](auto most) { return Clock::now() - begin >= most; };
    while (svr_sock_ != INVALID_SOCKET && !is_idle_for(std::chrono::seconds(keep_alive_timeout_sec_))) {
      if (stream.has_bytes() || stream.is_ready(POLLIN, std::chrono::milliseconds(kLookForEndMs))) return true;
      if (waiting_ > 0 && is_idle_for(kIdleMax)) return false;
    }
    return false;
  };
  bool is_good = true;
  bool is_last = false;
  for (std::size_t left = keep_alive_max_count_; is_good && !is_last && left != 0 && has_request(); --left) {
    stream.begin_request();
    bool may_follow = false;  // another request; not behind one that cannot be read
    is_good = process_request(stream, left == 1, is_last, [&may_follow](httplib::Request& request) {
      may_follow = !may_have_body(request);
      if (may_follow) return;
      request.headers.erase("Connection");
      request.set_header("Connection", "close");
    });
    is_last = is_last || !may_follow;
  }
  shutdown(socket, SHUT_RDWR);
  close(socket);
  return is_good;
}

}  // namespace smallblock::cli
