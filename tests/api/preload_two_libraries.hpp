// What preload_two_libraries and its library exchange.
#ifndef SMALLBLOCK_TESTS_API_PRELOAD_TWO_LIBRARIES_HPP
#define SMALLBLOCK_TESTS_API_PRELOAD_TWO_LIBRARIES_HPP

#include <cstddef>
#include <string>

#define LIBRARY_EXPORT __attribute__((visibility("default")))

LIBRARY_EXPORT std::string text_of(std::size_t bytes);
LIBRARY_EXPORT int* numbers_of(std::size_t count);
LIBRARY_EXPORT void drop_text(std::string&& text);
LIBRARY_EXPORT void drop_number(int* number);
LIBRARY_EXPORT void drop_numbers(int* numbers);

#endif
