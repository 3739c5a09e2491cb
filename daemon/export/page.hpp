#pragma once
#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/store/store.hpp"

namespace qw::exporting {

enum class PageFormat : std::uint8_t { text, open_metrics };

/// What `Accept` asks for: OpenMetrics 1.0 when it is preferred, else text 0.0.4.
PageFormat negotiate_format(std::string_view accept);
bool accepts_gzip(std::string_view accept_encoding);
std::string_view content_type(PageFormat format);

/// The whole page: the samples of the store and the daemon's own families, sorted by name, each family once.
/// Pure and safe on a worker; `own` must not contain a family of the store.
std::string write_page(const store::Snapshot& snapshot, const std::vector<prometheus::MetricFamily>& own,
                       PageFormat format);
std::string gzip(std::string_view page);

/// The store seen through prometheus-cpp, sample by sample; the slow twin that tests hold write_page()
/// against.
class StoreCollectable final : public prometheus::Collectable {
 public:
  explicit StoreCollectable(store::SnapshotPtr snapshot) : snapshot_(std::move(snapshot)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  store::SnapshotPtr snapshot_;
};

}  // namespace qw::exporting
