#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/journal/watch.hpp"

/// Rounds of one target, one second after the other, for a watch to look at.
namespace qw::journal {

inline const MetricFamily& family(std::string_view name) {
  static std::map<std::string, MetricFamily, std::less<>> all;
  const auto [at, is_new] = all.try_emplace(std::string(name), MetricFamily{"", MetricType::gauge, "x", ""});
  if (is_new) at->second.name = at->first;
  return at->second;
}

inline WallTime wall(int second) {
  return WallTime(std::chrono::seconds(1'795'000'000 + second));
}

class Rounds {
 public:
  explicit Rounds(std::string system = "etcd", std::string name = "one")
      : target_{.system = std::move(system), .name = std::move(name)},
        samples_(target_.system, target_.name) {}

  Rounds& say(std::string_view metric, double value, std::initializer_list<Samples::Label> labels = {}) {
    samples_.add(family("quorumwatch_" + std::string(metric)), value, labels);
    return *this;
  }
  Rounds& silent(std::string member, std::string why = "connection refused") {
    unanswered_.push_back(
        {.member = std::move(member), .asked = {}, .error = Error(ErrorKind::refused, std::move(why))});
    return *this;
  }
  /// Everything said since the last round.
  Round good(int second) {
    auto round = begin(second);
    round.success = true;
    round.facts.unanswered = std::exchange(unanswered_, {});
    round.samples = samples_.take();
    return round;
  }
  Round failed(int second, std::string why = "nobody home") {
    auto round = begin(second);
    round.reason = std::move(why);
    return round;
  }
  /// Its process, or itself, began anew.
  void restart() { number_ = 0; }

 private:
  Round begin(int second) {
    Round round;
    round.target = target_;
    round.number = ++number_;
    round.started = SteadyTime(std::chrono::hours(1) + std::chrono::seconds(second));
    round.finished = round.started + std::chrono::milliseconds(5);
    round.at = wall(second);
    return round;
  }

  TargetId target_;
  Samples samples_;
  std::vector<Unanswered> unanswered_;
  std::uint64_t number_ = 0;
};

/// "began unfenced", "happened planned b:1": what of each event a test most often asks for.
inline std::vector<std::string> words(const std::vector<Event>& events) {
  std::vector<std::string> out;
  for (const auto& event : events) {
    out.push_back(std::string(name(event.change)) + " " + event.what +
                  (event.subject.empty() ? "" : " " + event.subject));
  }
  return out;
}

}  // namespace qw::journal
