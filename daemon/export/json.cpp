#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"
#include "daemon/export/site.hpp"
#include "daemon/model/consumers.hpp"
#include "daemon/model/wires.hpp"

namespace qw::exporting {
namespace {

namespace json = boost::json;

/// JSON has no NaN and no infinity; what can not be said is null. Whole numbers are written as such.
json::value number(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!std::isfinite(value)) return nullptr;
  if (std::fabs(value) <= kExact && std::trunc(value) == value) return static_cast<std::int64_t>(value);
  return value;
}

/// Epochs and positions need all 64 bits, which a JSON number does not carry safely.
json::value exact(std::uint64_t value) {
  return json::string(std::to_string(value));
}
json::value exact_or_null(const std::optional<std::uint64_t>& value) {
  return value ? exact(*value) : json::value(nullptr);
}

/// What a target said may be no UTF-8, which JSON has to be.
json::value text(std::string_view value) {
  constexpr std::size_t kMaxText = 4096;
  return json::string(is_valid_utf8(value) ? std::string(value) : sanitize(value, kMaxText));
}
json::value text_or_null(const std::optional<std::string>& value) {
  return value ? text(*value) : json::value(nullptr);
}

std::string_view name(Claim claim) {
  switch (claim) {
    case Claim::leader:
      return "leader";
    case Claim::not_leader:
      return "not_leader";
    case Claim::unknown:
      break;
  }
  return "unknown";
}

std::string_view name(Role role) {
  switch (role) {
    case Role::leader:
      return "leader";
    case Role::replica:
      return "replica";
    case Role::unknown:
      break;
  }
  return "unknown";
}

std::string_view name(Link link) {
  switch (link) {
    case Link::up:
      return "up";
    case Link::down:
      return "down";
    case Link::unknown:
      break;
  }
  return "unknown";
}

std::string_view name(ConsumerState state) {
  switch (state) {
    case ConsumerState::stable:
      return "stable";
    case ConsumerState::rebalancing:
      return "rebalancing";
    case ConsumerState::empty:
      return "empty";
    case ConsumerState::dead:
      return "dead";
    case ConsumerState::unknown:
      break;
  }
  return "unknown";
}

/// Times of facts are seconds after the round began.
class FactWriter {
 public:
  explicit FactWriter(const Round& round) : started_(round.started) {}

  json::object write(const Facts& facts) const {
    json::object out;
    out["claims"] = list(facts.claims);
    out["memberships"] = list(facts.memberships);
    out["positions"] = list(facts.positions);
    out["groups"] = list(facts.groups);
    out["topics"] = list(facts.topics);
    out["offsets"] = list(facts.offsets);
    out["round_trips"] = list(facts.round_trips, kMostTrips);
    if (facts.round_trips.size() > kMostTrips)
      out["round_trips_left_out"] = facts.round_trips.size() - kMostTrips;
    out["trains"] = list(facts.trains);
    out["clocks"] = list(facts.clocks);
    out["readings"] = list(facts.readings);
    out["unanswered"] = list(facts.unanswered);
    return out;
  }

 private:
  /// A mesh has thousands of packets a round; what they come to is in the samples.
  static constexpr std::size_t kMostTrips = 500;

  template <class T>
  json::array list(const std::vector<T>& facts, std::size_t most = SIZE_MAX) const {
    json::array out;
    out.reserve(std::min(facts.size(), most));
    for (std::size_t i = 0; i < facts.size() && i < most; ++i) out.push_back(one(facts[i]));
    return out;
  }

  json::object start(std::string_view member, const Asked& asked) const {
    json::object out;
    out["member"] = text(member);
    add(out, "", asked);
    return out;
  }
  void add(json::object& out, std::string_view prefix, const Asked& asked) const {
    out[std::string(prefix) + "sent_seconds"] = number(seconds(asked.sent - started_));
    out[std::string(prefix) + "received_seconds"] = number(seconds(asked.received - started_));
  }

