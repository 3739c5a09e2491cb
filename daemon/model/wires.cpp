#include "daemon/model/wires.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "daemon/model/row_words.hpp"

namespace qw {
namespace {

using Field = std::optional<double> WireRow::*;

struct Source {
  std::string_view family;
  std::string_view label, value;  ///< further label, where the family has one
  Field field;
};
constexpr Source kSources[] = {
    {"quorumwatch_rtt_seconds", "", "", &WireRow::seconds},
    {"quorumwatch_rtt_error_seconds", "", "", &WireRow::error_seconds},
    {"quorumwatch_rtt_jitter_seconds", "", "", &WireRow::jitter_seconds},
    {"quorumwatch_rtt_peer_held_seconds", "", "", &WireRow::held_seconds},
    {"quorumwatch_rtt_loss_ratio", "", "", &WireRow::loss_ratio},
    {"quorumwatch_rtt_loss_direction_ratio", "direction", "forward", &WireRow::loss_forward_ratio},
    {"quorumwatch_rtt_loss_direction_ratio", "direction", "backward", &WireRow::loss_backward_ratio},
    {"quorumwatch_rtt_loss_samples", "", "", &WireRow::loss_samples},
    {"quorumwatch_rtt_loss_confirmed", "direction", "any", &WireRow::confirmed},
    {"quorumwatch_rtt_loss_confirmed", "direction", "forward", &WireRow::confirmed_forward},
    {"quorumwatch_rtt_loss_confirmed", "direction", "backward", &WireRow::confirmed_backward},
    {"quorumwatch_rtt_slow", "part", "wire", &WireRow::slow_wire},
    {"quorumwatch_rtt_slow", "part", "peer", &WireRow::slow_peer},
    {"quorumwatch_rtt_slow", "part", "self", &WireRow::slow_self},
    {"quorumwatch_rtt_method_degraded", "", "", &WireRow::degraded},
    {"quorumwatch_rtt_paths", "", "", &WireRow::paths},
    {"quorumwatch_rtt_worst_path_loss_ratio", "", "", &WireRow::worst_path_loss_ratio},
};

}  // namespace

std::vector<WireRow> wires_of(std::span<const Sample> samples) {
  std::map<std::pair<std::string_view, std::string_view>, WireRow> rows;
  for (const auto& [series, value] : samples) {
    if (!series->family->name.starts_with("quorumwatch_rtt_")) continue;
    for (const auto& source : kSources) {
      if (source.family != series->family->name) continue;
      if (!source.label.empty() && series->labels.get(source.label) != source.value) continue;
      rows[{series->labels.get("member"), series->labels.get("method")}].*source.field = value;
    }
  }
  std::vector<WireRow> out;
  for (auto& [key, row] : rows) {
    // Without trains there is a round trip, as every system has one, and nothing else.
    if (!row.loss_samples) continue;
    row.member = key.first;
    row.method = key.second;
    out.push_back(std::move(row));
  }
  std::ranges::sort(out, {}, [](const WireRow& row) {
    return std::tuple(!in_trouble(row), std::string_view(row.member), std::string_view(row.method));
  });
  return out;
}

bool in_trouble(const WireRow& row) {
  return !row.seconds || is_set(row.confirmed) || is_set(row.confirmed_forward) ||
         is_set(row.confirmed_backward) || is_set(row.slow_wire) || is_set(row.slow_peer);
}

std::string describe(const WireRow& row) {
  std::string out;
  const bool there = is_set(row.confirmed_forward), back = is_set(row.confirmed_backward);
  add_words(out, !row.seconds, "no answer");
  add_words(out, there && back, "packets are lost on the way there and back");
  add_words(out, there && !back, "packets are lost on the way there");
  add_words(out, back && !there, "packets are lost on the way back");
  add_words(out, is_set(row.confirmed) && !there && !back, "packets are lost");
  add_words(out, is_set(row.slow_wire), "the wire is slow");
  add_words(out, is_set(row.slow_peer), "the peer holds packets: it is short of CPU");
  add_words(out, is_set(row.slow_self), "we send late: this machine is short of CPU");
  add_words(out, is_set(row.degraded), "no better method can be had");
  return out;
}

}  // namespace qw
