#include "daemon/flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qw {
namespace {

using testing::HasSubstr;

Result<Flags> parse(const std::vector<std::string_view>& args) {
  return parse_flags(args);
}

TEST(Flags, EveryCommandIsKnown) {
  struct Case {
    std::string_view word;
    Command command;
  };
  for (const auto& test :
       {Case{"run", Command::run}, Case{"check", Command::check}, Case{"once", Command::once},
        Case{"metrics", Command::metrics}, Case{"probes", Command::probes},
        Case{"reference", Command::reference}, Case{"--version", Command::version},
        Case{"--help", Command::help}, Case{"-h", Command::help}, Case{"help", Command::help},
        Case{"version", Command::version}}) {
    const auto flags = parse({test.word});
    ASSERT_TRUE(flags) << test.word;
    EXPECT_EQ(flags->command, test.command) << test.word;
  }
}

TEST(Flags, AHostToDiscoverHasAnAbsoluteRoot) {
  EXPECT_EQ(parse({"discover"})->root, "/");
  EXPECT_EQ(parse({"discover", "--root=/host"})->root, "/host");
  EXPECT_FALSE(parse({"discover", "--root=host"}));
  EXPECT_FALSE(parse({"run", "--root=/host"}));
}

TEST(Flags, ValuesComeAfterAnEqualsSignOrAsTheNextWord) {
  for (const auto& args :
       {std::vector<std::string_view>{"run", "--config.file=a.yml", "--log.level=warn", "--log.format=json"},
        std::vector<std::string_view>{"--config.file", "a.yml", "run", "--log.level", "warning",
                                      "--log.format", "json"}}) {
    const auto flags = parse(args);
    ASSERT_TRUE(flags) << flags.error().message();
    EXPECT_EQ(flags->command, Command::run);
    EXPECT_EQ(flags->config_file, "a.yml");
    EXPECT_EQ(flags->log.level, log::Level::warning);
    EXPECT_EQ(flags->log.format, log::Format::json);
  }
}

TEST(Flags, ListenAddresses) {
  struct Case {
    std::vector<std::string_view> args;
    std::vector<std::string> expected;
  };
  for (const auto& test :
       {Case{{"run"}, {"127.0.0.1:10979"}}, Case{{"run", "--web.listen-address=:9"}, {"[::]:9"}},
        Case{{"run", "--web.listen-address=10.0.0.1"}, {"10.0.0.1:10979"}},
        Case{{"run", "--web.listen-address=127.0.0.1:0", "--web.listen-address=[::1]:0"},
             {"127.0.0.1:0", "[::1]:0"}}}) {
    const auto flags = parse(test.args);
    ASSERT_TRUE(flags) << flags.error().message();
    std::vector<std::string> got;
    for (const auto& address : flags->listen) got.push_back(address.print());
    EXPECT_EQ(got, test.expected);
  }
}

TEST(Flags, CheckAndOnceTakeOneArgument) {
  const auto check = parse({"check", "a.yml"});
  ASSERT_TRUE(check);
  EXPECT_EQ(check->config_file, "a.yml");
  const auto once = parse({"once", "--output=json", "sessions", "--config.file=a.yml"});
  ASSERT_TRUE(once);
  EXPECT_EQ(once->target, "sessions");
  EXPECT_EQ(once->config_file, "a.yml");
  EXPECT_TRUE(once->json);
}

TEST(Flags, BadUsageIsRefusedWithTheNearestWord) {
  struct Case {
    std::vector<std::string_view> args;
    const char* message;
  };
  for (const auto& test : {
           Case{{}, "no command is given"},
           Case{{"--config.file=a.yml"}, "no command is given"},
           Case{{"chekc"}, "unknown command 'chekc'; did you mean 'check'?"},
           Case{{"zzzzzzzz"}, "unknown command 'zzzzzzzz'"},
           Case{{"run", "--config.fil=a.yml"}, "unknown flag '--config.fil'; did you mean '--config.file'?"},
           Case{{"run", "-config.file=a.yml"}, "unknown flag '-config.file'; did you mean '--config.file'?"},
           Case{{"run", "--"}, "unknown flag '--'"},
           Case{{"run", "--config.file"}, "--config.file needs a value"},
           Case{{"run", "--config.file="}, "--config.file needs a value"},
           Case{{"run", "--config.file=a", "--config.file=b"}, "--config.file is given twice"},
           Case{{"check", "a", "--config.file=b"}, "--config.file is given twice"},
           Case{{"check", "--config.file=b", "a"}, "the configuration file is given twice"},
           Case{{"run", "--log.level=loud"}, "--log.level: expected debug, info, warn or error, got 'loud'"},
           Case{{"run", "--log.format=xml"}, "--log.format: expected logfmt or json, got 'xml'"},
           Case{{"once", "--output=xml"}, "--output: expected text or json, got 'xml'"},
           Case{{"run", "--output=json"}, "--output has no meaning for 'run'"},
           Case{{"metrics", "--config.file=a"}, "--config.file has no meaning for 'metrics'"},
           Case{{"run", "a.yml"}, "unexpected argument 'a.yml'"},
           Case{{"once", "a", "b"}, "unexpected argument 'b'"},
           Case{{"run", "--web.listen-address=nowhere:99999"}, "--web.listen-address: "},
       }) {
    const auto flags = parse(test.args);
    ASSERT_FALSE(flags) << test.message;
    EXPECT_EQ(flags.error().kind(), ErrorKind::config);
    EXPECT_THAT(flags.error().message(), HasSubstr(test.message));
  }
}

TEST(Help, NamesEveryCommandAndFlag) {
  const auto help = help_text();
  for (const auto* word :
       {"run", "check [FILE]", "once [TARGET]", "report [TARGET]", "--since=", "metrics", "probes",
        "reference", "--config.file=FILE", "--web.listen-address=", "--web.config.file=", "--log.level=",
        "--log.format=", "--output=", "--version", "--help"}) {
    EXPECT_THAT(help, HasSubstr(word));
  }
  for (std::size_t at = 0; at < help.size();) {
    const auto end = help.find('\n', at);
    EXPECT_LE(end - at, 130U);
    at = end + 1;
  }
}

}  // namespace
}  // namespace qw
