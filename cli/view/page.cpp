// The assembler includes the file whose path the build gives; see page.hpp.

#include "cli/view/page.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "cli/error.hpp"

asm(".section .rodata\n"
    "smallblock_view_page_begin:\n"
    ".incbin \"" SMALLBLOCK_VIEW_PAGE
    "\"\n"
    "smallblock_view_page_end:\n"
    ".byte 0\n"
    ".previous\n");

// The assembler's names.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
extern const char smallblock_view_page_begin[];
extern const char smallblock_view_page_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace smallblock::cli {

namespace {

std::string hash_source(std::string_view script) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(script.data()), script.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return std::string(" 'sha256-") + reinterpret_cast<const char*>(base64.data()) + "'";
}

}  // namespace

std::string_view view_page() {
  return {smallblock_view_page_begin,
          static_cast<std::size_t>(smallblock_view_page_end - smallblock_view_page_begin)};
}

std::string policy_for(std::string_view page) {
  std::string scripts;
  for (std::size_t at = page.find("<script"); at != std::string_view::npos; at = page.find("<script", at)) {
    const std::size_t begin = page.find('>', at);
    const std::size_t end = page.find("</script", begin);
    if (end == std::string_view::npos) break;
    scripts += hash_source(page.substr(begin + 1, end - begin - 1));
    at = end;
  }
  if (scripts.empty()) scripts = " 'none'";
  return "default-src 'none'; script-src" + scripts +
         "; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; worker-src blob:; base-uri 'none'; "
         "form-action 'none'; frame-ancestors 'none'";
}

PageAroundData around_data(std::string_view page) {
  const std::size_t element = page.find("id=\"smallblock-data\"");
  const std::size_t begin = page.find('>', element);
  const std::size_t end = page.find("</script", begin);
  if (element == std::string_view::npos || begin == std::string_view::npos || end == std::string_view::npos)
    throw Error(kExitProblem, "the page in this command takes no data: build the command with its page (web/)");
  return {page.substr(0, begin + 1), page.substr(end)};
}

}  // namespace smallblock::cli
