// Names of C++ classes from memory that may be made to hurt: what a process says of its classes is shown, and never
// costs more than its own length.

#include "inspect/image/cxx_names.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "inspect/own_memory.hpp"

namespace smallblock::inspect {
namespace {

// A vtable with what stands before it and behind it, as the compiler lays it out.
struct FakeClass {
  std::uint64_t offset_to_top = 0;
  std::uint64_t info_address = 0;
  std::uint64_t first_function = 0;
  std::uint64_t info_vtable = 0;
  std::uint64_t name_address = 0;
  char name[2048] = {};
};
FakeClass fake;

std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

std::string class_with_name(const std::string& name) {
  OwnMemory source;
  source.files = {{address_of(&fake), address_of(&fake + 1), "program"}};
  fake.info_address = address_of(&fake.info_vtable);
  fake.info_vtable = source.find_symbol("_ZTVN10__cxxabiv117__class_type_infoE").at(0) + 2 * sizeof(std::uint64_t);
  fake.name_address = address_of(fake.name);
  std::memset(fake.name, 0, sizeof fake.name);
  name.copy(fake.name, sizeof fake.name);
  return CxxNames(source).class_of(address_of(&fake.first_function));
}

TEST(CxxNames, AreReadable) {
  EXPECT_EQ(class_with_name("N3zoo3CatE"), "zoo::Cat");
  EXPECT_EQ(class_with_name("*N3zoo3DogE"), "zoo::Dog");
  EXPECT_EQ(class_with_name("N3foo10DispatcherISaISt4pairIKSsiEEEE"),
            "foo::Dispatcher<std::allocator<std::pair<std::string const, int> > >");
  EXPECT_EQ(class_with_name("this is no name"), "");
  EXPECT_EQ(class_with_name(""), "");
}

TEST(CxxNames, CannotSteerATerminal) {
  EXPECT_EQ(class_with_name("4a\x1b[2"), "a.[2");
}

// z<a<int,int>, a<S1_,S1_>, a<S2_,S2_> ...>: each doubles the one before it.
TEST(CxxNames, OfAFewLettersDoNotFillTheMemory) {
  std::string name = "1zI1aIiiE";
  const std::string digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (std::size_t i = 1; i < 34; ++i) {
    const std::string before = std::string("S") + digits[i] + "_";
    name += "S0_I" + before + before + "E";
  }
  name += "E";
  EXPECT_EQ(class_with_name(name), name);
  EXPECT_EQ(class_with_name("1zI1aIiiES0_IS1_S1_EE"), "z<a<int, int>, a<a<int, int>, a<int, int> > >");
}

}  // namespace
}  // namespace smallblock::inspect
