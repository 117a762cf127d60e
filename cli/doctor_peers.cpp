// Which other allocators are installed, as the dynamic loader's cache tells. Only comparisons need them.

#include <array>

#include "cli/doctor.hpp"
#include "cli/subprocess.hpp"

namespace smallblock::cli {

namespace {

struct Peer {
  const char* name;
  std::array<const char*, 2> libraries;  // by preference
};

constexpr std::array kPeers{
    Peer{"jemalloc", {"libjemalloc.so", "libjemalloc.so"}},
    Peer{"mimalloc", {"libmimalloc.so", "libmimalloc-secure.so"}},
    Peer{"tcmalloc", {"libtcmalloc_minimal.so", "libtcmalloc.so"}},
    Peer{"tbbmalloc", {"libtbbmalloc_proxy.so", "libtbbmalloc.so"}},
};

// ldconfig lies outside an ordinary user's PATH.
std::string loader_cache() {
  for (const char* program : {"ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"}) {
    const ProgramResult result = run_program({program, "-p"});
    if (result.succeeded()) return result.output;
  }
  return {};
}

// The path in a line like "\tlibjemalloc.so.2 (libc6,x86-64) => /usr/lib/libjemalloc.so.2"; empty if there is none.
std::string path_in_cache(const std::string& cache, const std::string& library) {
  const auto entry = cache.find("\t" + library);
  if (entry == std::string::npos) return {};
  const auto arrow = cache.find("=> ", entry);
  if (arrow == std::string::npos) return {};
  return cache.substr(arrow + 3, cache.find('\n', arrow) - arrow - 3);
}

}  // namespace

Checks check_peers() {
  const std::string cache = loader_cache();
  Checks checks;
  for (const Peer& peer : kPeers) {
    std::string path;
    for (const char* library : peer.libraries) {
      if (path.empty()) path = path_in_cache(cache, library);
    }
    if (path.empty()) {
      checks.push_back({"peer", peer.name, Verdict::kNote, "not installed", "only comparisons need it"});
    } else {
      checks.push_back({"peer", peer.name, Verdict::kOk, path});
    }
  }
  return checks;
}

}  // namespace smallblock::cli
