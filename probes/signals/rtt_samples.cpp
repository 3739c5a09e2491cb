#include "probes/signals/rtt_samples.hpp"

#include <array>
#include <initializer_list>
#include <vector>

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kSeconds{"quorumwatch_rtt_seconds", gauge,
                                "Round trip to the member, the median of the round.", "member method"};
constexpr MetricFamily kError{"quorumwatch_rtt_error_seconds", gauge,
                              "How much of the round trip may be ours or the member's rather than the "
                              "network's; absent where it is not known.",
                              "member method"};
constexpr MetricFamily kTail{"quorumwatch_rtt_p99_seconds", gauge,
                             "Round trip that 99 of 100 within the last five minutes did not exceed; up to 6 "
                             "% too high, never too low.",
                             "member method"};
constexpr MetricFamily kDistribution{"quorumwatch_rtt_distribution_seconds", histogram,
                                     "All round trips to the member since the process began.",
                                     "member method le"};
constexpr MetricFamily kJitter{"quorumwatch_rtt_jitter_seconds", gauge,
                               "Mean difference of one round trip from the one before on the same path, "
                               "smoothed as in RFC 3550.",
                               "member method"};
constexpr MetricFamily kHeld{"quorumwatch_rtt_peer_held_seconds", gauge,
                             "How long the member itself held a packet before it answered, the median of the "
                             "round; no part of the round trip.",
                             "member method"};
constexpr MetricFamily kSendLag{"quorumwatch_rtt_send_lag_seconds", gauge,
                                "How much later than planned we sent a packet, the worst of the round.",
                                "member method"};
constexpr MetricFamily kSlow{
    "quorumwatch_rtt_slow", gauge,
    "Whether a part of the way takes half as long again, and 0.5 ms more, than at its "
    "best within the last hour: the wire, the peer that holds packets, or we "
    "ourselves (self) that send them late.",
    "member method part"};
constexpr MetricFamily kDegraded{"quorumwatch_rtt_method_degraded", gauge,
                                 "Whether a better method was wanted than can be had.", "member method"};
constexpr MetricFamily kPaths{"quorumwatch_rtt_paths", gauge,
                              "Paths to the member that are told apart: its addresses, and source ports.",
                              "member method"};
constexpr MetricFamily kPathSpread{"quorumwatch_rtt_path_spread_seconds", gauge,
                                   "Difference of the medians of the slowest and the fastest path; absent "
                                   "where there is one.",
                                   "member method"};
constexpr MetricFamily kPathLoss{"quorumwatch_rtt_worst_path_loss_ratio", gauge,
                                 "Loss of the path that loses most within the last two minutes; absent where "
                                 "there is one path.",
                                 "member method"};
constexpr MetricFamily kSent{"quorumwatch_rtt_sent_total", counter, "Packets sent to the member.",
                             "member method"};
constexpr MetricFamily kReceived{"quorumwatch_rtt_received_total", counter,
                                 "Packets that were answered in time, each counted once.", "member method"};
constexpr MetricFamily kLate{"quorumwatch_rtt_late_total", counter,
                             "Answers that came after their packet had been counted as lost.",
                             "member method"};
constexpr MetricFamily kDuplicate{"quorumwatch_rtt_duplicate_total", counter,
                                  "Answers to packets that had been answered already.", "member method"};
constexpr MetricFamily kReordered{"quorumwatch_rtt_reordered_total", counter,
                                  "Answers that overtook one another.", "member method"};
constexpr MetricFamily kDisturbed{"quorumwatch_rtt_disturbed_total", counter,
                                  "Answers that were thrown away, as a clock step or a stall of our own made "
                                  "their times useless.",
                                  "member method"};
constexpr MetricFamily kLost{"quorumwatch_rtt_lost_total", counter,
                             "Packets that were not answered in time, by the direction in which they were "
                             "lost.",
                             "member method direction"};
constexpr MetricFamily kLossRatio{"quorumwatch_rtt_loss_ratio", gauge,
                                  "Packets of the last minute that were never answered.", "member method"};
constexpr MetricFamily kLossSamples{"quorumwatch_rtt_loss_samples", gauge,
                                    "Packets that the loss ratios rest on.", "member method"};
constexpr MetricFamily kLossDirection{
    "quorumwatch_rtt_loss_direction_ratio", gauge,
    "The loss ratio, taken apart by the direction in which packets were lost.", "member method direction"};
constexpr MetricFamily kConfirmed{"quorumwatch_rtt_loss_confirmed", gauge,
                                  "1 when it is certain that about one packet in a hundred or more is lost "
                                  "(any), and in which direction where that can be told.",
                                  "member method direction"};
constexpr MetricFamily kConfirmedSamples{
    "quorumwatch_rtt_loss_confirmed_samples", gauge,
    "Packets that the verdict of quorumwatch_rtt_loss_confirmed rests on.", "member method direction"};
constexpr MetricFamily kLeftOut{"quorumwatch_rtt_left_out_total", counter,
                                "Round trips and trains of packets that were not taken in, as there are more "
                                "than 1024 members and methods.",
                                ""};
constexpr const MetricFamily* kFamilies[] = {
    &kSeconds, &kError,     &kTail,        &kDistribution,  &kJitter,     &kHeld,
    &kSendLag, &kSlow,      &kDegraded,    &kPaths,         &kPathSpread, &kPathLoss,
    &kSent,    &kReceived,  &kLate,        &kDuplicate,     &kReordered,  &kDisturbed,
    &kLost,    &kLossRatio, &kLossSamples, &kLossDirection, &kConfirmed,  &kConfirmedSamples,
    &kLeftOut};

