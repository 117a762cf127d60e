// A bundle of answers, each under its request path, compressed and in base64 as it is written; see static.hpp.

#include "cli/view/static.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cstring>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include "cli/error.hpp"
#include "cli/new_file.hpp"
#include "cli/view/page.hpp"

namespace smallblock::cli {

namespace {

constexpr std::uint32_t kMagic = 0x73426d53;
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int kGzip = 15 + 16;  // zlib's window bits, and its sign for a gzip header

class Base64Writer {
 public:
  explicit Base64Writer(NewFile& file) : file_(file) {}

  void write(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() / 3 * 4 + 8);
    for (const char letter : bytes) {
      group_ = group_ << 8 | static_cast<unsigned char>(letter);
      if (++in_group_ == 3) put_group(text);
    }
    file_.write(text);
  }

  void finish() {
    if (in_group_ == 0) return;
    const unsigned missing = 3 - in_group_;
    group_ <<= 8 * missing;
    std::string text;
    put_group(text);
    text.replace(4 - missing, missing, missing, '=');
    file_.write(text);
  }

 private:
  void put_group(std::string& text) {
    for (const unsigned shift : {18U, 12U, 6U, 0U}) text += kBase64[group_ >> shift & 63];
    group_ = 0;
    in_group_ = 0;
  }

  NewFile& file_;
  unsigned group_ = 0;
  unsigned in_group_ = 0;
};

class GzipWriter {
 public:
  explicit GzipWriter(Base64Writer& target) : target_(target) {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error(kExitProblem, "no memory to compress with");
  }
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;
  ~GzipWriter() { deflateEnd(&stream_); }

  void write(std::string_view bytes) { compress(bytes, Z_NO_FLUSH); }
  void write_number(std::uint32_t number) {
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    write({bytes.data(), bytes.size()});
  }
  void finish() { compress({}, Z_FINISH); }

 private:
  void compress(std::string_view bytes, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(part_.data());
      stream_.avail_out = static_cast<uInt>(part_.size());
      deflate(&stream_, flush);
      target_.write({part_.data(), part_.size() - stream_.avail_out});
    } while (stream_.avail_out == 0);
  }

  Base64Writer& target_;
  z_stream stream_{};
  std::array<char, 65536> part_;
};

// The answer to a request as the page would make it: a path, and parameters after "?".
std::string answer_to(ViewAnswers& answers, const std::string& request) {
  const std::size_t mark = request.find('?');
  std::map<std::string, std::string> values;
  if (mark != std::string::npos) {
    std::istringstream parts(request.substr(mark + 1));
    for (std::string part; std::getline(parts, part, '&');)
      values[part.substr(0, part.find('='))] = part.substr(part.find('=') + 1);
  }
  const Answer answer = answers.find(request.substr(0, mark), [&values](const char* name) { return values[name]; });
  if (answer.status != 200) throw Error(kExitProblem, fmt::format("{} has no answer: {}", request, answer.body));
  return answer.body;
}

}  // namespace

void write_static_file(ViewAnswers& answers, const ViewFrame& frame, const std::string& path) {
  const std::string pinned = "/api/pinned";
  std::vector<std::string> requests{"/api/target", "/api/frame?since=0", "/api/types", pinned, "/api/waste"};
  for (const inspect::PoolImage& pool : frame.image->pools) {
    for (const char* what : {"state", "type"})
      requests.push_back(fmt::format("/api/blocks?units={}&what={}", pool.unit, what));
  }
  const PageAroundData page = around_data(view_page());
  NewFile file(path);
  file.write(page.before);
  Base64Writer base64(file);
  GzipWriter gzip(base64);
  gzip.write_number(kMagic);
  gzip.write_number(static_cast<std::uint32_t>(requests.size()));
  for (const std::string& request : requests) {
    // Values of objects are not for a file that may be passed on.
    const std::string answer = answer_to(answers, request == pinned ? pinned + "?values=0" : request);
    gzip.write_number(static_cast<std::uint32_t>(request.size()));
    gzip.write_number(static_cast<std::uint32_t>(answer.size()));
    gzip.write(request);
    gzip.write(answer);
  }
  gzip.finish();
  base64.finish();
  file.write(page.after);
  file.finish();
}

}  // namespace smallblock::cli
