#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// The series of one round as a page writes them: family by family, with the starts of all lines in one piece
/// of memory. Rounds that report the same series in the same order share one, so that a scrape reads no
/// series at all (100,000 of them lie in as many places).
class PageLayout {
 public:
  /// `before`: of an earlier round of the same target, whose text is taken over where a series is the same.
  explicit PageLayout(std::span<const Sample> samples, const PageLayout* before = nullptr);

  /// The lines of one family.
  struct Run {
    const MetricFamily* family;
    std::uint32_t begin = 0, end = 0;  ///< in lines()
    std::uint32_t prefix_begin = 0;    ///< in prefixes()
  };
  struct Line {
    std::uint32_t sample;      ///< its place in the round's samples
    std::uint32_t prefix_end;  ///< in prefixes(); it begins where that of the line before ends
  };

  bool is_of(std::span<const Sample> samples) const;
  std::size_t size() const { return lines_.size(); }
  std::span<const Run> runs() const { return runs_; }
  std::span<const Line> lines() const { return lines_; }
  std::string_view prefixes() const { return prefixes_; }

 private:
  class Earlier;
  std::vector<SeriesPtr>
      series_;  ///< in the order of the samples; kept alive, so that an address stands for one
  std::vector<Run> runs_;
  std::vector<Line> lines_;
  std::string prefixes_;
};
using PageLayoutPtr = std::shared_ptr<const PageLayout>;

}  // namespace qw
