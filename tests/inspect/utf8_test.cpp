// utf8_length: the edges of every length, and each kind of bytes that is no UTF-8.

#include "inspect/utf8.hpp"

#include <gtest/gtest.h>

namespace smallblock {
namespace {

TEST(Utf8, WellFormed) {
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\x7f"), 1U);
  EXPECT_EQ(utf8_length("\xc2\x80"), 2U);
  EXPECT_EQ(utf8_length("\xdf\xbf"), 2U);
  EXPECT_EQ(utf8_length("\xe0\xa0\x80"), 3U);
  EXPECT_EQ(utf8_length("\xed\x9f\xbf"), 3U);
  EXPECT_EQ(utf8_length("\xef\xbf\xbf"), 3U);
  EXPECT_EQ(utf8_length("\xf0\x90\x80\x80"), 4U);
  EXPECT_EQ(utf8_length("\xf4\x8f\xbf\xbf"), 4U);
}

TEST(Utf8, NotWellFormed) {
  EXPECT_EQ(utf8_length("\x80"), 0U) << "a continuation alone";
  EXPECT_EQ(utf8_length("\xff"), 0U);
  EXPECT_EQ(utf8_length("\xc0\x80"), 0U) << "overlong";
  EXPECT_EQ(utf8_length("\xc1\xbf"), 0U) << "overlong";
  EXPECT_EQ(utf8_length("\xe0\x9f\xbf"), 0U) << "overlong";
  EXPECT_EQ(utf8_length("\xf0\x8f\xbf\xbf"), 0U) << "overlong";
  EXPECT_EQ(utf8_length("\xed\xa0\x80"), 0U) << "a surrogate";
  EXPECT_EQ(utf8_length("\xf4\x90\x80\x80"), 0U) << "above U+10FFFF";
  EXPECT_EQ(utf8_length("\xf5\x80\x80\x80"), 0U);
}

TEST(Utf8, CutShort) {
  EXPECT_EQ(utf8_length("\xc3"), 0U);
  EXPECT_EQ(utf8_length("\xe2\x82"), 0U);
  EXPECT_EQ(utf8_length("\xf0\x9f\x98"), 0U);
  EXPECT_EQ(utf8_length("\xe2z"), 0U);
}

TEST(Utf8, WhatTurnsTheOrderOfText) {
  const auto turns = [](const char* text) { return turns_text(text, utf8_length(text)); };
  for (const char* each :
       {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"})
    EXPECT_TRUE(turns(each)) << each;
  for (const char* each : {"a", "\u2029", "\u202f", "\u2065", "\u206a", "\u20ac", "\u05d0", "\U0001f600"})
    EXPECT_FALSE(turns(each)) << each;
}

}  // namespace
}  // namespace smallblock
