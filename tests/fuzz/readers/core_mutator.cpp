// Changes words of a core dump in their places: an input that grows or shrinks is hardly ever a heap any more.

#include <algorithm>
#include <cstring>
#include <random>

#include "zero_runs.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max,
                                               unsigned seed);

namespace smallblock::fuzz {

namespace {

void change_word(std::string& core, std::minstd_rand& random) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const auto place = [&] { return random() % (core.size() / kWord) * kWord; };
  std::size_t at = place();
  // What is not zero says more.
  for (int tries = 0; tries < 20 && std::all_of(&core[at], &core[at] + kWord, [](char c) { return c == 0; });
       ++tries)
    at = place();
  std::uint64_t word = 0;
  std::memcpy(&word, &core[at], kWord);
  switch (random() % 6) {
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
      std::memcpy(&word, &core[place()], kWord);
      break;
    case 4:
      word = std::uint64_t{random()} << random() % 48;
      break;
    default:
      core[at + random() % kWord] = static_cast<char>(random());
      return;
  }
  std::memcpy(&core[at], &word, kWord);
}

}  // namespace

}  // namespace smallblock::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t bytes, std::size_t bytes_max,
                                               unsigned seed) {
  using namespace smallblock::fuzz;
  std::minstd_rand random(seed);
  std::string core = with_zero_runs({reinterpret_cast<const char*>(data), bytes});
  if (core.size() < sizeof(std::uint64_t) || random() % 8 == 0) return LLVMFuzzerMutate(data, bytes, bytes_max);
  for (auto changes = 1 + random() % 4; changes != 0; --changes) change_word(core, random);
  const std::string packed = without_zero_runs(core);
  if (packed.size() > bytes_max) return LLVMFuzzerMutate(data, bytes, bytes_max);
  std::copy(packed.begin(), packed.end(), data);
  return packed.size();
}
