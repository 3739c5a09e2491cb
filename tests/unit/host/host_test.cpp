#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "config/config.hpp"
#include "probes/probe.hpp"

namespace qw::probes {

extern const ProbeKind kHost;

namespace {

/// The kind as the configuration reader makes it.
config::Loaded read_config(const std::string& options) {
  const config::Kind kind{.system = "host", .summary = "", .read = [](config::Fields& fields) -> std::any {
                            return kHost.read(fields);
                          }};
  return config::load_text("targets: [{system: host, name: here" + options + "}]", "", std::span(&kind, 1));
}

class HostTest : public testing::Test {
 protected:
  Facts ask() {
    auto loaded = read_config("");
    auto made = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)(
        ProbeContext{.net = net_, .clock = clock_, .port_systems = nullptr});
    const auto probe = std::move(*made);
    Result<Facts> facts;
    async::TaskGroup tasks(io_.get_executor(),
                           [](std::string_view, const std::string& what) { FAIL() << what; });
    tasks.spawn("ask", ask_into(*probe, facts));
    while (tasks.size() > 0) io_.run_one();
    EXPECT_TRUE(facts);
    return facts ? std::move(*facts) : Facts();
  }
  Task<void> ask_into(Probe& probe, Result<Facts>& facts) {
    facts = co_await probe.ask(Question(), clock_.steady() + std::chrono::seconds(5));
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
};

TEST_F(HostTest, TellsOfItsClockAndItsConnections) {
  const auto facts = ask();
  EXPECT_EQ(facts.local_clocks.size(), 1u);
  ASSERT_FALSE(facts.clock_states.empty());
  EXPECT_EQ(facts.clock_states[0].member, "localhost");
  EXPECT_EQ(facts.clock_states[0].source, "kernel");
  EXPECT_TRUE(facts.unanswered.empty());
  const auto up = std::ranges::count_if(facts.readings, [](const Reading& reading) {
    return reading.family->name == "quorumwatch_host_source_up" && reading.value == 1;
  });
  EXPECT_GE(up, 2);
}

TEST(HostOptions, APeerLimitOfNothingIsRefused) {
  const auto loaded = read_config(", peers: 0");
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_NE(loaded.problems[0].text.find("must be 1 to 1000"), std::string::npos);
}

}  // namespace
}  // namespace qw::probes
