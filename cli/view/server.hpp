// HTTP for the page, for whoever has the token alone.
//
// A browser runs the scripts of any site, and each may send requests to this machine: so the name it asks for
// (Host) and the site that it comes from (Origin) must be ours, and every answer under /api takes a token that only
// the printed address has. No file is ever served: there is one page, and what answers.cpp answers.
#pragma once

#include <memory>
#include <string>

#include "cli/http_listen.hpp"
#include "cli/view/answers.hpp"

namespace smallblock::cli {

class ViewServer {
 public:
  // Binds; throws Error if it cannot. Answers begin with start().
  ViewServer(ViewAnswers& answers, const ListenAddress& listen);
  ~ViewServer();
  ViewServer(const ViewServer&) = delete;
  ViewServer& operator=(const ViewServer&) = delete;

  std::string url() const;               // with the token
  const ListenAddress& address() const;  // as it was bound
  void start();
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smallblock::cli
