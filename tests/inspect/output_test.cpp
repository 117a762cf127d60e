// Output: pieces across the end of its buffer, pieces that are too long, and descriptors that refuse.

#include "inspect/output.hpp"

#include <fcntl.h>

#include "inspect/temporary_file.hpp"

namespace smallblock {
namespace {

using tests::TemporaryFile;

TEST(Output, KeepsEveryByteAcrossItsBuffer) {
  const TemporaryFile file;
  std::string expected;
  Output output(file.descriptor());
  for (int number = 0; number < 5000; ++number) {
    output.print("%d,", number);
    expected += std::to_string(number) + ",";
  }
  EXPECT_TRUE(output.finish());
  EXPECT_EQ(file.content(), expected);
}

TEST(Output, PutTakesAnyLength) {
  const TemporaryFile file;
  std::string expected;
  Output output(file.descriptor());
  for (const Bytes bytes : {Bytes{1}, Bytes{1022}, Bytes{1}, Bytes{1}, Bytes{1024}, Bytes{10000}, Bytes{0}}) {
    const std::string piece(bytes, static_cast<char>('a' + bytes % 26));
    output.put(piece.data(), piece.size());
    expected += piece;
  }
  EXPECT_TRUE(output.finish());
  EXPECT_EQ(file.content(), expected);
}

TEST(Output, APieceAsLongAsTheBufferHoldsIsPrinted) {
  const TemporaryFile file;
  Output output(file.descriptor());
  const std::string piece(1023, 'x');
  output.print("abc");
  output.print("%s", piece.c_str());
  EXPECT_TRUE(output.finish());
  EXPECT_EQ(file.content(), "abc" + piece);
}

TEST(Output, ALongerPieceIsAnError) {
  const TemporaryFile file;
  Output output(file.descriptor());
  output.print("%s", std::string(1024, 'x').c_str());
  EXPECT_FALSE(output.finish());
}

TEST(Output, AFullDiskIsAnError) {
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  Output output(full);
  output.print("lost");
  EXPECT_FALSE(output.finish());
  close(full);
}

TEST(Output, AClosedDescriptorIsAnError) {
  Output output(-1);
  output.print("lost");
  EXPECT_FALSE(output.finish());
}

TEST(Output, NothingPrintedIsNoError) {
  Output output(-1);
  EXPECT_TRUE(output.finish());
}

}  // namespace
}  // namespace smallblock
