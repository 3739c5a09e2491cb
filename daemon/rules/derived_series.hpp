#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"
#include "daemon/promql/source.hpp"

namespace qw::rules {

/// One series that rules write: ALERTS, ALERTS_FOR_STATE or what a recording rule says. Its family has no
/// static lifetime, so `series` owns it: the store and the page may keep that pointer for as long as they
/// like.
struct DerivedSeries {
  promql::SeriesLabelsPtr labels;  ///< with __name__
  SeriesPtr series;
};
using DerivedSeriesPtr = std::shared_ptr<const DerivedSeries>;

/// The families of one group, so that its series share them: those of alerts, and the given ones. Any thread
/// may use them.
class DerivedFamilies {
 public:
  explicit DerivedFamilies(const std::vector<std::string>& recorded = {});
  /// One more name, unless it is there. Not while others use it.
  void add(std::string_view name);
  /// `labels` with one of those names as __name__.
  DerivedSeriesPtr make(const Labels& labels) const;

 private:
  struct Family;
  std::map<std::string, std::shared_ptr<const Family>, std::less<>> families_;
};

struct DerivedSample {
  DerivedSeriesPtr series;
  double value = 0;
};

}  // namespace qw::rules
