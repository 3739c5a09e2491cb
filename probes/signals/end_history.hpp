#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/model/facts.hpp"

namespace qw::signals {

/// Where one partition ended at which time: the recent looks as they came, older ones ever thinner, so that
/// days fit into 1.5 KB and the error of a date stays below a few per cent of its age.
class EndHistory {
 public:
  static constexpr std::size_t kMostPoints = 96;

  /// When the log went beyond an offset. It was surely after `after` and no later than `before`.
  struct Passed {
    std::optional<SteadyTime> after;  ///< nothing: it was before our first look
    SteadyTime before;
    SteadyTime about;  ///< at an even pace between the two; `before` where the first is not known
  };

  /// Looks must come in their order; an overtaken one is not taken up. An end that went back undoes what lay
  /// beyond it. Returns whether it did.
  bool add(const Asked& asked, std::uint64_t end);
  /// When the message at `offset` came; nothing: the log has not been seen to go beyond it. `near` is where
  /// the last search ended: logs of one topic are looked at together, and who reads them is about as far in
  /// each.
  std::optional<Passed> passed(std::uint64_t offset, std::size_t* near = nullptr) const;
  /// The last end; nothing: there was no look yet.
  std::optional<std::uint64_t> end() const;
  void clear() { points_.clear(); }
  std::size_t size() const { return points_.size(); }

 private:
  /// 16 bytes, because there are very many of them. The end was true at some instant within the half width
  /// around `microseconds`.
  struct Point {
    std::uint64_t end;
    std::uint64_t microseconds : 52;
    std::uint64_t half_milliseconds : 12;
    SteadyTime sent() const;
    SteadyTime received() const;
  };
  static Point make_point(const Asked& asked, std::uint64_t end);
  std::size_t first_beyond(std::uint64_t offset, std::size_t near) const;
  void make_room();
  void thin_out(double ratio);

  std::vector<Point> points_;
};

}  // namespace qw::signals
