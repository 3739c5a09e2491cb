#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/journal/event.hpp"
#include "daemon/placement/placement.hpp"
#include "daemon/status/alert_view.hpp"
#include "daemon/store/store.hpp"

namespace qw::status {

/// What a sparkline shows: the last values of one series, in order of time.
using Trend = std::vector<store::Point>;
using Trends = std::unordered_map<SeriesPtr, Trend, SameSeries, SameSeries>;
using EventsPtr = std::shared_ptr<const std::vector<journal::Event>>;

/// All that a page is made of, taken at one instant; nothing in it changes while a worker reads it.
struct View {
  store::SnapshotPtr snapshot;
  AlertViews alerts;
  std::vector<journal::Condition> conditions;  ///< critical ones first
  EventsPtr events;                            ///< in order of time; null: there is no journal
  placement::Standings placement;              ///< of targets that one daemon at a time asks
  Trends trends;
  WallTime wall;
  SteadyTime now;
};

}  // namespace qw::status
