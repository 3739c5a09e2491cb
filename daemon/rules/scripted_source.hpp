#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/source.hpp"

namespace qw::rules {

/// The samples of a rule test: those of its input series, which appear as time goes on, and those that rules
/// write.
class ScriptedSource final : public promql::Source {
 public:
  /// A value each `step` from `start` on.
  void add(const promql::SeriesDescription& series, promql::Millis start, promql::Millis step);
  /// Lets the input appear that is not later than `until`.
  void advance(promql::Millis until);
  /// What a rule writes; it is ignored where the series has a sample at that time or later already.
  void write(const promql::SeriesLabelsPtr& labels, promql::Point point);

  std::vector<Series> select(std::span<const store::Matcher> matchers, promql::Millis from,
                             promql::Millis to) const override;

 private:
  struct Line {
    promql::SeriesLabelsPtr labels;
    std::vector<promql::Point> points;   ///< that are there
    std::vector<promql::Point> planned;  ///< of the input
    std::size_t next = 0;                ///< in planned
  };
  Line& line(const promql::SeriesLabelsPtr& labels);

  std::vector<Line> lines_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
};

}  // namespace qw::rules
