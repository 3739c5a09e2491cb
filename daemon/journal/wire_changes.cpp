#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "daemon/base/duration.hpp"
#include "daemon/journal/finders.hpp"

namespace qw::journal {
namespace {

/// What the samples of one round say of the way to a member by one method.
struct Way {
  std::optional<double> seconds, held, samples, loss, any, forward, backward, wire, peer, self;
};
using Ways = std::map<std::pair<std::string_view, std::string_view>, Way>;

void take(const Sample& sample, Way& into) {
  const auto family = sample.series->family->name;
  const auto& labels = sample.series->labels;
  if (family == "quorumwatch_rtt_seconds") into.seconds = sample.value;
  if (family == "quorumwatch_rtt_peer_held_seconds") into.held = sample.value;
  if (family == "quorumwatch_rtt_loss_samples") into.samples = sample.value;
  if (family == "quorumwatch_rtt_loss_ratio") into.loss = sample.value;
  if (family == "quorumwatch_rtt_loss_confirmed") {
    const auto direction = labels.get("direction");
    (direction == "forward"    ? into.forward
     : direction == "backward" ? into.backward
                               : into.any) = sample.value;
  }
  if (family == "quorumwatch_rtt_slow") {
    const auto part = labels.get("part");
    (part == "wire" ? into.wire : part == "peer" ? into.peer : into.self) = sample.value;
  }
}

Evidence evidence_of(const Way& way) {
  Evidence out;
  add_evidence(out, "quorumwatch_rtt_seconds", way.seconds);
  add_evidence(out, "quorumwatch_rtt_peer_held_seconds", way.held);
  add_evidence(out, "quorumwatch_rtt_loss_ratio", way.loss);
  add_evidence(out, "quorumwatch_rtt_loss_samples", way.samples);
  return out;
}

std::string loss_words(const Way& way) {
  if (!way.loss || !way.samples) return "";
  return fmt::format(": {:.1f} % of {:.0f} in the last minute", *way.loss * 100, *way.samples);
}

std::string time_words(const Way& way) {
  return way.seconds ? fmt::format(": the round trip takes {}", spoken_duration(*way.seconds)) : "";
}

void judge_loss(const Way& way, const std::string& subject, Findings& out) {
  const auto words = loss_words(way);
  const auto judge = [&](const std::optional<double>& flag, std::string_view what, std::string_view where) {
    out.judge(flag, {.kind = Kind::round_trip,
                     .severity = Severity::warning,
                     .what = std::string(what),
                     .subject = subject,
                     .text = fmt::format("packets are lost{}{}", where, words),
                     .evidence = evidence_of(way)});
  };
  judge(way.forward, "loss_forward", " on the way there");
  judge(way.backward, "loss_backward", " on the way back");
  // Where the direction is known it says more.
  const bool directed = way.forward == 1.0 || way.backward == 1.0;
  judge(directed ? std::optional(0.0) : way.any, "loss", "");
}

/// Below this it is what any busy machine takes.
constexpr double kLongHeld = 0.001;

void judge_slow(const Way& way, const std::string& subject, Findings& out) {
  const auto words = time_words(way);
  const auto judge = [&](const std::optional<double>& flag, std::string_view what, std::string_view text) {
    out.judge(flag, {.kind = Kind::round_trip,
                     .severity = Severity::warning,
                     .what = std::string(what),
                     .subject = subject,
                     .text = std::string(text) + words,
                     .evidence = evidence_of(way),
                     .flickers = true});
  };
  judge(way.wire, "slow_wire", "the wire takes half as long again as at its best within the hour");
  // It is the median, and some packets in ten are enough for the verdict.
  const bool most = way.held.value_or(0) >= kLongHeld;
  const auto held = most ? " for " + spoken_duration(*way.held) : "";
  judge(way.peer, "slow_peer", fmt::format("the peer holds packets{}: it is short of CPU", held));
}

/// Only where packets are sent for their own sake: elsewhere a member that says nothing is one that did not
/// answer.
void judge_answers(const Way& way, const std::string& subject, Findings& out) {
  if (!way.samples) return;
  if (way.seconds) {
    return out.fine(Kind::round_trip, "no_answer", subject,
                    fmt::format("it answers again, after {}", spoken_duration(*way.seconds)),
                    evidence_of(way));
  }
  out.holds({.kind = Kind::round_trip,
             .severity = Severity::warning,
             .what = "no_answer",
             .subject = subject,
             .text = "no packet of the round was answered" + loss_words(way),
             .evidence = evidence_of(way)});
}

/// It is our own CPU that all ways have in common: one condition of the target.
void judge_self(const Ways& ways, Findings& out) {
  std::optional<double> any;
  std::size_t slow = 0;
  for (const auto& [key, way] : ways) {
    if (!way.self) continue;
    any = std::max(any.value_or(0), *way.self);
    slow += *way.self == 1 ? 1 : 0;
  }
  out.judge(any, {.kind = Kind::round_trip,
                  .severity = Severity::warning,
                  .what = "slow_self",
                  .subject = "",
                  .text = "we send late: this machine is short of CPU",
                  .evidence = {{"ways of quorumwatch_rtt_slow{part=\"self\"}", std::to_string(slow)}},
                  .flickers = true});
}

}  // namespace

void find_wires(const Picked& samples, Findings& out) {
  Ways ways;
  for (const auto& sample : samples.wires) {
    const auto& labels = sample.series->labels;
    take(sample, ways[{labels.get("member"), labels.get("method")}]);
  }
  for (const auto& [key, way] : ways) {
    const auto subject = subject_of(fmt::format("{} by {}", key.first, key.second));
    judge_loss(way, subject, out);
    judge_slow(way, subject, out);
    judge_answers(way, subject, out);
  }
  judge_self(ways, out);
}

}  // namespace qw::journal