  json::object one(const LeadershipClaim& claim) const {
    auto out = start(claim.member, claim.asked);
    out["claim"] = name(claim.claim);
    out["lineage"] = text(claim.tenure.lineage);
    out["epoch"] = exact_or_null(claim.tenure.epoch);
    out["token"] = text(claim.tenure.token);
    out["follows"] = text_or_null(claim.follows);
    out["names_leader"] = claim.names_leader;
    out["votes"] = claim.votes;
    out["may_lead"] = claim.may_lead;
    out["campaigning"] = claim.campaigning;
    out["handing_over"] = claim.handing_over;
    return out;
  }
  json::object one(const Membership& membership) const {
    auto out = start(membership.member, membership.asked);
    out["lineage"] = text(membership.lineage);
    out["voters"] = membership.voters;
    out["learners"] = membership.learners;
    return out;
  }
  json::object one(const ReplicaPosition& position) const {
    auto out = start(position.member, position.asked);
    out["reported_by"] = text(position.reported_by);
    out["role"] = name(position.role);
    out["lineage"] = text(position.lineage);
    out["position"] = exact(position.position);
    out["unit"] = position.unit == PositionUnit::bytes ? "bytes" : "entries";
    out["link"] = name(position.link);
    if (position.data_until) out["data_until"] = exact(*position.data_until);
    out["forked_from"] = nullptr;
    if (position.forked_from) {
      json::object fork;
      fork["lineage"] = text(position.forked_from->lineage);
      fork["position"] = exact(position.forked_from->position);
      out["forked_from"] = std::move(fork);
    }
    return out;
  }
  json::object one(const ConsumerGroup& group) const {
    json::object out;
    out["consumer_group"] = text(group.name);
    add(out, "", group.asked);
    out["coordinator"] = text(group.coordinator);
    out["state"] = name(group.state);
    out["members"] = group.members ? json::value(*group.members) : json::value(nullptr);
    out["topics"] = list(group.topics);
    return out;
  }
  json::object one(const GroupTopic& topic) const {
    json::object out;
    out["topic"] = text(topic.topic);
    json::array commits;
    for (const auto& commit : topic.commits) {
      json::object written;
      written["partition"] = commit.partition;
      written["committed"] = exact(commit.committed);
      written["assigned"] = std::ranges::binary_search(topic.assigned, commit.partition);
      commits.push_back(std::move(written));
    }
    out["commits"] = std::move(commits);
    return out;
  }
  json::object one(const TopicLog& topic) const {
    json::object out;
    out["topic"] = text(topic.topic);
    out["compacted"] = topic.compacted;
    out["retention_seconds"] = topic.retention ? number(seconds(*topic.retention)) : json::value(nullptr);
    out["partitions"] = list(topic.partitions);
    return out;
  }
  json::object one(const PartitionLog& log) const {
    json::object out;
    out["partition"] = log.partition;
    out["leaderless"] = log.leaderless;
    out["end"] = exact_or_null(log.end);
    out["stable_end"] = exact_or_null(log.stable_end);
    out["start"] = exact_or_null(log.start);
    add(out, "", log.asked_end);
    return out;
  }
  json::object one(const OffsetAt& answer) const {
    json::object out;
    out["topic"] = text(answer.question.topic);
    out["partition"] = answer.question.partition;
    out["at"] = format_time(answer.question.at);
    add(out, "", answer.asked);
    out["offset"] = exact_or_null(answer.offset);
    return out;
  }
  json::object one(const RoundTrip& trip) const {
    auto out = start(trip.member, trip.asked);
    out["method"] = text(trip.method);
    out["seconds"] = number(seconds(trip.value));
    out["error_seconds"] = seconds_or_null(trip.error);
    if (!trip.path.empty()) out["path"] = text(trip.path);
    if (trip.held) out["held_seconds"] = seconds_or_null(trip.held);
    if (trip.send_lag) out["send_lag_seconds"] = seconds_or_null(trip.send_lag);
    return out;
  }
  static json::value seconds_or_null(const std::optional<Nanoseconds>& time) {
    return time ? number(seconds(*time)) : json::value(nullptr);
  }
  json::object one(const PacketTrain& train) const {
    auto out = start(train.member, train.asked);
    out["method"] = text(train.method);
    out["path"] = text(train.path);
    out["sent"] = train.sent;
    out["received"] = train.received;
    if (train.lost_forward) out["lost_forward"] = *train.lost_forward;
    if (train.lost_backward) out["lost_backward"] = *train.lost_backward;
    out["duplicates"] = train.duplicates;
    out["reordered"] = train.reordered;
    out["late"] = train.late;
    out["disturbed"] = train.disturbed;
    out["extra"] = train.extra;
    if (!train.degraded_from.empty()) out["degraded_from"] = text(train.degraded_from);
    return out;
  }
  json::object one(const ClockReading& clock) const {
    auto out = start(clock.member, clock.asked);
    out["source"] = text(clock.source);
    out["remote"] = format_time(clock.remote);
    out["remote_nanoseconds"] = json::string(std::to_string(clock.remote.time_since_epoch().count()));
    out["resolution_seconds"] = number(seconds(clock.resolution));
    // All that this reading proves: the offset lies in between.
    out["offset_lower_seconds"] = number(seconds(clock.remote - clock.local_received));
    out["offset_upper_seconds"] = number(seconds(clock.remote + clock.resolution - clock.local_sent));
    return out;
  }
  json::object one(const Reading& reading) const {
    json::object labels;
    for (const auto& [label, value] : reading.labels) labels[label] = text(value);
    json::object out;
    out["name"] = reading.family->name;
    out["labels"] = std::move(labels);
    out["value"] = number(reading.value);
    return out;
  }
  json::object one(const Unanswered& unanswered) const {
    auto out = start(unanswered.member, unanswered.asked);
    out["kind"] = qw::name(unanswered.error.kind());
    out["reason"] = text(unanswered.error.message());
    return out;
  }

