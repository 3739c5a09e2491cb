#pragma once
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/resolver.hpp"
#include "probes/probe.hpp"

/// A Redis probe as the daemon would make it, and a loop to run it on. Used by the tests with scripted and
/// with real servers.
namespace qw::probes {

extern const ProbeKind kRedis;

/// Configuration by hand: key to value (one element unless the key is a list; "tls.ca_file" for a nested
/// key).
class GivenFields final : public config::Fields {
 public:
  using Values = std::map<std::string, std::vector<std::string>>;
  explicit GivenFields(Values values) : values_(std::move(values)) {}

  void required(std::string_view key, config::FieldRef value, std::string_view) override { take(key, value); }
  void optional(std::string_view key, config::FieldRef value, std::string_view) override { take(key, value); }
  bool object(std::string_view key, std::string_view,
              const std::function<void(config::Fields&)>& fields) override {
    Values inner;
    const std::string prefix = std::string(key) + ".";
    for (const auto& [name, value] : values_) {
      if (name.starts_with(prefix)) inner[name.substr(prefix.size())] = value;
    }
    GivenFields nested(inner);
    fields(nested);
    return !inner.empty();
  }
  void list(std::string_view, std::string_view, const std::function<void(config::Fields&)>&) override {}
  void check(std::string_view key, bool holds, std::string_view message) override {
    if (!holds) problems.push_back(std::string(key) + ": " + std::string(message));
  }

  std::vector<std::string> problems;

 private:
  void take(std::string_view key, const config::FieldRef& ref) {
    const auto found = values_.find(std::string(key));
    if (found == values_.end()) return;
    const auto& given = found->second;
    if (const auto* list = std::get_if<std::vector<std::string>*>(&ref))
      **list = given;
    else if (const auto* text = std::get_if<std::string*>(&ref))
      **text = given.at(0);
    else if (const auto* maybe = std::get_if<std::optional<std::string>*>(&ref))
      **maybe = given.at(0);
    else if (const auto* secret = std::get_if<config::SecretFile*>(&ref))
      **secret = {"given", Secret(given.at(0))};
    else if (const auto* path = std::get_if<config::Path*>(&ref))
      (**path).value = given.at(0);
    else if (const auto* flag = std::get_if<bool*>(&ref))
      **flag = given.at(0) == "true";
  }

  Values values_;
};

class RedisFixture : public testing::Test {
 protected:
  /// Ends the tasks before anything that they use goes.
  void TearDown() override {
    tasks_.cancel();
    io_.restart();
    io_.run();
  }

  std::unique_ptr<Probe> make(GivenFields::Values values) {
    GivenFields fields(std::move(values));
    const ProbeMaker maker = kRedis.read(fields);
    EXPECT_EQ(fields.problems, std::vector<std::string>{});
    auto probe = maker(ProbeContext{net_, clock_});
    EXPECT_TRUE(probe) << probe.error().message();
    return probe ? std::move(*probe) : nullptr;
  }

  /// One look.
  Facts ask(Probe& probe, Nanoseconds within = std::chrono::seconds(5), Question question = {}) {
    auto facts = run(probe.ask(std::move(question), clock_.steady() + within));
    EXPECT_TRUE(facts);
    return facts ? std::move(*facts) : Facts{};
  }

  /// Runs the loop until `task` has ended.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    tasks_.spawn("test", into(std::move(task), result));
    while (!result) {
      io_.restart();
      io_.run_one();
    }
    return std::move(*result);
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  async::TaskGroup tasks_{io_.get_executor(), [](std::string_view task, const std::string& what) {
                            ADD_FAILURE() << task << ": " << what;
                          }};

 private:
  template <class T>
  static Task<void> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
};

inline const LeadershipClaim* claim_of(const Facts& facts, std::string_view member) {
  for (const auto& claim : facts.claims) {
    if (claim.member == member) return &claim;
  }
  return nullptr;
}

inline const Unanswered* unanswered_by(const Facts& facts, std::string_view member) {
  for (const auto& none : facts.unanswered) {
    if (none.member == member) return &none;
  }
  return nullptr;
}

inline const ReplicaPosition* position_of(const Facts& facts, std::string_view member,
                                          std::string_view reported_by) {
  for (const auto& position : facts.positions) {
    if (position.member == member && position.reported_by == reported_by) return &position;
  }
  return nullptr;
}

inline std::optional<double> reading_of(const Facts& facts, std::string_view family, std::string_view member,
                                        std::string_view kind = {}) {
  for (const auto& reading : facts.readings) {
    if (reading.family->name != family || reading.labels.at(0).second != member) continue;
    if (!kind.empty() && reading.labels.at(1).second != kind) continue;
    return reading.value;
  }
  return std::nullopt;
}

}  // namespace qw::probes
