#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probes/signals/judgement.hpp"

/// A small language in which a test tells what was asked when and who said what. Times are milliseconds since
/// the story began.
///
///     Story story(etcd());
///     story.round({Look(0, 2).leads("a", 7).follows("b", "a", 7)});
///     EXPECT_EQ(story.value("leaders"), 1);
namespace qw::signals {

inline SteadyTime at(double milliseconds) {
  // Stories do not begin at the clock's zero, as nothing in real life does.
  return SteadyTime(std::chrono::hours(1)) + Nanoseconds(static_cast<std::int64_t>(milliseconds * 1e6));
}
inline Asked asked(double sent, double received) {
  return {at(sent), at(received)};
}

/// Traits as the systems have them by default (facts/servers.md sections 3 and 5).
inline Traits etcd() {
  return {Fencing::fenced, std::chrono::seconds(1), std::chrono::seconds(2)};
}
inline Traits redis() {
  return {Fencing::unfenced, std::chrono::seconds(1), std::chrono::seconds(15)};
}

/// So many packets to the member, of which so many came back.
inline PacketTrain packet_train(std::string_view member, std::string_view method, Asked when,
                                std::uint64_t sent, std::uint64_t received) {
  PacketTrain train;
  train.member = member;
  train.method = method;
  train.asked = when;
  train.sent = sent;
  train.received = received;
  return train;
}

/// One look: the members asked at the same time, and what they said. A round has one of all members, and
/// perhaps further ones.
class Look {
 public:
  Look(double sent, double received) : asked_(asked(sent, received)) {}

  Look& during(double sent, double received) { return asked_ = asked(sent, received), *this; }
  Look& leads(std::string_view who, std::optional<std::uint64_t> epoch = {}, std::string_view token = {}) {
    auto& claim = add(who, Claim::leader, epoch);
    claim.tenure.token = token;
    return *this;
  }
  Look& hands_over(std::string_view who, std::uint64_t epoch) {
    add(who, Claim::leader, epoch).handing_over = true;
    return *this;
  }
  Look& follows(std::string_view who, std::string_view whom, std::optional<std::uint64_t> epoch = {}) {
    add(who, Claim::not_leader, epoch).follows = whom;
    return *this;
  }
  Look& has_no_leader(std::string_view who, std::optional<std::uint64_t> epoch = {}) {
    return add(who, Claim::not_leader, epoch), *this;
  }
  Look& keeps_its_leader_to_itself(std::string_view who) {
    add(who, Claim::not_leader, {}).names_leader = false;
    return *this;
  }
  Look& campaigns(std::string_view who, std::uint64_t epoch) {
    add(who, Claim::not_leader, epoch).campaigning = true;
    return *this;
  }
  Look& knows_nothing(std::string_view who) { return add(who, Claim::unknown, {}), *this; }
  /// A Sentinel: it votes, can not lead, and names whom it takes for the leader.
  Look& witnesses(std::string_view who, std::string_view whom, std::uint64_t epoch) {
    auto& claim = add(who, Claim::not_leader, epoch);
    claim.may_lead = false;
    claim.follows = whom;
    return *this;
  }
  Look& silent(std::string_view who) {
    facts_.unanswered.push_back({std::string(who), asked_, Error(ErrorKind::timeout, "deadline exceeded")});
    return *this;
  }
  Look& counts_voters(std::string_view who, unsigned voters) {
    facts_.memberships.push_back(
        {.member = std::string(who), .asked = asked_, .lineage = "", .voters = voters});
    return *this;
  }
  /// The last claim is a data node's: it has no vote.
  Look& without_vote() { return facts_.claims.back().votes = false, *this; }
  Look& of_lineage(std::string_view lineage) { return facts_.claims.back().tenure.lineage = lineage, *this; }

