// Changes words and bytes in their places: an input that grows or shrinks is hardly ever a heap any more.

#include <algorithm>
#include <cstring>
#include <random>

#include "look.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max,
                                               unsigned seed);

namespace smallblock::fuzz {

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

void change_word(std::string& content, std::minstd_rand& random) {
  const bool is_aligned = random() % 2 == 0;
  const auto place = [&]() -> std::size_t {
    return is_aligned ? random() % (content.size() / kWord) * kWord : random() % (content.size() - kWord + 1);
  };
  std::size_t at = place();
  // What is not zero says more.
  for (int tries = 0; tries < 20 && std::all_of(&content[at], &content[at] + kWord, [](char c) { return c == 0; });
       ++tries)
    at = place();
  std::uint64_t word = 0;
  std::memcpy(&word, &content[at], kWord);
  switch (random() % 8) {
    case 0:
      word ^= std::uint64_t{1} << random() % 64;
      break;
    case 1:
      word += random() % 65 - 32;
      break;
    case 2:
      word = random() % 2 == 0 ? 0 : ~std::uint64_t{0};
      break;
    case 3:
      std::memcpy(&word, &content[place()], kWord);
      break;
    case 4:
      word = std::uint64_t{random()} << random() % 48;
      break;
    default:
      content[at + random() % kWord] = static_cast<char>(random());
      return;
  }
  std::memcpy(&content[at], &word, kWord);
}

}  // namespace

}  // namespace smallblock::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max,
                                               unsigned seed) {
  using namespace smallblock::fuzz;
  std::minstd_rand random(seed);
  std::string content = unpacked({reinterpret_cast<const char*>(data), bytes});
  if (content.size() < kWord || random() % 8 == 0) return LLVMFuzzerMutate(data, bytes, bytes_max);
  for (auto changes = 1 + random() % 4; changes != 0; --changes) change_word(content, random);
  const std::string input = packed(content);
  if (input.size() > bytes_max) return LLVMFuzzerMutate(data, bytes, bytes_max);
  std::copy(input.begin(), input.end(), data);
  return input.size();
}
