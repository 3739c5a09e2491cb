#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/network/nodes_orders.hpp"
#include "probes/probe.hpp"

namespace qw::probes {

/// The method that knows directions.
inline constexpr std::string_view kStamp = "stamp";

/// One address of a node, from round to round.
struct NodesWay {
  NodeWay node;
  Ladder ladder;
  bool probed = false;  ///< in this round
  /// Since when its reflector is silent: the end of the first train that nothing came back of.
  std::optional<SteadyTime> silent_since = std::nullopt;
};

/// What all methods brought from one look at the nodes, and what of it is a fact.
struct NodesLook {
  std::vector<std::string_view> methods;            ///< best first
  std::vector<std::vector<TrainOutcome>> outcomes;  ///< by method
  std::vector<std::vector<std::size_t>> ways;       ///< by method: the number of each outcome's way

  /// Lets each way's ladder say which methods speak for it; members that nobody reached are `unanswered`.
  /// Each outcome is taken once.
  void judge(std::vector<NodesWay>& all, const LastHeard& last_heard, const Asked& asked, Facts& facts);
  /// Everything as it is (trains that a signal asked for).
  void append_all(Facts& facts);
  /// Why a method may not be used by this process; empty: it may, or was not used.
  std::string refusal(std::size_t method) const;

 private:
  void name_direction(NodesWay& way, std::size_t number, const LastHeard& last_heard);
  std::vector<Ladder::Heard> hear(std::size_t number) const;
  void explain(std::size_t number, std::string& reason, std::optional<ErrorKind>& kind) const;
  void report(const NodesWay& way, std::size_t number, std::size_t method, Facts& facts);
};

}  // namespace qw::probes