  SteadyTime started_;
};

json::array samples_of(const Round& round) {
  json::array out;
  out.reserve(round.samples.size());
  for (const auto& sample : round.samples) {
    json::object labels;
    for (const auto& [label, value] : sample.series->labels) labels[label] = text(value);
    json::object one;
    one["name"] = std::string(sample.series->family->name) + std::string(sample.series->suffix);
    one["labels"] = std::move(labels);
    one["value"] = number(sample.value);
    out.push_back(std::move(one));
  }
  return out;
}

/// For people and their scripts: why each group is behind, the worst first. All numbers are in the samples.
json::array consumers(const Round& round) {
  constexpr std::size_t kMost = 100;
  json::array out;
  for (const auto& row : consumers_of(round.samples)) {
    if (out.size() == kMost) break;
    json::object one;
    one["consumer_group"] = text(row.group);
    one["topic"] = text(row.topic);
    one["status"] = qw::name(row.status);
    one["cause"] = describe(row);
    one["lag_messages"] = row.messages ? number(*row.messages) : json::value(nullptr);
    one["lag_seconds"] = row.seconds ? number(*row.seconds) : json::value(nullptr);
    one["lag_error_seconds"] = row.error_seconds ? number(*row.error_seconds) : json::value(nullptr);
    out.push_back(std::move(one));
  }
  return out;
}

/// The way to each node, those in trouble first. All numbers are in the samples.
json::array peers(const Round& round) {
  const auto number_or_null = [](const std::optional<double>& value) {
    return value ? number(*value) : json::value(nullptr);
  };
  json::array out;
  for (const auto& row : wires_of(round.samples)) {
    json::object one;
    one["member"] = text(row.member);
    one["method"] = text(row.method);
    one["rtt_seconds"] = number_or_null(row.seconds);
    one["rtt_error_seconds"] = number_or_null(row.error_seconds);
    one["jitter_seconds"] = number_or_null(row.jitter_seconds);
    one["loss_ratio"] = number_or_null(row.loss_ratio);
    one["loss_samples"] = number_or_null(row.loss_samples);
    one["in_trouble"] = in_trouble(row);
    one["cause"] = describe(row);
    out.push_back(std::move(one));
  }
  return out;
}

json::object round_object(const Round& round) {
  json::object out;
  out["system"] = text(round.target.system);
  out["target"] = text(round.target.name);
  out["round"] = round.number;
  out["at"] = format_time(round.at);
  out["duration_seconds"] = number(seconds(round.finished - round.started));
  out["success"] = round.success;
  out["reason"] = text(round.reason);
  out["facts"] = FactWriter(round).write(round.facts);
  out["consumers"] = consumers(round);
  out["peers"] = peers(round);
  out["samples"] = samples_of(round);
  return out;
}

}  // namespace

std::string round_json(const Round& round) {
  return json::serialize(round_object(round));
}

std::string targets_json(const store::Snapshot& snapshot, WallTime now_wall, SteadyTime now) {
  json::array targets;
  targets.reserve(snapshot.rounds.size());
  for (const auto& round : snapshot.rounds) {
    auto target = round_object(*round);
    target["age_seconds"] = number(seconds(now - round->started));
    targets.push_back(std::move(target));
  }
  json::object out;
  out["now"] = format_time(now_wall);
  out["targets"] = std::move(targets);
  return json::serialize(out);
}

}  // namespace qw::exporting
