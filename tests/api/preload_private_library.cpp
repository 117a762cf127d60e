// A library of preload_two_libraries that has the C++ library in it, for itself: its operators new and delete are
// its own, and call malloc and free.
#include <string>

#include "preload_two_libraries.hpp"

std::string text_of(std::size_t bytes) {
  return std::string(bytes, 'x');
}
int* numbers_of(std::size_t count) {
  return new int[count];
}
void drop_text(std::string&& text) {
  const std::string dropped(std::move(text));
}
// The call of delete is its last, so that the caller's frame is the innermost one.
void drop_number(int* number) {
  delete number;
}
void drop_numbers(int* numbers) {
  delete[] numbers;
}
