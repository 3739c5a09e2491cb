#include "daemon/export/journal_metrics.hpp"

#include <array>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kBytes{"quorumwatch_journal_bytes", gauge, "What the files of the journal take.", ""};
constexpr MetricFamily kDropped{
    "quorumwatch_journal_events_dropped_total", counter,
    "Events that were never written to the journal, as there was no room to wait.", ""};
constexpr MetricFamily kLeftOut{
    "quorumwatch_journal_events_left_out_total", counter,
    "Changes that became no event, as there were too many in one round or the same came too often.", ""};
constexpr MetricFamily kWritten{"quorumwatch_journal_events_written_total", counter,
                                "Events that are on disk in the journal.", ""};
constexpr MetricFamily kSkipped{
    "quorumwatch_journal_lines_skipped_total", counter,
    "Lines of the journal that were torn or damaged when it was read at the start.", ""};
constexpr MetricFamily kErrors{"quorumwatch_journal_write_errors_total", counter,
                               "Writes to the journal that failed; they are tried again.", ""};
constexpr std::array kFamilies{kBytes, kDropped, kLeftOut, kWritten, kSkipped, kErrors};

}  // namespace

struct JournalMetrics::Impl {
  explicit Impl(prometheus::Registry& registry)
      : bytes(add_gauge(registry, kBytes).Add({})),
        dropped(add_counter(registry, kDropped).Add({})),
        left_out(add_counter(registry, kLeftOut).Add({})),
        written(add_counter(registry, kWritten).Add({})),
        skipped(add_counter(registry, kSkipped).Add({})),
        errors(add_counter(registry, kErrors).Add({})) {}

  prometheus::Gauge& bytes;
  prometheus::Counter &dropped, &left_out, &written, &skipped, &errors;
};

JournalMetrics::JournalMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
JournalMetrics::~JournalMetrics() = default;

void JournalMetrics::set(const Totals& totals) {
  impl_->bytes.Set(static_cast<double>(totals.bytes));
  raise_to(impl_->dropped, totals.dropped);
  raise_to(impl_->left_out, totals.left_out);
  raise_to(impl_->written, totals.written);
  raise_to(impl_->skipped, totals.skipped);
  raise_to(impl_->errors, totals.errors);
}

std::vector<MetricFamily> JournalMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