class RouteWriter {
 public:
  RouteWriter(std::string_view member, std::string_view method, Samples& out)
      : out_(out), labels_{{{"member", member}, {"method", method}, {}}} {}

  void add(const MetricFamily& family, double value) { out_.add(family, value, std::span(labels_).first(2)); }
  void add(const MetricFamily& family, Nanoseconds value) { add(family, seconds(value)); }
  void add(const MetricFamily& family, std::uint64_t value) { add(family, static_cast<double>(value)); }
  void add(const MetricFamily& family, double value, Samples::Label label, std::string_view suffix = {}) {
    labels_[2] = label;
    out_.add(family, value, labels_, suffix);
  }
  void add_suffix(const MetricFamily& family, double value, std::string_view suffix) {
    out_.add(family, value, std::span(labels_).first(2), suffix);
  }

 private:
  Samples& out_;
  std::array<Samples::Label, 3> labels_;
};

void write_distribution(const RttHistogram& histogram, RouteWriter& out) {
  const auto buckets = histogram.cumulative();
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    out.add(kDistribution, static_cast<double>(buckets[i]), {"le", RttHistogram::kNames[i]}, "_bucket");
  }
  const auto count = static_cast<double>(histogram.count());
  out.add(kDistribution, count, {"le", "+Inf"}, "_bucket");
  out.add_suffix(kDistribution, seconds(histogram.sum()), "_sum");
  out.add_suffix(kDistribution, count, "_count");
}

/// What only this round can say.
void write_round(RttRoute& route, SteadyTime now, RouteWriter& out) {
  if (const auto median = route.median()) {
    out.add(kSeconds, median->value);
    if (median->error.count() >= 0) out.add(kError, median->error);
    if (const auto tail = route.recent().quantile(now, 0.99)) out.add(kTail, *tail);
  }
  if (const auto held = route.median_held()) out.add(kHeld, *held);
  if (const auto lag = route.longest_send_lag()) out.add(kSendLag, *lag);
  if (route.paths() > 1) out.add(kPaths, std::uint64_t{route.paths()});
  if (const auto spread = route.path_spread()) out.add(kPathSpread, *spread);
  if (const auto loss = route.worst_path_loss()) out.add(kPathLoss, *loss);
}

void write_slow_parts(RttRoute& route, SteadyTime now, RouteWriter& out) {
  const auto write = [&](DelayPart& part, std::string_view word) {
    if (part.known()) out.add(kSlow, part.slow(now) ? 1 : 0, {"part", word});
  };
  write(route.wire(), "wire");
  write(route.peer(), "peer");
  write(route.self(), "self");
}

void write_counts(const RttRoute& route, RouteWriter& out) {
  const auto& counts = route.counts();
  out.add(kSent, counts.sent);
  out.add(kReceived, counts.received);
  out.add(kLate, counts.late);
  out.add(kDuplicate, counts.duplicates);
  out.add(kReordered, counts.reordered);
  out.add(kDisturbed, counts.disturbed);
  if (route.tells_direction()) {
    out.add(kLost, static_cast<double>(counts.lost_forward), {"direction", "forward"});
    out.add(kLost, static_cast<double>(counts.lost_backward), {"direction", "backward"});
  }
  out.add(kLost, static_cast<double>(counts.lost_somewhere), {"direction", "unknown"});
}

void write_loss(RttRoute& route, SteadyTime now, RouteWriter& out) {
  const auto counts = route.last_minute(now);
  if (counts.sent == 0) return;
  const auto ratio = [&](std::uint64_t lost) {
    return static_cast<double>(lost) / static_cast<double>(counts.sent);
  };
  const auto told = counts.lost_forward + counts.lost_backward;
  out.add(kLossRatio, ratio(counts.lost()));
  out.add(kLossSamples, counts.sent);
  if (route.tells_direction()) {
    out.add(kLossDirection, ratio(counts.lost_forward), {"direction", "forward"});
    out.add(kLossDirection, ratio(counts.lost_backward), {"direction", "backward"});
  }
  out.add(kLossDirection, ratio(counts.lost() - std::min(counts.lost(), told)), {"direction", "unknown"});

  const auto write = [&](LossVerdict& verdict, std::string_view direction) {
    out.add(kConfirmed, verdict.confirmed(now) ? 1 : 0, {"direction", direction});
    out.add(kConfirmedSamples, static_cast<double>(verdict.packets(now)), {"direction", direction});
  };
  write(route.loss(), "any");
  if (!route.tells_direction()) return;
  write(route.loss_forward(), "forward");
  write(route.loss_backward(), "backward");
}

}  // namespace

void write_route(std::string_view member, std::string_view method, RttRoute& route, SteadyTime now,
                 Samples& samples) {
  RouteWriter out(member, method, samples);
  if (route.asked()) write_round(route, now, out);
  if (route.has_trains()) {
    if (route.asked()) {
      if (const auto jitter = route.jitter()) out.add(kJitter, *jitter);
      out.add(kDegraded, route.degraded() ? 1.0 : 0.0);
      write_slow_parts(route, now, out);
      write_loss(route, now, out);
    }
    write_counts(route, out);
  }
  write_distribution(route.histogram(), out);
}

void write_left_out(std::uint64_t facts, Samples& out) {
  out.add(kLeftOut, static_cast<double>(facts));
}

std::span<const MetricFamily* const> rtt_families() {
  return kFamilies;
}

}  // namespace qw::signals
