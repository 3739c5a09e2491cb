#include "daemon/export/journal_metrics.hpp"

#include <gtest/gtest.h>

#include <map>

namespace qw::exporting {
namespace {

TEST(JournalMetrics, AreThereFromTheStartAndOnlyRise) {
  prometheus::Registry registry;
  JournalMetrics metrics(registry);
  const auto value = [&](const std::string& name) {
    for (const auto& family : registry.Collect()) {
      if (family.name != "quorumwatch_journal_" + name) continue;
      const auto& metric = family.metric.at(0);
      return family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
    return -1.0;
  };
  EXPECT_EQ(value("events_written_total"), 0);
  metrics.set({.written = 5, .dropped = 1, .errors = 2, .skipped = 3, .left_out = 4, .bytes = 1000});
  metrics.set({.written = 6, .dropped = 1, .errors = 2, .skipped = 3, .left_out = 4, .bytes = 500});
  EXPECT_EQ(value("events_written_total"), 6);
  EXPECT_EQ(value("events_dropped_total"), 1);
  EXPECT_EQ(value("write_errors_total"), 2);
  EXPECT_EQ(value("lines_skipped_total"), 3);
  EXPECT_EQ(value("events_left_out_total"), 4);
  EXPECT_EQ(value("bytes"), 500);
  EXPECT_EQ(JournalMetrics::families().size(), registry.Collect().size());
}

}  // namespace
}  // namespace qw::exporting
