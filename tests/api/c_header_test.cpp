// The C interface called from C.
#include <gtest/gtest.h>

extern "C" int c_interface_works(void);

TEST(CHeader, IsUsableFromC) {
  EXPECT_TRUE(c_interface_works());
}