  Look& stands(std::string_view who, Role role, std::string_view lineage, std::uint64_t position,
               Link link = Link::unknown) {
    return reports(who, who, role, lineage, position, link);
  }
  Look& reports(std::string_view by, std::string_view about, Role role, std::string_view lineage,
                std::uint64_t position, Link link = Link::unknown) {
    facts_.positions.push_back({.member = std::string(about),
                                .reported_by = std::string(by),
                                .asked = asked_,
                                .role = role,
                                .lineage = std::string(lineage),
                                .position = position,
                                .unit = PositionUnit::bytes,
                                .link = link,
                                .forked_from = {}});
    return *this;
  }
  Look& forked(std::string_view lineage, std::uint64_t position) {
    facts_.positions.back().forked_from = Fork{std::string(lineage), position};
    return *this;
  }
  Look& in_entries() { return facts_.positions.back().unit = PositionUnit::entries, *this; }

  Facts& facts() { return facts_; }
  double end() const { return static_cast<double>((asked_.received - at(0)).count()) / 1e6; }

 private:
  LeadershipClaim& add(std::string_view who, Claim claim, std::optional<std::uint64_t> epoch) {
    facts_.claims.push_back({.member = std::string(who),
                             .asked = asked_,
                             .claim = claim,
                             .tenure = {.lineage = "", .epoch = epoch, .token = ""},
                             .follows = std::nullopt});
    return facts_.claims.back();
  }

  Asked asked_;
  Facts facts_;
};

/// Members a, b and c, all quiet: one leads, the others follow, and each counts three voters.
inline Look led_by(double sent, std::string_view leader = "a", std::uint64_t epoch = 7) {
  Look look(sent, sent + 2);
  for (const std::string_view member : {"a", "b", "c"}) {
    member == leader ? look.leads(member, epoch) : look.follows(member, leader, epoch);
    look.counts_voters(member, 3);
  }
  return look;
}

class Story {
 public:
  explicit Story(Traits traits) : traits_(traits) {}

  /// One round of these looks, reported 1 ms after the last.
  void round(std::vector<Look> looks) {
    judgement_.begin();
    doubts_.clear();
    double end = 0;
    for (auto& look : looks) {
      look.facts().traits = traits_;
      judgement_.observe(look.facts());
      doubts_.push_back(judgement_.ask_again());
      end = std::max(end, look.end());
    }
    report(at(end + 1));
  }

  /// The value of a series: "leaders", "leader_claim{member=a}"; nothing: the series is absent.
  std::optional<double> value(const std::string& series) const {
    const auto found = values_.find(series);
    return found != values_.end() ? std::optional(found->second) : std::nullopt;
  }
  const std::map<std::string, double>& values() const { return values_; }
  double elections(std::string_view cause) const {
    return *value("leader_elections_total{cause=" + std::string(cause) + "}");
  }
  /// Planned, unplanned, unknown, failed.
  std::vector<double> elections() const {
    return {elections("planned"), elections("unplanned"), elections("unknown"), elections("failed")};
  }
  double split_brain(std::string_view kind) const {
    return value("split_brain{kind=" + std::string(kind) + "}").value_or(-1);
  }
  std::optional<double> overlap(std::string_view bound) const {
    return value("split_brain_overlap_seconds{bound=" + std::string(bound) + "}");
  }
  /// Whom the signals wanted to ask again after look `number` of the last round.
  const std::vector<std::string>& doubts(std::size_t number) const { return doubts_.at(number); }

  Judgement& judgement() { return judgement_; }
  const Traits& traits() const { return traits_; }
  void report(SteadyTime now) {
    values_.clear();
    judgement_.report(now, samples_);
    for (const auto& sample : samples_.take()) {
      std::string key(sample.series->family->name.substr(std::string_view("quorumwatch_").size()));
      key += sample.series->suffix;
      char separator = '{';
      for (const auto& [label, text] : sample.series->labels) {
        if (label == "system" || label == "target") continue;
        key.append(1, separator).append(label).append(1, '=').append(text);
        separator = ',';
      }
      if (separator == ',') key += '}';
      repeated_ |= !values_.emplace(std::move(key), sample.value).second;
    }
  }
  /// Whether a round ever had a series twice, which no page may have.
  bool repeated() const { return repeated_; }

 private:
  Traits traits_;
  Judgement judgement_;
  Samples samples_{"system", "target"};
  std::map<std::string, double> values_;
  std::vector<std::vector<std::string>> doubts_;
  bool repeated_ = false;
};

}  // namespace qw::signals
