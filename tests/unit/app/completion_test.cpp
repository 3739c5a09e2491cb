#include "daemon/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/flags.hpp"
#include "daemon/manual.hpp"

namespace qw {
namespace {

using testing::HasSubstr;

// What the shells make of them is tried by tests/deploy/package.
TEST(Completion, AndTheManualKnowWhateverTheHelpKnows) {
  const auto manual = print_manual();
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    const auto script = print_completion(shell);
    for (const auto& command : command_helps()) EXPECT_THAT(script, HasSubstr(command.word)) << shell;
    for (const auto& flag : flag_helps()) EXPECT_THAT(script, HasSubstr(flag.name)) << shell;
  }
  for (const auto& flag : flag_helps())
    EXPECT_THAT(manual, HasSubstr("\\-\\-" + std::string(flag.name).substr(0, 3)));
}

TEST(Completion, IsForTheShellsThatThereAre) {
  for (const std::string_view shell : {"bash", "zsh", "fish"}) {
    const std::vector<std::string_view> args{"completion", shell};
    EXPECT_TRUE(parse_flags(args)) << shell;
  }
  for (const std::vector<std::string_view>& args :
       {std::vector<std::string_view>{"completion"}, std::vector<std::string_view>{"completion", "tcsh"}}) {
    const auto flags = parse_flags(args);
    ASSERT_FALSE(flags);
    EXPECT_EQ(flags.error().message(), "completion needs a shell: bash, zsh or fish");
  }
}

}  // namespace
}  // namespace qw
