#include "daemon/base/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <concepts>
#include <cstring>
#include <ostream>
#include <string>

namespace qw {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>, "a secret must not be printable");
static_assert(!fmt::is_formattable<Secret>::value, "a secret must not be formattable");
static_assert(!std::convertible_to<Secret, std::string_view>, "a secret must not become text by itself");

TEST(Secret, ComparesByContent) {
  EXPECT_EQ(Secret("a"), Secret("a"));
  EXPECT_FALSE(Secret("a") == Secret("b"));
  EXPECT_TRUE(Secret().empty());
  EXPECT_EQ(Secret("abc").reveal(), "abc");
}

std::string bytes_of(const Secret& secret) {
  std::string bytes(sizeof secret, '\0');
  std::memcpy(bytes.data(), &secret, sizeof secret);
  return bytes;
}

TEST(Secret, LeavesNothingInWhatItWasMovedFrom) {
  // Short enough to live inside the string object.
  Secret first("canary-0815");
  ASSERT_NE(bytes_of(first).find("canary"), std::string::npos);
  const Secret second(std::move(first));
  EXPECT_EQ(bytes_of(first).find("canary"), std::string::npos);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.reveal(), "canary-0815");

  Secret third("other");
  Secret fourth("canary-0815");
  third = std::move(fourth);
  EXPECT_EQ(third.reveal(), "canary-0815");
  EXPECT_EQ(bytes_of(fourth).find("canary"), std::string::npos);  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, OverwritingWipesWhatWasThere) {
  Secret secret("canary-0815");
  secret = Secret();
  EXPECT_EQ(bytes_of(secret).find("canary"), std::string::npos);
  EXPECT_TRUE(secret.empty());
}

}  // namespace
}  // namespace qw
